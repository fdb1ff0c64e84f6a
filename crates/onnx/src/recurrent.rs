//! Stacks of recurrent layers.
//!
//! A layer becomes ONNX's operator of its cell where there is one: `RNN`, `LSTM` (with peepholes and other activations
//! too) or `GRU` (with `linear_before_reset`, as in PyTorch and cuDNN). The gates of `LSTM` are i, o, f, g there, those
//! of `GRU` z, r, n. Other cells, and layers with zoneout, become a `Scan` of plain operators.

mod cells;
mod scan;

use burn::tensor::Tensor;
use rekindle_models::host::numbers;
use rekindle_rnn::{Cell, Layer, Recurrent, StackedLayer};

use crate::OnnxError;
use crate::graph::{Attribute, Axis, Element, Graph, Value};

/// The state of a stack, or of one layer.
#[derive(Clone, Debug)]
pub struct OnnxState {
    /// `h` `[L D, B, H]`, in the order of PyTorch's `h_n`.
    pub hidden: Value,
    /// `c`, of the same shape; none for cells without a cell state.
    pub cell: Option<Value>,
}

/// The name of the batch axis.
pub(crate) const BATCH: Axis = Axis::Named("batch");

/// The name of the time axis.
pub(crate) const TIME: Axis = Axis::Named("time");

impl OnnxState {
    /// Declares the inputs `hidden` and, if `network` has a cell state, `cell` of the graph.
    pub fn input(graph: &mut Graph, network: &Recurrent) -> Self {
        let shape = shape(network);
        let mut input = |name| graph.input(name, Element::F32, &shape);
        Self { hidden: input("hidden"), cell: network.cell().has_cell_state().then(|| input("cell")) }
    }

    /// Makes it the outputs `next_hidden` and `next_cell` of the graph.
    pub fn output(&self, graph: &mut Graph, network: &Recurrent) {
        self.output_as(graph, network, ["next_hidden", "next_cell"]);
    }

    /// The same under these names.
    pub(crate) fn output_as(&self, graph: &mut Graph, network: &Recurrent, [hidden, cell]: [&str; 2]) {
        let shape = shape(network);
        graph.output(hidden, &self.hidden, Element::F32, &shape);
        if let Some(value) = &self.cell {
            graph.output(cell, value, Element::F32, &shape);
        }
    }

    /// The hidden state and the cell state, if there is one.
    pub(crate) fn values(&self) -> Vec<Value> {
        std::iter::once(&self.hidden).chain(&self.cell).cloned().collect()
    }

    /// The inverse of [`values`](Self::values).
    ///
    /// # Panics
    ///
    /// If there is no value.
    pub(crate) fn of(values: impl IntoIterator<Item = Value>) -> Self {
        let mut values = values.into_iter();
        Self { hidden: values.next().expect("a state has a hidden state"), cell: values.next() }
    }

    /// Of `count` layers from `first` on.
    fn layers(&self, graph: &mut Graph, first: usize, count: usize) -> Self {
        Self::of(self.values().iter().map(|value| graph.slice(value, 0, first, first + count)))
    }

    /// Those of several layers, one after the other.
    fn stacked(graph: &mut Graph, states: &[Self]) -> Self {
        let hidden: Vec<&Value> = states.iter().map(|state| &state.hidden).collect();
        let cells: Vec<&Value> = states.iter().filter_map(|state| state.cell.as_ref()).collect();
        let cell = (!cells.is_empty()).then(|| graph.concat(&cells, 0));
        Self { hidden: graph.concat(&hidden, 0), cell }
    }
}

/// The shape of a stack's state.
pub(crate) fn shape(network: &Recurrent) -> [Axis; 3] {
    let directions = if network.is_bidirectional() { 2 } else { 1 };
    [Axis::Size(network.layers.len() * directions), BATCH, Axis::Size(network.hidden_size())]
}

