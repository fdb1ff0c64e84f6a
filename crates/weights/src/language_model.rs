//! Finds the shape of a recurrent language model from the names and shapes of its tensors.

mod error;

use std::collections::BTreeMap;
use std::fmt::Display;

use rekindle_rnn::Cell;

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

/// A linear or embedding layer: a matrix, with or without a bias.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    /// Its name, without `.weight`.
    name: &'a str,
    rows: usize,
    columns: usize,
    bias: bool,
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
    const FIRST: &str = "weight_ih_l0";
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

    let Recurrence { cell, layers, input, hidden } = recurrence(&model, network, cell)?;
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
            let reason = "output weights behind a projection must be those of the embedding";
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
    let plain = [Cell::Rnn, Cell::RnnRelu, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm].contains(&cell);
    if plain && !renamed.keys().any(|name| name.starts_with("rnn.bias")) {
        let rows = cell.gates() * hidden;
        let biases = || cell.weight_names(true).filter(|name| name.starts_with("bias"));
        let names = (0..layers).flat_map(|layer| biases().map(move |bias| format!("rnn.{bias}_l{layer}")));
        absent.extend(names.map(|name| (name, rows)));
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

struct Recurrence {
    cell: Cell,
    layers: usize,
    input: usize,
    hidden: usize,
}

/// `network` is the prefix of `weight_ih_l0`, the dot included.
fn recurrence(
    model: &BTreeMap<&str, &WeightTensor>,
    network: &str,
    asked: Option<Cell>,
) -> Result<Recurrence, ShapeError> {
    let name = |parameter: &str| format!("{network}{parameter}");
    let shape = |parameter: &str| model.get(name(parameter).as_str()).map_or(&[][..], |tensor| tensor.shape());
    for (parameter, reason) in [
        ("weight_ih_l0_reverse", "a bidirectional network cannot predict the next token"),
        ("weight_hr_l0", "an LSTM with projections (proj_size) is not supported"),
    ] {
        if model.contains_key(name(parameter).as_str()) {
            return Err(ShapeError::Unsupported { name: name(parameter), reason });
        }
    }
    let no_cell =
        |parameter: &str| ShapeError::NoCell { name: name(parameter), shape: shape(parameter).to_vec(), cell: asked };
    let &[rows, input] = shape("weight_ih_l0") else { return Err(no_cell("weight_ih_l0")) };
    let has = |weight: &str| model.contains_key(name(&format!("{weight}_l0")).as_str());
    // Any weight of a recurrent product proves it, even if the matrix of the first layer is missing.
    let with_product = model.keys().any(|name| is_within(name, network) && name[network.len()..].contains("_hh_l"));
    let (cell, hidden) = if with_product {
        let &[_, hidden] = shape("weight_hh_l0") else { return Err(no_cell("weight_hh_l0")) };
        let gates = |cell: &Cell| cell.has_recurrent_product() && cell.gates() * hidden == rows;
        let mut of_gates = Cell::ALL.into_iter().filter(gates).rev();
        let cell = match asked {
            Some(asked) => of_gates.find(|&cell| cell == asked),
            // The cell with the most weights in the file; the first of the list if there are several.
            None => of_gates
                .filter(|cell| cell.weight_names(false).all(has))
                .max_by_key(|cell| cell.weight_names(false).count()),
        };
        (cell, hidden)
    } else {
        // Without the product, the hidden size is the input width of the layer above or of the output layer, which
        // usually has a bias.
        let outside = model.iter().filter(|(name, _)| !is_within(name, network)).filter_map(matrix(model));
        let (with_bias, without): (Vec<_>, Vec<_>) = outside.partition(|matrix| matrix.bias);
        let readers = if with_bias.is_empty() { without } else { with_bias };
        let reads = |hidden: usize| match shape("weight_ih_l1") {
            [_, columns] => *columns == hidden,
            _ => readers.iter().any(|matrix| matrix.columns == hidden),
        };
        let fits = |cell: &Cell| {
            let whole = rows.is_multiple_of(cell.gates());
            !cell.has_recurrent_product() && whole && (asked == Some(*cell) || reads(rows / cell.gates()))
        };
        let mut fitting = Cell::ALL.into_iter().filter(|cell| asked.is_none_or(|asked| asked == *cell)).filter(fits);
        // An ambiguous cell is an error.
        let cell = fitting.next().filter(|_| fitting.next().is_none());
        (cell, cell.map_or(0, |cell| rows / cell.gates()))
    };
    let cell = cell.ok_or_else(|| match with_product {
        true => no_cell("weight_ih_l0"),
        false => ShapeError::NoProduct { name: name("weight_hh_l0") },
    })?;
    if hidden == 0 || input == 0 {
        return Err(no_cell("weight_ih_l0"));
    }
    // The model is allocated before its weights are loaded: every size must be backed by values in the file, so that a
    // small file cannot request a large model.
    let misfit = |parameter: String| {
        let reason = "its shape does not match that of weight_ih_l0";
        Err(ShapeError::Unsupported { name: name(&parameter), reason })
    };
    if cell.has_recurrent_product() && shape("weight_hh_l0") != [rows, hidden] {
        return misfit("weight_hh_l0".to_owned());
    }
    let upper = |layer: &usize| format!("weight_ih_l{layer}");
    let layers = (1..).take_while(|layer| model.contains_key(name(&upper(layer)).as_str())).count() + 1;
    if let Some(layer) = (1..layers).find(|layer| shape(&upper(layer)) != [rows, hidden]) {
        return misfit(upper(&layer));
    }
    Ok(Recurrence { cell, layers, input, hidden })
}

/// Whether the tensor belongs to the recurrent network; without a prefix, by the names of its parameters.
fn is_within(name: &str, network: &str) -> bool {
    if network.is_empty() { !name.contains('.') } else { name.starts_with(network) }
}

fn matrix<'a>(
    model: &BTreeMap<&'a str, &'a WeightTensor>,
) -> impl Fn((&&'a str, &&'a WeightTensor)) -> Option<Matrix<'a>> {
    move |(name, tensor)| {
        let (name, &[rows, columns]) = (name.strip_suffix(".weight")?, tensor.shape()) else { return None };
        Some(Matrix { name, rows, columns, bias: model.contains_key(format!("{name}.bias").as_str()) })
    }
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
