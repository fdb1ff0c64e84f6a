//! Weights from PyTorch.

use std::path::Path;

use rekindle_weights::{Rename, StateDict, Strictness, WeightError, WeightFile, rename};

use crate::model::Forecaster;

/// `model` with the weights from `torch.save(module.state_dict(), path)`, where `module` has an `nn.LSTM` named `lstm`
/// and an `nn.Linear` named `head`.
///
/// # Errors
///
/// When the file cannot be read, or its weights do not fit: the error lists every missing, unused and misshapen one.
pub fn load(model: Forecaster, path: &Path) -> Result<Forecaster, WeightError> {
    let file = WeightFile::open(path)?;
    // A stack of recurrent layers is named `rnn`; other layers have the names of their fields.
    let names = [Rename::new("lstm", "rnn"), Rename::new("head", "output")];
    let weights = rename(file.tensors().clone(), &names)?;
    let (model, _report) = model.load_state_dict(&weights, Strictness::Strict)?;
    Ok(model)
}
