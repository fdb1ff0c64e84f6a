//! Finds the parts of a model among tensors: by their names here, or else by their shapes.
//!
//! A caller asks for one part after the other. A part that is found leaves the tensors that are left and gets the name
//! that it has here; so the shapes of the remaining ones decide the more, the fewer there are.

use std::collections::BTreeMap;

use rekindle_rnn::Cell;

use crate::language_model::ShapeError;
use crate::network::{FIRST, Matrix, Recurrence, is_within, matrix, recurrence, zero_biases};
use crate::tensor::WeightTensor;

type Tensors = BTreeMap<String, WeightTensor>;

/// A recurrent network that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name in the file; empty where its tensors have no prefix.
    pub name: String,
    /// The recurrent cell.
    pub cell: Cell,
    /// `L`: number of layers.
    pub layers: usize,
    /// `I`: width of its input.
    pub input: usize,
    /// `H`: width of the hidden state in each direction.
    pub hidden: usize,
    /// Whether it reads in both directions.
    pub bidirectional: bool,
}

impl Network {
    /// Width of its hidden states, over both directions.
    pub fn output(&self) -> usize {
        if self.bidirectional { 2 * self.hidden } else { self.hidden }
    }
}

/// A part that a caller asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    part: &'static str,
    shape: &'a str,
    hints: &'a [&'a str],
}

impl<'a> Wanted<'a> {
    /// The layer `part`. `shape` describes it in errors. Of several layers that fit, the one whose name contains one of
    /// `hints`.
    pub fn new(part: &'static str, shape: &'a str, hints: &'a [&'a str]) -> Self {
        Self { part, shape, hints }
    }

    /// Its name here.
    pub fn part(&self) -> &'static str {
        self.part
    }
}

/// The tensors of one model, and the parts that were found.
#[derive(Debug)]
pub struct Parts {
    /// Tensors without a part, by their names within the model.
    left: Tensors,
    /// Those of parts that were found, by their names here.
    found: FoundParts,
}

/// The parts that were found.
#[derive(Debug, Default)]
pub struct FoundParts {
    /// The model's tensors. Those without a part have their own names.
    pub tensors: BTreeMap<String, WeightTensor>,
    /// Tensors that the file lacks, in `tensors` as zeros.
    pub zeros: Vec<String>,
    /// Number of tensors outside of the model, for instance an optimizer's.
    pub outside: usize,
}