/// Runs `network` over `input` `[T, B, I]`: the hidden states of the last layer, `[T, B, D*H]`, and the final state.
///
/// The state is zeros without a `state`. With `lengths` `[B]` (64-bit integers), a row outputs 0 past its length, and
/// keeps its state. `name` is put before the names of the weights.
///
/// # Errors
///
/// As [`Graph::weight`].
pub fn recurrent(
    graph: &mut Graph,
    name: &str,
    network: &Recurrent,
    input: &Value,
    state: Option<&OnnxState>,
    lengths: Option<&Value>,
) -> Result<(Value, OnnxState), OnnxError> {
    let lengths = lengths.map(|lengths| Lengths::new(graph, input, lengths));
    let mut hidden = input.clone();
    let mut states = Vec::new();
    for (number, StackedLayer { forward, reverse }) in network.layers.iter().enumerate() {
        let directions: Vec<&Layer> = [forward].into_iter().chain(reverse).collect();
        let before = state.map(|state| state.layers(graph, number * directions.len(), directions.len()));
        let name = format!("{name}.l{number}");
        let (output, after) = level(graph, &name, &directions, &hidden, before.as_ref(), lengths.as_ref())?;
        hidden = output;
        states.push(after);
    }
    Ok((hidden, OnnxState::stacked(graph, &states)))
}

/// Runs one layer over `input` `[T, B, I]`: hidden states `[T, B, H]` and the final state, `[1, B, H]`.
///
/// # Errors
///
/// As [`Graph::weight`].
pub fn layer(
    graph: &mut Graph,
    name: &str,
    layer: &Layer,
    input: &Value,
    state: Option<&OnnxState>,
) -> Result<(Value, OnnxState), OnnxError> {
    level(graph, name, &[layer], input, state, None)
}

/// The lengths of the rows of a batch, in the forms that operators take.
struct Lengths {
    /// `[B]`, 32-bit integers.
    short: Value,
    /// Whether a time step is within its row, `[T, B, 1]`.
    within: Value,
}

impl Lengths {
    fn new(graph: &mut Graph, input: &Value, lengths: &Value) -> Self {
        let time = graph.size(input, 0);
        let within = graph.before_end(&time, lengths);
        let within = graph.transpose(&within, &[1, 0]);
        Self { short: graph.cast(lengths, Element::I32), within: graph.unsqueeze(&within, &[2]) }
    }
}

/// Runs the directions of one level of a stack.
fn level(
    graph: &mut Graph,
    name: &str,
    directions: &[&Layer],
    input: &Value,
    state: Option<&OnnxState>,
    lengths: Option<&Lengths>,
) -> Result<(Value, OnnxState), OnnxError> {
    if let Some(operator) = Operator::of(directions[0].cell()).filter(|_| directions[0].zoneout() == [0.0; 2]) {
        return operator.append(graph, name, directions, input, state, lengths.map(|lengths| &lengths.short));
    }
    let within = lengths.map(|lengths| &lengths.within);
    let (mut outputs, mut states) = (Vec::new(), Vec::new());
    for (number, layer) in directions.iter().enumerate() {
        let reverse = number == 1;
        let before = state.map(|state| state.layers(graph, number, 1));
        let name = if reverse { format!("{name}.reverse") } else { name.to_owned() };
        let (output, after) = scan::append(graph, &name, layer, input, before.as_ref(), within, reverse)?;
        outputs.push(output);
        states.push(after);
    }
    let output = graph.concat(&outputs.iter().collect::<Vec<_>>(), 2);
    Ok((output, OnnxState::stacked(graph, &states)))
}

/// An operator of ONNX that runs a whole sequence.
struct Operator {
    name: &'static str,
    /// For each block of rows of the operator, that of the layer.
    order: &'static [usize],
    /// The nonlinearities, where they are not those of the operator.
    activations: &'static [&'static str],
    /// Whether gates read the cell state.
    peepholes: bool,
}

impl Operator {
    /// The operator that computes what `cell` does.
    fn of(cell: Cell) -> Option<Self> {
        let lstm = Self { name: "LSTM", order: &[0, 3, 1, 2], activations: &[], peepholes: false };
        match cell {
            Cell::Rnn => Some(Self { name: "RNN", order: &[0], ..lstm }),
            Cell::RnnRelu => Some(Self { name: "RNN", order: &[0], activations: &["Relu"], ..lstm }),
            Cell::Gru => Some(Self { name: "GRU", order: &[1, 0, 2], ..lstm }),
            Cell::Lstm => Some(lstm),
            Cell::PeepholeLstm => Some(Self { peepholes: true, ..lstm }),
            Cell::ReluLstm => Some(Self { activations: &["Sigmoid", "Relu", "Tanh"], ..lstm }),
            Cell::CoupledLstm | Cell::LayerNormLstm | Cell::MogrifierLstm | Cell::MinGru | Cell::MinLstm => None,
        }
    }

