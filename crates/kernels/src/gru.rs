//! The gated recurrent unit, in the form of PyTorch and cuDNN: the reset gate is applied after the
//! recurrent product.
//!
//! ```text
//! r_t = σ(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)           reset gate
//! z_t = σ(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)           update gate
//! n_t = tanh(W_in x_t + b_in + r_t ⊙ (W_hn h_{t-1} + b_hn))   candidate
//! h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}
//! ```
//! (Cho et al., *Learning phrase representations using RNN encoder-decoder*, 2014).
//! `b_i` is in the input projection; `b_h` is an argument, because the reset gate scales its last
//! third.

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

/// Runs a GRU over a sequence.
///
/// # Shapes
/// `input` of width `G = 3H`; `weight_hh` `[3H, H]`, rows r, z, n; `bias_hh` `[3H]`;
/// `h0` `[B, H]`. Returns the hidden states `[T, B, H]` and the final one, `[B, H]`.
///
/// # Panics
/// If a shape, an element type or a length does not fit.
pub fn gru(input: Input, weight_hh: Tensor<2>, bias_hh: Tensor<1>, h0: Tensor<2>, scan: &Scan) -> Outputs<1> {
    check(&input, &weight_hh, &bias_hh, &h0, scan);
    #[cfg(feature = "native")]
    if is_native(&h0) {
        let weights = vec![weight_hh.into_dispatch(), bias_hh.into_dispatch()];
        return backend::walk(Gru, input, weights, [h0], scan);
    }
    composed(input, weight_hh, bias_hh, h0, scan)
}

/// [`gru`] in plain tensor operations: for any backend and element type.
///
/// # Panics
/// As [`gru`].
pub fn composed(input: Input, weight_hh: Tensor<2>, bias_hh: Tensor<1>, h0: Tensor<2>, scan: &Scan) -> Outputs<1> {
    check(&input, &weight_hh, &bias_hh, &h0, scan);
    let [_, hidden_size] = h0.dims();
    let weight_t = weight_hh.transpose();
    let bias = bias_hh.unsqueeze::<2>();
    walk(input, scan, [h0], |x, [h]| {
        let recurrent = h.clone().matmul(weight_t.clone()) + bias.clone();
        let from_input = |k: usize| x.clone().narrow(1, k * hidden_size, hidden_size);
        let from_state = |k: usize| recurrent.clone().narrow(1, k * hidden_size, hidden_size);
        let r = sigmoid(from_input(0) + from_state(0));
        let z = sigmoid(from_input(1) + from_state(1));
        let n = (from_input(2) + r * from_state(2)).tanh();
        [n.clone() + z * (h.clone() - n)]
    })
}

/// The GRU: parameters `weight_hh`, `bias_hh`, `h0`.
#[cfg(feature = "native")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Gru;

#[cfg(feature = "native")]
impl Cell for Gru {
    const GATES: usize = 3;
    const APART: usize = 1;
}

fn check(input: &Input, weight_hh: &Tensor<2>, bias_hh: &Tensor<1>, h0: &Tensor<2>, scan: &Scan) {
    let arguments = Arguments { operation: "gru", gates: 3, input, weight_hh: Some(weight_hh), h0, scan };
    let sizes = arguments.check();
    arguments.tensor("bias_hh", "[G]", [3 * sizes.hidden], bias_hh);
}