impl Parts {
    /// The model of a file: the tensors below the prefix that all weights and biases have, such as `module.` or
    /// `model_state_dict.`. Single cells (`torch.nn.LSTMCell`) count as networks of one layer.
    ///
    /// # Errors
    ///
    /// When a value is not finite.
    pub fn of(tensors: &BTreeMap<String, WeightTensor>) -> Result<Self, ShapeError> {
        let root = root(tensors.keys());
        let mut left = Tensors::new();
        for (name, tensor) in tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(&root)?, tensor))) {
            if !tensor.values().iter().all(|value| value.is_finite()) {
                return Err(ShapeError::NotFinite { name: format!("{root}{name}") });
            }
            left.insert(of_layer(name), tensor.clone());
        }
        let found = FoundParts { outside: tensors.len() - left.len(), ..FoundParts::default() };
        Ok(Self { left, found })
    }

    /// Finds the network `part` among those that `fits` accepts, as [`find`](Self::find) finds a layer. Of several
    /// cells with the same number of gates it is the plain one, unless `cell` is given. A network without biases gets
    /// biases of zeros.
    ///
    /// # Errors
    ///
    /// When there is none or several, or its shapes fit no cell.
    pub fn network(
        &mut self,
        part: &'static str,
        hints: &[&str],
        cell: Option<Cell>,
        fits: impl Fn(&Network) -> bool,
    ) -> Result<Network, ShapeError> {
        let networks = self.networks(cell)?;
        let fitting: Vec<&Network> = networks.iter().filter(|network| fits(network)).collect();
        let named = fitting.iter().filter(|network| network.name == part);
        let network = match (named.copied().next(), &fitting[..]) {
            (Some(named), _) => named,
            (None, []) => return Err(ShapeError::NoRecurrence),
            (None, several) => chosen(part, hints, several, |network| &network.name)?,
        };
        let network = network.clone();
        let dotted = if network.name.is_empty() { String::new() } else { format!("{}.", network.name) };
        let within =
            |name: &String, _: &mut WeightTensor| is_within(name, &dotted) && !name[dotted.len()..].contains('.');
        for (name, tensor) in self.left.extract_if(.., within) {
            self.found.tensors.insert(format!("{part}.{}", &name[dotted.len()..]), tensor);
        }
        let bias = format!("{part}.bias");
        if !self.found.tensors.keys().any(|name| name.starts_with(&bias)) {
            let Network { cell, layers, hidden, bidirectional, .. } = network;
            for (name, size) in zero_biases(part, cell, layers, hidden, bidirectional) {
                self.zeros(&name, &[size]);
            }
        }
        Ok(network)
    }

    /// The networks that are left.
    fn networks(&self, cell: Option<Cell>) -> Result<Vec<Network>, ShapeError> {
        let model: BTreeMap<&str, &WeightTensor> = self.left.iter().map(|(name, tensor)| (&name[..], tensor)).collect();
        let stems = model.keys().filter_map(|name| name.strip_suffix(FIRST));
        let stems = stems.filter(|stem| stem.is_empty() || stem.ends_with('.'));
        let network = |stem: &str| {
            let Recurrence { cell, layers, input, hidden, bidirectional } = recurrence(&model, stem, cell)?;
            Ok(Network { name: stem.trim_end_matches('.').to_owned(), cell, layers, input, hidden, bidirectional })
        };
        stems.map(network).collect()
    }

    /// The linear and embedding layers that are left, in the natural order of their names: `fc2` before `fc10`.
    pub fn matrices(&self) -> Vec<Matrix<'_>> {
        let model: BTreeMap<&str, &WeightTensor> = self.left.iter().map(|(name, tensor)| (&name[..], tensor)).collect();
        let mut names: Vec<&str> = model.keys().copied().collect();
        names.sort_by_key(|name| natural(name));
        let of = matrix(&model);
        names.into_iter().filter_map(|name| of((&name, &model[name]))).collect()
    }

    /// Finds a layer: the one with the part's name, or else the one that `fits` accepts. None if there is none.
    ///
    /// # Errors
    ///
    /// When several fit, or the one with the part's name does not.
    pub fn find(&self, wanted: Wanted<'_>, fits: impl Fn(&Matrix<'_>) -> bool) -> Result<Option<String>, ShapeError> {
        let matrices = self.matrices();
        if let Some(named) = matrices.iter().find(|matrix| matrix.name == wanted.part) {
            return if fits(named) { Ok(Some(named.name.to_owned())) } else { Err(no_layer(wanted)) };
        }
        let fitting: Vec<&Matrix<'_>> = matrices.iter().filter(|matrix| fits(matrix)).collect();
        match &fitting[..] {
            [] => Ok(None),
            several => Ok(Some(chosen(wanted.part, wanted.hints, several, |matrix| matrix.name)?.name.to_owned())),
        }
    }

    /// As [`find`](Self::find), and takes the layer for the part. Returns its rows and columns. A layer without a bias
    /// gets one of zeros.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find), and when there is none.
    pub fn linear(&mut self, wanted: Wanted<'_>, fits: impl Fn(&Matrix<'_>) -> bool) -> Result<[usize; 2], ShapeError> {
        let name = self.find(wanted, fits)?.ok_or_else(|| no_layer(wanted))?;
        Ok(self.take_linear(&name, wanted.part))
    }

    /// The same for an embedding, which has no bias.
    ///
    /// # Errors
    ///
    /// As [`linear`](Self::linear).
    pub fn embedding(
        &mut self,
        wanted: Wanted<'_>,
        fits: impl Fn(&Matrix<'_>) -> bool,
    ) -> Result<[usize; 2], ShapeError> {
        let name = self.find(wanted, |matrix| !matrix.bias && fits(matrix))?.ok_or_else(|| no_layer(wanted))?;
        Ok(self.take(&name, wanted.part))
    }

    /// Takes the linear layer `name` for `part`, with a bias of zeros if it has none. Returns its rows and columns.
    pub fn take_linear(&mut self, name: &str, part: &str) -> [usize; 2] {
        let shape = self.take(name, part);
        let bias = format!("{part}.bias");
        if !self.found.tensors.contains_key(&bias) {
            self.zeros(&bias, &shape[..1]);
        }
        shape
    }

    /// Takes the layer `name` for `part`.
    fn take(&mut self, name: &str, part: &str) -> [usize; 2] {
        let mut shape = [0, 0];
        for parameter in ["weight", "bias"] {
            let Some(tensor) = self.left.remove(&format!("{name}.{parameter}")) else { continue };
            if let &[rows, columns] = tensor.shape() {
                shape = [rows, columns];
            }
            self.found.tensors.insert(format!("{part}.{parameter}"), tensor);
        }
        shape
    }

    /// The tensors that are left, by their names.
    pub fn left(&self) -> &BTreeMap<String, WeightTensor> {
        &self.left
    }

    /// Takes a tensor that is left out of them.
    pub fn remove(&mut self, name: &str) -> Option<WeightTensor> {
        self.left.remove(name)
    }

    /// A tensor of a part that was found.
    pub fn tensor(&self, name: &str) -> Option<&WeightTensor> {
        self.found.tensors.get(name)
    }

    /// Sets a tensor of a part.
    pub fn set(&mut self, name: &str, tensor: WeightTensor) {
        self.found.tensors.insert(name.to_owned(), tensor);
    }

    /// Takes a tensor of a part, to set another in its place.
    pub fn unset(&mut self, name: &str) -> Option<WeightTensor> {
        self.found.tensors.remove(name)
    }

    /// Sets a tensor that the file lacks to zeros.
    pub fn zeros(&mut self, name: &str, shape: &[usize]) {
        let values = vec![0.0; shape.iter().product()];
        let zeros = WeightTensor::new(shape.to_vec(), values).expect("there is a zero for each element");
        self.found.tensors.insert(name.to_owned(), zeros);
        self.found.zeros.push(name.to_owned());
    }

    /// The parts that were found; tensors without a part keep their names.
    pub fn finish(mut self) -> FoundParts {
        for (name, tensor) in self.left {
            self.found.tensors.entry(name).or_insert(tensor);
        }
        self.found
    }
}