    fn append(
        self,
        graph: &mut Graph,
        name: &str,
        directions: &[&Layer],
        input: &Value,
        state: Option<&OnnxState>,
        lengths: Option<&Value>,
    ) -> Result<(Value, OnnxState), OnnxError> {
        let (width, hidden) = (directions[0].input_size(), directions[0].hidden_size());
        let (gates, count) = (self.order.len() * hidden, directions.len());
        let mut stored = |part: &str, shape: &[usize], rows: &dyn Fn(&Layer) -> Result<Vec<f32>, OnnxError>| {
            let values = directions.iter().map(|layer| rows(layer)).collect::<Result<Vec<_>, _>>()?;
            graph.weight_of(&format!("{name}.{part}"), shape, &values.concat())
        };
        let matrix = |layer: &Layer, name: &str| self.rows(layer.matrix(name), hidden);
        let w = stored("W", &[count, gates, width], &|layer| matrix(layer, "weight_ih"))?;
        let r = stored("R", &[count, gates, hidden], &|layer| matrix(layer, "weight_hh"))?;
        let has_bias = directions[0].vector("bias_ih").is_some();
        let bias = |layer: &Layer| {
            let bias = |name| self.rows(layer.vector(name).expect("a layer has both biases or none"), hidden);
            Ok([bias("bias_ih")?, bias("bias_hh")?].concat())
        };
        let b = if has_bias { stored("B", &[count, 2 * gates], &bias)? } else { Value::none() };
        let peepholes = |layer: &Layer| {
            let part = |name| numbers(layer.vector(name).expect("the cell has peepholes"));
            Ok([part("peephole_i")?, part("peephole_o")?, part("peephole_f")?].concat())
        };
        let p = if self.peepholes { stored("P", &[count, 3 * hidden], &peepholes)? } else { Value::none() };

        let none = Value::none();
        let (h, c) = state.map_or((&none, None), |state| (&state.hidden, state.cell.as_ref()));
        let lengths = lengths.unwrap_or(&none);
        let mut attributes = vec![Attribute::Int("hidden_size", hidden as i64)];
        if count == 2 {
            attributes.push(Attribute::Text("direction", "bidirectional"));
        }
        if !self.activations.is_empty() {
            attributes.push(Attribute::Texts("activations", self.activations.repeat(count)));
        }
        if self.name == "GRU" {
            attributes.push(Attribute::Int("linear_before_reset", 1));
        }
        let has_cell = directions[0].cell().has_cell_state();
        let (output, state) = if has_cell {
            let mut inputs = vec![input, &w, &r, &b, lengths, h, c.unwrap_or(&none)];
            if self.peepholes {
                inputs.push(&p);
            }
            let [output, hidden, cell] = graph.nodes_of(self.name, &inputs, attributes);
            (output, OnnxState { hidden, cell: Some(cell) })
        } else {
            let [output, hidden] = graph.nodes_of(self.name, &[input, &w, &r, &b, lengths, h], attributes);
            (output, OnnxState { hidden, cell: None })
        };
        // [T, D, B, H]
        let output = if count == 1 {
            graph.squeeze(&output, &[1])
        } else {
            let output = graph.transpose(&output, &[0, 2, 1, 3]);
            graph.reshape(&output, &[0, 0, (count * hidden) as i64])
        };
        Ok((output, state))
    }

    /// The values of a matrix `[G, C]` or of a vector `[G]`, with the blocks of `hidden` rows in the operator's order.
    fn rows<const D: usize>(&self, tensor: Tensor<D>, hidden: usize) -> Result<Vec<f32>, OnnxError> {
        let columns: usize = tensor.dims()[1..].iter().product();
        let values = numbers(tensor)?;
        let block = hidden * columns;
        Ok(self.order.iter().flat_map(|&gate| &values[gate * block..][..block]).copied().collect())
    }
}
