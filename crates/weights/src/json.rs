//! Weights as JSON, for programs without another reader.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

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

#[derive(Deserialize)]
struct Read {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Whether the bytes are those of a JSON object with names. A file of safetensors may start with the same two bytes, of
/// the length of its header, which then is less than the file.
pub(crate) fn is_format_of(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk().map(|first| u64::from_le_bytes(*first));
    bytes.starts_with(b"{\"") && length.is_none_or(|length| length > bytes.len() as u64)
}

/// The tensors that [`save_json`] wrote; an error describes the problem.
pub(crate) fn read(bytes: &[u8]) -> Result<BTreeMap<String, WeightTensor>, String> {
    let read: BTreeMap<String, Read> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let tensor = |(name, Read { shape, values }): (String, Read)| {
        let tensor = WeightTensor::new(shape, values).map_err(|error| format!("{name}: {error}"))?;
        Ok((name, tensor))
    };
    read.into_iter().map(tensor).collect()
}