fn no_layer(wanted: Wanted<'_>) -> ShapeError {
    ShapeError::NoLayer { layer: wanted.part, wanted: wanted.shape.to_string() }
}

/// The only one of some candidates, or the only one whose name contains one of `hints`.
fn chosen<'a, C>(
    part: &str,
    hints: &[&str],
    candidates: &[&'a C],
    name: impl Fn(&'a C) -> &'a str,
) -> Result<&'a C, ShapeError> {
    if let [one] = candidates {
        return Ok(one);
    }
    let names: Vec<&str> = candidates.iter().map(|candidate| name(candidate)).collect();
    let hinted = |name: &str| hints.iter().any(|hint| name.to_lowercase().contains(hint));
    let mut fitting = candidates.iter().zip(&names).filter(|(_, name)| hinted(name));
    match (fitting.next(), fitting.next()) {
        (Some((one, _)), None) => Ok(one),
        _ => {
            let candidates = names.into_iter().map(str::to_owned).collect();
            Err(ShapeError::Ambiguous { layer: part.to_owned(), candidates })
        }
    }
}

/// The name of a tensor, that of a single cell as in a network of one layer.
fn of_layer(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or_default();
    let of_cell = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].contains(&last);
    if of_cell { format!("{name}_l0") } else { name.to_owned() }
}

/// The prefix, with its dot, of the modules that have all weights and biases.
fn root<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let is_parameter = |last: &str| {
        ["weight", "bias"]
            .iter()
            .any(|kind| last.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')))
    };
    let mut common: Option<Vec<&str>> = None;
    for name in names {
        let mut path: Vec<&str> = name.split('.').collect();
        if !path.pop().is_some_and(is_parameter) {
            continue;
        }
        // The layer itself keeps its name.
        path.pop();
        common = Some(match common {
            None => path,
            Some(common) => common.into_iter().zip(path).take_while(|(a, b)| a == b).map(|(a, _)| a).collect(),
        });
    }
    common.unwrap_or_default().iter().map(|part| format!("{part}.")).collect()
}

