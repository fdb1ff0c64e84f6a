//! A recurrent network, found by the names and shapes of its tensors.

use std::collections::BTreeMap;

use rekindle_rnn::Cell;

use crate::language_model::ShapeError;
use crate::tensor::WeightTensor;

/// The first tensor of a network, without the network's name.
pub(crate) const FIRST: &str = "weight_ih_l0";

/// The shape of a recurrent network.
pub(crate) struct Recurrence {
    pub cell: Cell,
    pub layers: usize,
    pub input: usize,
    pub hidden: usize,
    pub bidirectional: bool,
}

/// A linear or embedding layer: a matrix, with or without a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix<'a> {
    /// Its name, without `.weight`.
    pub name: &'a str,
    /// Outputs of a linear layer, tokens of an embedding.
    pub rows: usize,
    /// Inputs of a linear layer, width of an embedding.
    pub columns: usize,
    /// Whether it has a bias.
    pub bias: bool,
}

/// The biases of a network called `part` that was made with `bias=False`, with their sizes; none for cells that PyTorch
/// does not have, whose files always have biases.
pub(crate) fn zero_biases(
    part: &str,
    cell: Cell,
    layers: usize,
    hidden: usize,
    bidirectional: bool,
) -> Vec<(String, usize)> {
    if ![Cell::Rnn, Cell::RnnRelu, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm].contains(&cell) {
        return Vec::new();
    }
    let directions = if bidirectional { &["", "_reverse"][..] } else { &[""] };
    let biases = || cell.weight_names(true).filter(|name| name.starts_with("bias"));
    let of_layer = |layer| {
        let names =
            directions.iter().flat_map(move |way| biases().map(move |bias| format!("{part}.{bias}_l{layer}{way}")));
        names.map(|name| (name, cell.gates() * hidden))
    };
    (0..layers).flat_map(of_layer).collect()
}

/// `network` is the prefix of `weight_ih_l0`, the dot included.
///
/// # Errors
///
/// When its shapes fit no cell, or each other.
pub(crate) fn recurrence(
    model: &BTreeMap<&str, &WeightTensor>,
    network: &str,
    asked: Option<Cell>,
) -> Result<Recurrence, ShapeError> {
    let name = |parameter: &str| format!("{network}{parameter}");
    let shape = |parameter: &str| model.get(name(parameter).as_str()).map_or(&[][..], |tensor| tensor.shape());
    if model.contains_key(name("weight_hr_l0").as_str()) {
        let reason = "an LSTM with projections (proj_size) is not supported".to_owned();
        return Err(ShapeError::Unsupported { name: name("weight_hr_l0"), reason });
    }
    let bidirectional = model.contains_key(name(&format!("{FIRST}_reverse")).as_str());
    let directions = if bidirectional { 2 } else { 1 };
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
            [_, columns] => *columns == directions * hidden,
            _ => readers.iter().any(|matrix| matrix.columns == directions * hidden),
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
        let reason = "its shape does not match that of weight_ih_l0".to_owned();
        Err(ShapeError::Unsupported { name: name(&parameter), reason })
    };
    if cell.has_recurrent_product() && shape("weight_hh_l0") != [rows, hidden] {
        return misfit("weight_hh_l0".to_owned());
    }
    if bidirectional && shape("weight_ih_l0_reverse") != [rows, input] {
        return misfit("weight_ih_l0_reverse".to_owned());
    }
    let upper = |layer: &usize| format!("weight_ih_l{layer}");
    let layers = (1..).take_while(|layer| model.contains_key(name(&upper(layer)).as_str())).count() + 1;
    if let Some(layer) = (1..layers).find(|layer| shape(&upper(layer)) != [rows, directions * hidden]) {
        return misfit(upper(&layer));
    }
    Ok(Recurrence { cell, layers, input, hidden, bidirectional })
}

/// Whether the tensor belongs to the recurrent network; without a prefix, by the names of its parameters.
pub(crate) fn is_within(name: &str, network: &str) -> bool {
    if network.is_empty() { !name.contains('.') } else { name.starts_with(network) }
}

/// The layer of a tensor that is its weight.
pub(crate) fn matrix<'a>(
    model: &BTreeMap<&'a str, &'a WeightTensor>,
) -> impl Fn((&&'a str, &&'a WeightTensor)) -> Option<Matrix<'a>> {
    move |(name, tensor)| {
        let (name, &[rows, columns]) = (name.strip_suffix(".weight")?, tensor.shape()) else { return None };
        Some(Matrix { name, rows, columns, bias: model.contains_key(format!("{name}.bias").as_str()) })
    }
}
