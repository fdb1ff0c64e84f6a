//! The long short-term memory.
//!
//! ```text
//! i_t = σ(W_ii x_t + b_i + W_hi h_{t-1})      input gate
//! f_t = σ(W_if x_t + b_f + W_hf h_{t-1})      forget gate
//! g_t = tanh(W_ig x_t + b_g + W_hg h_{t-1})   candidate
//! o_t = σ(W_io x_t + b_o + W_ho h_{t-1})      output gate
//! c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
//! h_t = o_t ⊙ tanh(c_t)
//! ```
//! with `b` the sum of both biases, already in the input projection (Hochreiter and
//! Schmidhuber, *Long short-term memory*, 1997; forget gate: Gers, Schmidhuber and
//! Cummins, *Learning to forget*, 2000).
//!
//! The backward pass, from the last step to the first. `dh_t` has the gradients from the layer
//! above and from step `t + 1`, `da` is the gradient of a gate's pre-activation:
//!
//! ```text
//! dc_t += dh_t ⊙ o_t ⊙ (1 - tanh²(c_t))
//! da_i = dc_t ⊙ g_t ⊙ i_t ⊙ (1 - i_t)          da_f = dc_t ⊙ c_{t-1} ⊙ f_t ⊙ (1 - f_t)
//! da_g = dc_t ⊙ i_t ⊙ (1 - g_t²)               da_o = dh_t ⊙ tanh(c_t) ⊙ o_t ⊙ (1 - o_t)
//! dc_{t-1} = dc_t ⊙ f_t                        dh_{t-1} = W_hhᵀ [da_i, da_f, da_g, da_o]
//! ```

#[cfg(feature = "native-cpu")]
pub(crate) mod cpu;
#[cfg(feature = "native-gpu")]
mod cube;

use burn::tensor::Tensor;

use crate::{
    Input, Outputs, Scan,
    arguments::Arguments,
    composed::{sigmoid, walk},
};
#[cfg(feature = "native")]
use crate::{backend, device::is_native, recurrence::Cell};

/// Runs an LSTM over a sequence.
///
/// # Shapes
/// `input` of width `G = 4H`; `weight_hh` `[4H, H]`, rows i, f, g, o; `h0`, `c0` `[B, H]`.
/// Returns the hidden states `[T, B, H]`, and the final hidden and cell state, `[B, H]` each.
///
/// # Panics
/// If a shape, an element type or a length does not fit.
pub fn lstm(input: Input, weight_hh: Tensor<2>, h0: Tensor<2>, c0: Tensor<2>, scan: &Scan) -> Outputs<2> {
    check(&input, &weight_hh, &h0, &c0, scan);
    #[cfg(feature = "native")]
    if is_native(&h0) {
        let weights = vec![weight_hh.into_dispatch()];
        return backend::walk(Lstm, input, weights, [h0, c0], scan);
    }
    composed(input, weight_hh, h0, c0, scan)
}

/// [`lstm`] in plain tensor operations: for any backend and element type.
///
/// # Panics
/// As [`lstm`].
pub fn composed(input: Input, weight_hh: Tensor<2>, h0: Tensor<2>, c0: Tensor<2>, scan: &Scan) -> Outputs<2> {
    check(&input, &weight_hh, &h0, &c0, scan);
    let [_, hidden_size] = h0.dims();
    let weight_t = weight_hh.transpose();
    walk(input, scan, [h0, c0], |x, [h, c]| {
        let gates = x + h.clone().matmul(weight_t.clone());
        let gate = |k: usize| gates.clone().narrow(1, k * hidden_size, hidden_size);
        let (i, f) = (sigmoid(gate(0)), sigmoid(gate(1)));
        let (g, o) = (gate(2).tanh(), sigmoid(gate(3)));
        let c = f * c.clone() + i * g;
        let h = o * c.clone().tanh();
        [h, c]
    })
}

/// The LSTM: parameters `weight_hh`, `h0`, `c0`.
#[cfg(feature = "native")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lstm;

#[cfg(feature = "native")]
impl Cell for Lstm {
    const GATES: usize = 4;
    const CELL_STATES: usize = 1;
}

fn check(input: &Input, weight_hh: &Tensor<2>, h0: &Tensor<2>, c0: &Tensor<2>, scan: &Scan) {
    let arguments = Arguments { operation: "lstm", gates: 4, input, weight_hh: Some(weight_hh), h0, scan };
    let sizes = arguments.check();
    arguments.tensor("c0", "[B, H]", [sizes.batch, sizes.hidden], c0);
}