/// A name in pieces that order numbers by their value.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut pieces = vec![(0, String::new())];
    let mut number = false;
    for character in name.chars() {
        if character.is_ascii_digit() != number {
            number = !number;
            pieces.push((0, String::new()));
        }
        pieces.last_mut().expect("there is a piece").1.push(character);
    }
    for (value, text) in &mut pieces {
        *value = text.parse().map_or(0, |number: u64| number.saturating_add(1));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(shapes: &[(&str, &[usize])]) -> Tensors {
        let tensor = |shape: &[usize]| WeightTensor::new(shape.to_vec(), vec![0.5; shape.iter().product()]).unwrap();
        shapes.iter().map(|(name, shape)| ((*name).to_owned(), tensor(shape))).collect()
    }

    const CLASSIFIER: &[(&str, &[usize])] = &[
        ("model.emb.weight", &[9, 4]),
        ("model.lstm.weight_ih_l0", &[12, 4]),
        ("model.lstm.weight_hh_l0", &[12, 3]),
        ("model.lstm.weight_ih_l0_reverse", &[12, 4]),
        ("model.lstm.weight_hh_l0_reverse", &[12, 3]),
        ("model.fc.weight", &[2, 6]),
        ("model.fc.bias", &[2]),
        ("optimizer.state.0.exp_avg", &[2, 6]),
    ];

    #[test]
    fn parts_are_found_by_shape_under_the_prefix_of_the_weights() {
        let mut parts = Parts::of(&tensors(CLASSIFIER)).unwrap();
        let network = parts.network("rnn", &[], None, |_| true).unwrap();
        assert_eq!((network.cell, network.bidirectional, network.output()), (Cell::Lstm, true, 6));
        let wanted = Wanted::new("embedding", "[words, 4]", &[]);
        assert_eq!(parts.embedding(wanted, |matrix| matrix.columns == 4).unwrap(), [9, 4]);
        let wanted = Wanted::new("output", "[classes, 6]", &[]);
        assert_eq!(parts.linear(wanted, |matrix| matrix.columns == 6).unwrap(), [2, 6]);
        let found = parts.finish();
        assert_eq!(found.outside, 1);
        let biases = ["rnn.bias_ih_l0", "rnn.bias_hh_l0", "rnn.bias_ih_l0_reverse", "rnn.bias_hh_l0_reverse"];
        let mut zeros = found.zeros.clone();
        zeros.sort_by_key(|name| biases.iter().position(|bias| bias == name));
        assert_eq!(zeros, biases);
        assert!(found.tensors.contains_key("output.bias") && found.tensors.contains_key("embedding.weight"));
    }

    #[test]
    fn candidates_are_listed_and_a_hint_or_a_name_chooses() {
        let mut shapes = CLASSIFIER.to_vec();
        shapes.push(("model.other.weight", &[2, 6]));
        let parts = Parts::of(&tensors(&shapes)).unwrap();
        let fits = |matrix: &Matrix<'_>| matrix.columns == 6;
        let error = parts.find(Wanted::new("output", "", &[]), fits).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("fc, other") && text.contains("--key-map fc=output"), "{text}");
        assert_eq!(parts.find(Wanted::new("output", "", &["fc"]), fits).unwrap().as_deref(), Some("fc"));
        assert_eq!(parts.find(Wanted::new("other", "", &[]), fits).unwrap().as_deref(), Some("other"));
        let error = parts.find(Wanted::new("emb", "[5, 6]", &[]), fits).unwrap_err();
        assert!(error.to_string().contains("[5, 6]"), "{error}");
    }

    #[test]
    fn single_cells_are_networks_and_names_are_in_natural_order() {
        let cells: &[(&str, &[usize])] = &[
            ("cell.weight_ih", &[9, 4]),
            ("cell.weight_hh", &[9, 3]),
            ("cell.bias_ih", &[9]),
            ("cell.bias_hh", &[9]),
            ("fc10.weight", &[1, 1]),
            ("fc2.weight", &[1, 1]),
            ("a.0.weight", &[1, 1]),
        ];
        let mut parts = Parts::of(&tensors(cells)).unwrap();
        assert_eq!(parts.matrices().iter().map(|matrix| matrix.name).collect::<Vec<_>>(), ["a.0", "fc2", "fc10"]);
        assert_eq!(parts.network("rnn", &[], None, |_| true).unwrap().cell, Cell::Gru);
        assert!(parts.finish().zeros.is_empty());
    }

    #[test]
    fn weights_that_are_no_numbers_are_refused() {
        let mut broken = tensors(CLASSIFIER);
        broken.insert("model.fc.bias".to_owned(), WeightTensor::new(vec![2], vec![f32::NAN, 0.0]).unwrap());
        let error = Parts::of(&broken).unwrap_err();
        assert_eq!(error, ShapeError::NotFinite { name: "model.fc.bias".to_owned() });
    }
}
