//! Finds the shape of a recurrent language model from the names and shapes of its tensors.

mod error;

use std::collections::BTreeMap;
use std::fmt::Display;

use rekindle_rnn::Cell;

use crate::network::{FIRST, Matrix, Recurrence, is_within, matrix, recurrence, zero_biases};
use crate::tensor::WeightTensor;
pub use error::ShapeError;

type Tensors = BTreeMap<String, WeightTensor>;

/// A recurrent language model, found by the names and shapes of its tensors.
#[derive(Debug)]
pub struct LanguageModel {
    /// The model's tensors, with the names `rnn.*`, `embedding.weight`, `output.weight` and `output.bias`; and
    /// `projection.*` for a layer between the hidden state and tied output weights.
    pub tensors: BTreeMap<String, WeightTensor>,
    /// Number of tensors outside of the model, for instance an optimizer's.
    pub outside: usize,
    /// The recurrent cell.
    pub cell: Cell,
    /// `L`: number of layers.
    pub layers: usize,
    /// `H`: width of the hidden state.
    pub hidden: usize,
    /// Width of the embedding; none for one-hot tokens.
    pub embedding: Option<usize>,
    /// `V`: vocabulary size.
    pub vocabulary: usize,
    /// Whether the output weights are the embeddings.
    pub tied: bool,
    /// Biases that the file lacks (`bias=False`), in `tensors` as zeros.
    pub zeros: Vec<String>,
}

impl LanguageModel {
    /// Finds the recurrent network, the embedding and the output layer in `tensors`: by Rekindle's names, or else by
    /// shape. A linear layer has a bias, and an embedding has none. A matrix without a bias is used as the output
    /// layer if it is the only candidate and no vector can be its bias. Of several cells with the same number of gates
    /// it is the plain one, unless `cell` is given.
    ///
    /// # Errors
    ///
    /// When the tensors are of no such model or of several, or a value is not finite.
    pub fn of(tensors: &BTreeMap<String, WeightTensor>, cell: Option<Cell>) -> Result<Self, ShapeError> {
        deduce(tensors, cell)
    }
}

