//! Initialising a model with the weights of another.

use rekindle_rnn::Recurrent;
use rekindle_weights::{StateDict, Strictness};

/// A mismatch between a model and the one whose weights it starts from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// A parameter has another shape.
    #[error("{parameter} is {wanted:?} here and {found:?} there: cell, layers, hidden and embedding must be the same")]
    Shape {
        /// Its PyTorch name.
        parameter: String,
        /// The shape in the model to initialise.
        wanted: Vec<usize>,
        /// The shape in the other model.
        found: Vec<usize>,
    },
    /// Only one of the models has a parameter.
    #[error(
        "only one of the models has {parameter}: cell, layers, hidden, embedding, attention and tied must be the same"
    )]
    Missing {
        /// Its PyTorch name.
        parameter: String,
    },
}

/// `model`, with its own dropout and other settings of training, and the weights of `source`.
///
/// The cells are the caller's to compare: several have parameters of the same names and shapes.
///
/// # Errors
///
/// When the models have other parameters, or parameters of other shapes.
pub fn with_weights_of<M: StateDict>(model: M, source: &M) -> Result<M, TransferError> {
    let (here, there) = (model.state_dict(), source.state_dict());
    let only = |name: &String| !(here.contains_key(name) && there.contains_key(name));
    if let Some(name) = here.keys().chain(there.keys()).find(|name| only(name)) {
        return Err(TransferError::Missing { parameter: name.clone() });
    }
    for (name, tensor) in &here {
        same_shape(name, tensor.shape().to_vec(), there[name].shape().to_vec())?;
    }
    let (model, _) = model.load_state_dict(&there, Strictness::Strict).expect("names and shapes are this model's");
    Ok(model)
}

/// Checks that two recurrent stacks, if there are any, have the same cell: several have weights of the same shapes.
pub(crate) fn same_cell(here: Option<&Recurrent>, there: Option<&Recurrent>) -> Result<(), TransferError> {
    let cell = |stack: Option<&Recurrent>| stack.map_or("none", |stack| stack.cell().name());
    if cell(here) != cell(there) {
        return Err(TransferError::Missing { parameter: format!("the cell {}", cell(here)) });
    }
    Ok(())
}

/// Checks that two recurrent stacks, if there are any, have the same cell and sizes.
pub(crate) fn same_stack(here: Option<&Recurrent>, there: Option<&Recurrent>) -> Result<(), TransferError> {
    same_cell(here, there)?;
    let sizes = |stack: &Recurrent| {
        let directions = stack.output_size() / stack.hidden_size();
        vec![stack.layers.len(), directions, stack.input_size(), stack.hidden_size()]
    };
    let [here, there] = [here, there].map(|stack| stack.map(sizes).unwrap_or_default());
    same_shape("[layers, directions, input, hidden]", here, there)
}

/// Checks that a parameter, or a list of sizes, is the same in two models.
pub(crate) fn same_shape(parameter: &str, wanted: Vec<usize>, found: Vec<usize>) -> Result<(), TransferError> {
    if wanted == found {
        return Ok(());
    }
    Err(TransferError::Shape { parameter: parameter.to_owned(), wanted, found })
}
