//! Weights as JSON, for programs without another reader.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::error::WeightError;
use crate::file;
use crate::tensor::WeightTensor;

#[derive(Serialize)]
struct Written<'a> {
    shape: &'a [usize],
    values: &'a [f32],
}

/// Writes tensors as one JSON object, `{"rnn.weight_hh_l0": {"shape": [8, 2], "values": [...]}, ...}`. The values are
/// in row-major order, in digits that read back to the same bits.
///
/// The file gets its name when it is complete.
///
/// # Errors
///
/// When the file cannot be written; [`WeightError::NotANumber`] when a value is infinite or not a number, which JSON
/// cannot represent.
pub fn save_json(path: impl AsRef<Path>, tensors: &BTreeMap<String, WeightTensor>) -> Result<(), WeightError> {
    if let Some((name, _)) = tensors.iter().find(|(_, tensor)| !tensor.values().iter().all(|value| value.is_finite())) {
        return Err(WeightError::NotANumber { name: name.clone() });
    }
    let written: BTreeMap<_, _> = tensors
        .iter()
        .map(|(name, tensor)| (name, Written { shape: tensor.shape(), values: tensor.values() }))
        .collect();
    let json = serde_json::to_vec(&written).expect("names and finite numbers can be written as JSON");
    file::write(path.as_ref(), &json)
}
