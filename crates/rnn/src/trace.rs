//! The activations of a network at every time step: hidden states, cell states and gates.
//!
//! The hidden states are those of [`Layer::sequence`]. From them all gates of all time steps follow in one product, by
//! the equations of the cell; the cell states then follow step by step, `c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t`.

use burn::tensor::Tensor;
use rekindle_kernels::unrolled::unbind;
use rekindle_kernels::{Direction, Input, Scan};

use crate::{Layer, LayerState, Recurrent, SequenceInput, State};

/// A gate, or the candidate, of a layer: `[T, B, H]`, or `[N, H]` within a cell.
#[derive(Clone, Debug)]
pub struct Gate<const D: usize = 3> {
    /// Its letter in the equations of the cell: `i`, `f`, `g`, `o`; `r`, `z`, `n`.
    pub name: &'static str,
    /// Whether it is a gate from 0 (closed) to 1 (open), and not a candidate.
    pub is_gate: bool,
    /// Its values.
    pub values: Tensor<D>,
}

impl Gate<2> {
    /// A gate from 0 to 1.
    pub(crate) fn sigmoid(name: &'static str, values: Tensor<2>) -> Self {
        Self { name, is_gate: true, values }
    }

    /// A candidate.
    pub(crate) fn other(name: &'static str, values: Tensor<2>) -> Self {
        Self { name, is_gate: false, values }
    }
}

/// The activations of a layer in one direction, **time-major**.
#[derive(Clone, Debug)]
pub struct Trace {
    /// `h_t`, `[T, B, H]`.
    pub hidden: Tensor<3>,
    /// `c_t`, `[T, B, H]`, for the LSTM family.
    pub cell: Option<Tensor<3>>,
    /// The gates and the candidate, in the order of the cell's equations. A vanilla network has none.
    pub gates: Vec<Gate>,
}

/// The activations of one layer of a network.
#[derive(Clone, Debug)]
pub struct LayerTrace {
    /// The layer, counted from 0.
    pub layer: usize,
    /// Whether it reads the sequence in reverse.
    pub reverse: bool,
    /// Its activations.
    pub trace: Trace,
}

impl Layer {
    /// The activations over a **time-major** sequence, and the final state. The hidden states and the state are those
    /// of
    /// [`sequence`](Self::sequence), bit by bit; gates and cell states agree with them up to rounding.
    ///
    /// # Shapes
    ///
    /// - input: `[T, B, I]`, or tokens `[T, B]`; `T` and `B` are at least 1
    /// - state: `[B, H]`; zeros if none is given
    ///
    /// # Panics
    ///
    /// If the input or the state does not fit the layer, or the input is empty.
    pub fn trace(&self, input: SequenceInput, state: Option<LayerState>, direction: Direction) -> (Trace, LayerState) {
        let [time, batch] = input.outer_dims();
        assert!(time > 0 && batch > 0, "an empty sequence has no activations");
        let (definition, weights) = (self.cell().definition(), self.values());
        let state = state.unwrap_or_else(|| self.zero_state(batch, &self.matrix("weight_ih").device()));
        let scan = Scan { direction, ..Scan::default() };
        let (hidden, last) = self.sequence(input.clone(), Some(state.clone()), &scan);
        let width = self.hidden_size();
        let first = state.hidden.unsqueeze_dim(0);
        let before = match direction {
            _ if time == 1 => first,
            Direction::Forward => Tensor::cat(vec![first, hidden.clone().narrow(0, 0, time - 1)], 0),
            Direction::Reverse => Tensor::cat(vec![hidden.clone().narrow(0, 1, time - 1), first], 0),
        };
        let rows = rows((definition.project)(input, &weights));
        let before = before.reshape([time * batch, width]);
        let in_time = |gate: Gate<2>| Gate {
            name: gate.name,
            is_gate: gate.is_gate,
            values: gate.values.reshape([time, batch, width]),
        };
        let (gates, cell) = match state.cell {
            None => {
                let state = LayerState { hidden: before, cell: None };
                ((definition.gate_values)(rows, state, &weights).into_iter().map(in_time).collect(), None)
            }
            Some(cell) if definition.gates_read_cell => {
                let part = |tensor: &Tensor<2>, t: usize| tensor.clone().narrow(0, t * batch, batch);
                let (mut cell, mut steps) = (cell, Vec::with_capacity(time));
                for t in in_order(time, direction) {
                    let state = LayerState { hidden: part(&before, t), cell: Some(cell.clone()) };
                    let gates = (definition.gate_values)(part(&rows, t), state, &weights);
                    let [i, f, g] = ["i", "f", "g"].map(|name| of(&gates, name));
                    cell = self.zoned_cell(cell.clone(), f * cell + i * g);
                    steps.push((gates, cell.clone()));
                }
                if direction == Direction::Reverse {
                    steps.reverse();
                }
                let (gates, cells): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
                (stacked(gates), Some(Tensor::stack(cells, 0)))
            }
            Some(cell) => {
                // No gate reads the cell state, so that any will do here.
                let state = LayerState { cell: Some(before.zeros_like()), hidden: before };
                let gates = (definition.gate_values)(rows, state, &weights);
                let gates: Vec<Gate> = gates.into_iter().map(in_time).collect();
                let cells = cells(&gates, cell, direction, |before, after| self.zoned_cell(before, after));
                (gates, Some(cells))
            }
        };
        (Trace { hidden, cell, gates }, last)
    }
}