fn deduce(tensors: &Tensors, cell: Option<Cell>) -> Result<LanguageModel, ShapeError> {
    let is_first = |name: &&String| name.strip_suffix(FIRST).is_some_and(|stem| stem.is_empty() || stem.ends_with('.'));
    let mut firsts = tensors.keys().filter(is_first);
    let first = firsts.next().ok_or(ShapeError::NoRecurrence)?;
    if let Some(other) = firsts.next() {
        return Err(ShapeError::SeveralRecurrences { one: first.clone(), other: other.clone() });
    }
    let stem = first.strip_suffix(FIRST).unwrap_or_default();
    // `model_state_dict.` of `model_state_dict.lstm.`: tensors outside of it are not part of the model.
    let root = stem.strip_suffix('.').and_then(|stem| stem.rfind('.')).map_or("", |dot| &stem[..=dot]);
    let model: BTreeMap<&str, &WeightTensor> =
        tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(root)?, tensor))).collect();
    let outside = tensors.len() - model.len();
    if let Some((name, _)) = model.iter().find(|(_, tensor)| !tensor.values().iter().all(|value| value.is_finite())) {
        return Err(ShapeError::NotFinite { name: format!("{root}{name}") });
    }
    let network = &stem[root.len()..];

    let reverse = format!("{network}{FIRST}_reverse");
    if model.contains_key(reverse.as_str()) {
        let reason = "a bidirectional network cannot predict the next token".to_owned();
        return Err(ShapeError::Unsupported { name: reverse, reason });
    }
    let Recurrence { cell, layers, input, hidden, .. } = recurrence(&model, network, cell)?;
    let matrices: Vec<Matrix<'_>> =
        model.iter().filter(|(name, _)| !is_within(name, network)).filter_map(matrix(&model)).collect();
    let named = |name: &str| matrices.iter().find(|matrix| matrix.name == name).copied();
    // A vector of this size that is not a matrix's bias by name: it may be a bias under another name.
    let spare = |rows: usize| {
        let is_bias = |name: &str| matrices.iter().any(|m| m.bias && name.strip_prefix(m.name) == Some(".bias"));
        let within = model.iter().filter(|(name, _)| !is_within(name, network) && !is_bias(name));
        let beside = tensors.iter().filter(|(name, _)| !root.is_empty() && !name.contains('.'));
        let mut vectors = within.map(|(_, tensor)| *tensor).chain(beside.map(|(_, tensor)| tensor));
        vectors.any(|tensor| tensor.shape() == [rows])
    };
    // Between the hidden state and output weights that are as wide as the embedding.
    let has_output = named("output").is_some() || model.contains_key("output.bias");
    let projection =
        named("projection").filter(|m| has_output && m.columns == hidden && m.rows == input && hidden != input);
    let output = match named("output") {
        Some(output) => Some(output),
        None if projection.is_some() => None,
        None => {
            let fits = |m: &&Matrix<'_>| m.columns == hidden && m.name != "embedding";
            match only("output", matrices.iter().filter(|m| fits(m) && m.bias))? {
                Some(output) => Some(output),
                // An embedding, by its usual names or as the only candidate, is not the output layer.
                None => {
                    let is_embedding = |m: &Matrix<'_>| {
                        let others = || matrices.iter().filter(|other| other.name != m.name && !other.bias);
                        m.name.to_lowercase().contains("emb")
                            || (m.columns == input && m.rows != input && !others().any(|other| other.columns == input))
                    };
                    let without = |m: &&Matrix<'_>| fits(m) && !is_embedding(m) && !spare(m.rows);
                    only("output", matrices.iter().filter(without))?
                }
            }
        }
    };
    let embedding = match named("embedding") {
        Some(embedding) => Some(embedding),
        None => {
            let others = matrices.iter().filter(|m| Some(m.name) != output.map(|output| output.name));
            only("embedding", others.filter(|m| m.columns == input && !m.bias))?
        }
    };
    let no_embedding = |symbols: &dyn Display| {
        let wanted = format!("[{symbols}, {input}] without a bias");
        Err(ShapeError::NoLayer { layer: "embedding", wanted })
    };
    let no_output = || Err(ShapeError::NoLayer { layer: "output", wanted: format!("[symbols, {hidden}] with a bias") });
    if projection.is_none() && output.is_some_and(|output| output.columns != hidden) {
        return no_output();
    }
    if embedding.is_some_and(|embedding| embedding.columns != input) {
        return no_embedding(&"symbols");
    }
    let weight = |matrix: Matrix<'_>| model[format!("{}.weight", matrix.name).as_str()];
    let (vocabulary, tied) = match (output, embedding) {
        (None, None) if projection.is_some() => return no_embedding(&"symbols"),
        (Some(output), _) if projection.is_some() && embedding.map(weight) != Some(weight(output)) => {
            let name = format!("{root}{}.weight", output.name);
            let reason = "output weights behind a projection must be those of the embedding".to_owned();
            return Err(ShapeError::Unsupported { name, reason });
        }
        (_, Some(embedding)) if projection.is_some() => (embedding.rows, true),
        (Some(output), Some(embedding)) if output.rows == embedding.rows => {
            (output.rows, hidden == input && weight(output) == weight(embedding))
        }
        (Some(output), Some(_)) => return no_embedding(&output.rows),
        (Some(output), None) if output.rows == input => (output.rows, false),
        (Some(_), None) => return no_embedding(&"symbols"),
        // Rekindle's own format for a model with tied output weights.
        (None, Some(embedding)) if hidden == input && model.contains_key("output.bias") => (embedding.rows, true),
        (None, _) => return no_output(),
    };

    let mut renamed = Tensors::new();
    for (&name, &tensor) in &model {
        let part = |matrix: Option<Matrix<'_>>| name.strip_prefix(matrix?.name).filter(|rest| rest.starts_with('.'));
        let new = if is_within(name, network) {
            format!("rnn.{}", &name[network.len()..])
        } else if let Some(rest) = part(embedding) {
            format!("embedding{rest}")
        } else if let Some(rest) = part(output) {
            format!("output{rest}")
        } else {
            name.to_owned()
        };
        if !(tied && new == "output.weight") {
            renamed.insert(new, tensor.clone());
        }
    }
    let mut absent = Vec::new();
    if !renamed.keys().any(|name| name.starts_with("rnn.bias")) {
        absent.extend(zero_biases("rnn", cell, layers, hidden, false));
    }
    if !renamed.contains_key("output.bias") && !spare(vocabulary) {
        absent.push(("output.bias".to_owned(), vocabulary));
    }
    if projection.is_some_and(|projection| !projection.bias) {
        absent.push(("projection.bias".to_owned(), input));
    }
    let zeros = absent.iter().map(|(name, _)| name.clone()).collect();
    renamed.extend(absent.into_iter().map(|(name, size)| (name, WeightTensor::zeros(size))));
    let embedding = embedding.map(|embedding| embedding.columns);
    Ok(LanguageModel { tensors: renamed, outside, cell, layers, hidden, embedding, vocabulary, tied, zeros })
}

fn only<'a, 'm: 'a>(
    layer: &'static str,
    mut matrices: impl Iterator<Item = &'a Matrix<'m>>,
) -> Result<Option<Matrix<'m>>, ShapeError> {
    match (matrices.next(), matrices.next()) {
        (Some(one), Some(other)) => {
            Err(ShapeError::SeveralLayers { layer, one: one.name.to_owned(), other: other.name.to_owned() })
        }
        (one, _) => Ok(one.copied()),
    }
}
