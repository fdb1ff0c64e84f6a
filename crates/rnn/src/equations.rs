//! The interface of a cell's equations and weights to its layer.

use burn::tensor::{Tensor, activation::sigmoid};
use rekindle_kernels::{Input, Outputs, Scan};

use crate::projection::project;
use crate::trace::Gate;
use crate::weights::{Size, Start, Values, WeightShape};
use crate::{LayerState, SequenceInput};

/// The equations of a cell. Its state is `N` tensors `[B, H]`: the hidden state, and the cell state
/// if `N` is 2.
pub(crate) trait Equations<const N: usize> {
    /// The letters of the gates and the candidate, in the order of their blocks of `H` rows in `weight_ih`, and in
    /// `weight_hh` if there is one.
    const ROWS: &'static [&'static str];

    /// The block of bias rows of the forget gate, and the sign that opens it: -1 if the gate is one minus that of the
    /// block. None if the cell has no such gate.
    const FORGET_GATE: Option<(usize, f64)> = None;

    /// Whether there is a recurrent product: `weight_hh` and `bias_hh`.
    const HAS_PRODUCT: bool = true;

    /// Weights other than `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh`.
    const EXTRA: &'static [WeightShape] = &[];

    /// Whether a step uses its input and the previous hidden state only in `W_ih x_t + b + W_hh h_{t-1}`, so that
    /// [`Unrolled`](crate::Unrolled) may compute the gradients of both products.
    const ADDS_PRODUCTS: bool = false;

    /// The native code of a single step.
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    const STEP: Option<rekindle_kernels::step::Cell> = None;

    /// The bias in the input projection, `[G]`: all of it that no gate scales.
    fn input_bias(weights: &Values) -> Option<Tensor<1>> {
        let bias_ih = weights.vector("bias_ih")?;
        Some(match weights.vector("bias_hh") {
            Some(bias_hh) => bias_ih + bias_hh,
            None => bias_ih,
        })
    }

    /// The input of [`sequence`](Self::sequence) from a time-major input, computed for all time
    /// steps at once: `W_ih x_t + b`, unless a cell overrides it.
    fn project(input: SequenceInput, weights: &Values) -> Input {
        project(input, weights.matrix("weight_ih"), Self::input_bias(weights))
    }

    /// Whether a gate reads the previous cell state.
    const GATES_READ_CELL: bool = false;

    /// The gates and the candidate of time steps with the inputs `x` `[N, W]`, rows of the projected input, and the
    /// previous `state`, `N` tensors `[N, H]`. A cell with a cell state has `i`, `f` and `g` among them: its
    /// `c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t`.
    fn gates(x: Tensor<2>, state: &[Tensor<2>; N], weights: &Values) -> Vec<Gate<2>>;

    /// Runs the cell over a time-major sequence: hidden states `[T, B, H]` and the final state.
    ///
    /// Calls a native operation of `rekindle-kernels`, or its `walk` with a time step in tensor operations.
    fn sequence(input: Input, state: [Tensor<2>; N], weights: &Values, scan: &Scan) -> Outputs<N>;
}

/// The weights of most cells, with the names of `torch.nn.LSTM`.
const COMMON: [WeightShape; 4] = [
    WeightShape::matrix("weight_ih", &[Size::G, Size::I]),
    WeightShape::matrix("weight_hh", &[Size::G, Size::H]),
    WeightShape { name: "bias_ih", sizes: &[Size::G], start: Start::Drawn, is_bias: true },
    WeightShape { name: "bias_hh", sizes: &[Size::G], start: Start::Drawn, is_bias: true },
];

/// A cell as data: [`Equations`] as function pointers.
#[derive(Debug)]
pub(crate) struct Definition {
    pub name: &'static str,
    /// The name of the cell in the paths of a network's stored parameters.
    pub record: &'static str,
    pub summary: &'static str,
    pub rows: &'static [&'static str],
    pub has_cell_state: bool,
    pub forget_gate: Option<(usize, f64)>,
    pub has_product: bool,
    extra: &'static [WeightShape],
    pub adds_products: bool,
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    pub step: Option<rekindle_kernels::step::Cell>,
    pub input_bias: fn(&Values) -> Option<Tensor<1>>,
    pub project: fn(SequenceInput, &Values) -> Input,
    pub sequence: fn(Input, LayerState, &Values, &Scan) -> (Tensor<3>, LayerState),
    pub gates_read_cell: bool,
    pub gate_values: fn(Tensor<2>, LayerState, &Values) -> Vec<Gate<2>>,
}

impl Definition {
    pub const fn new<E: Equations<N>, const N: usize>(
        name: &'static str,
        record: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            name,
            record,
            summary,
            rows: E::ROWS,
            has_cell_state: N > 1,
            forget_gate: E::FORGET_GATE,
            has_product: E::HAS_PRODUCT,
            extra: E::EXTRA,
            adds_products: E::ADDS_PRODUCTS,
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            step: E::STEP,
            input_bias: E::input_bias,
            project: E::project,
            sequence: |input, state, weights, scan| {
                let (hidden, state) = E::sequence(input, state.into_tensors(), weights, scan);
                (hidden, LayerState::from_tensors(state))
            },
            gates_read_cell: E::GATES_READ_CELL,
            gate_values: |x, state, weights| E::gates(x, &state.into_tensors(), weights),
        }
    }

    /// The weights of a layer, in the order in which they are drawn and stored.
    pub fn weights(&self, bias: bool) -> impl Iterator<Item = &WeightShape> {
        let common = COMMON.iter().filter(|weight| self.has_product || !weight.name.ends_with("_hh"));
        common.chain(self.extra).filter(move |weight| bias || !weight.is_bias)
    }
}

/// `x + W_hh h_{t-1}` of `N` time steps: the pre-activations of a cell that adds the recurrent product to its input.
pub(crate) fn pre_activations(x: Tensor<2>, hidden: &Tensor<2>, weights: &Values) -> Tensor<2> {
    x + hidden.clone().matmul(weights.matrix("weight_hh").transpose())
}

/// The gates of an LSTM from their pre-activations, `[N, 4H]`: `σ(i)`, `σ(f)`, `tanh(g)` and `σ(o)`.
pub(crate) fn lstm_gates(sums: Tensor<2>) -> [Tensor<2>; 4] {
    let [i, f, g, o] = split_gates(sums);
    [sigmoid(i), sigmoid(f), g.tanh(), sigmoid(o)]
}

/// The gates i, f, g and o of an LSTM, by name.
pub(crate) fn named([i, f, g, o]: [Tensor<2>; 4]) -> Vec<Gate<2>> {
    vec![Gate::sigmoid("i", i), Gate::sigmoid("f", f), Gate::other("g", g), Gate::sigmoid("o", o)]
}

/// Splits the pre-activations of a step, `[B, M*H]`, into those of its `M` gates.
pub(crate) fn split_gates<const M: usize>(sums: Tensor<2>) -> [Tensor<2>; M] {
    let hidden = sums.dims()[1] / M;
    std::array::from_fn(|gate| sums.clone().narrow(1, gate * hidden, hidden))
}