impl Recurrent {
    /// The activations of every layer over **time-major** sequences, and the final state: layer 0, layer 0 reversed,
    /// layer 1, ... See [`Layer::trace`].
    ///
    /// # Panics
    ///
    /// If the input or the state does not fit, or the input is empty.
    pub fn trace(&self, input: impl Into<SequenceInput>, state: Option<State>) -> (Vec<LayerTrace>, State) {
        let mut states = self.layer_states(state).into_iter();
        let (mut traces, mut last) = (Vec::new(), Vec::new());
        let mut input = input.into();
        for (index, level) in self.layers.iter().enumerate() {
            let directions = [(Some(&level.forward), Direction::Forward), (level.reverse.as_ref(), Direction::Reverse)];
            let mut outputs = Vec::new();
            for (layer, direction) in directions {
                let Some(layer) = layer else { continue };
                let (trace, state) = layer.trace(input.clone(), states.next().flatten(), direction);
                outputs.push(trace.hidden.clone());
                last.push(state);
                traces.push(LayerTrace { layer: index, reverse: direction == Direction::Reverse, trace });
            }
            input = Tensor::cat(outputs, 2).into();
        }
        (traces, State { layers: last })
    }
}

/// The projected input of every time step, `[T*B, W]`.
fn rows(input: Input) -> Tensor<2> {
    match input {
        Input::Projected(rows) => {
            let [time, batch, width] = rows.dims();
            rows.reshape([time * batch, width])
        }
        Input::Tokens { table, tokens } => {
            let count = tokens.dims().iter().product::<usize>();
            table.select(0, tokens.reshape([count]))
        }
    }
}

pub(crate) fn in_order(time: usize, direction: Direction) -> Box<dyn Iterator<Item = usize>> {
    match direction {
        Direction::Forward => Box::new(0..time),
        Direction::Reverse => Box::new((0..time).rev()),
    }
}

/// The gate `name` of a cell with a cell state.
fn of<const D: usize>(gates: &[Gate<D>], name: &str) -> Tensor<D> {
    let gate = gates.iter().find(|gate| gate.name == name);
    gate.unwrap_or_else(|| unreachable!("a cell with a cell state has a gate {name}")).values.clone()
}

/// The cell states `[T, B, H]` from the gates of all time steps and the state before the first one.
fn cells(
    gates: &[Gate],
    mut cell: Tensor<2>,
    direction: Direction,
    zoned: impl Fn(Tensor<2>, Tensor<2>) -> Tensor<2>,
) -> Tensor<3> {
    let [i, f, g] = ["i", "f", "g"].map(|name| of(gates, name));
    let [time, ..] = f.dims();
    let (kept, written) = (unbind(f), unbind(i * g));
    let mut cells = Vec::with_capacity(time);
    for t in in_order(time, direction) {
        cell = zoned(cell.clone(), kept[t].clone() * cell + written[t].clone());
        cells.push(cell.clone());
    }
    if direction == Direction::Reverse {
        cells.reverse();
    }
    Tensor::stack(cells, 0)
}

/// The gates of each time step as gates of all.
fn stacked(steps: Vec<Vec<Gate<2>>>) -> Vec<Gate> {
    let first = steps.first().map(|gates| gates.iter().map(|gate| (gate.name, gate.is_gate)).collect::<Vec<_>>());
    let of_all = |(index, (name, is_gate)): (usize, (&'static str, bool))| {
        let values = steps.iter().map(|gates| gates[index].values.clone()).collect();
        Gate { name, is_gate, values: Tensor::stack(values, 0) }
    };
    first.into_iter().flatten().enumerate().map(of_all).collect()
}
