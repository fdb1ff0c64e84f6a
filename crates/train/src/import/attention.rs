//! Attention in an imported model.

use rekindle_models::attention::AttentionKind;
use rekindle_weights::{Parts, ShapeError, Wanted, WeightTensor};

/// Finds the parameters of attention from decoder states of width `query` to encoder outputs of width `key`. A linear
/// layer of PyTorch has the transpose of a parameter here.
///
/// # Errors
///
/// When several tensors fit.
pub(crate) fn attention(parts: &mut Parts, query: usize, key: usize) -> Result<AttentionKind, ShapeError> {
    let shape = format!("[{key}, {query}] without a bias");
    let wanted = Wanted::new("attention.query", &shape, &["att", "query"]);
    if !parameter(parts, wanted, [query, key])? {
        return Ok(AttentionKind::Dot);
    }
    let units =
        [("attention.units.key", [key, key], &["key"][..]), ("attention.units.value", [key, 1], &["value", "energy"])];
    let mut additive = true;
    for (part, shape, hints) in units {
        let named = parts.left().keys().any(|name| hints.iter().any(|hint| name.contains(hint)));
        let text = format!("[{}, {}] without a bias", shape[1], shape[0]);
        additive = named && parameter(parts, Wanted::new(part, &text, hints), shape)? && additive;
    }
    Ok(if additive { AttentionKind::Additive } else { AttentionKind::General })
}

/// Takes a parameter of the shape `[rows, columns]`, from a tensor of its name or from a layer. Whether there is one.
fn parameter(parts: &mut Parts, wanted: Wanted<'_>, [rows, columns]: [usize; 2]) -> Result<bool, ShapeError> {
    let part = wanted.part();
    let found = match parts.remove(part) {
        Some(tensor) => Some(tensor),
        None => {
            let fits = |matrix: &rekindle_weights::Matrix<'_>| {
                !matrix.bias && [matrix.rows, matrix.columns] == [columns, rows]
            };
            let layer = parts.find(wanted, fits)?;
            let weight = layer.and_then(|name| parts.remove(&format!("{name}.weight")));
            weight.as_ref().map(WeightTensor::transposed)
        }
    };
    let is_there = found.is_some();
    if let Some(tensor) = found {
        parts.set(part, tensor);
    }
    Ok(is_there)
}
