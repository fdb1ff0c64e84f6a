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

mod composed;
#[cfg(feature = "native-cpu")]
pub(crate) mod cpu;
#[cfg(feature = "native-gpu")]
mod cube;

pub use composed::composed;

use burn::tensor::Tensor;

#[cfg(feature = "native")]
use crate::backend::{RecurrentBackend, is_native};
use crate::{Input, Scan, arguments::Arguments};

/// What the LSTM returns.
#[derive(Clone, Debug)]
pub struct LstmOutput {
    /// `[T, B, H]`: the hidden state of each step.
    pub hidden: Tensor<3>,
    /// `[B, H]`: the hidden state after the last step of the walk.
    pub last_hidden: Tensor<2>,
    /// `[B, H]`: the cell after the last step of the walk.
    pub last_cell: Tensor<2>,
}

/// Runs an LSTM over a sequence.
///
/// # Shapes
/// `input` of width `G = 4H`; `weight_hh` `[4H, H]`, rows i, f, g, o; `h0`, `c0` `[B, H]`.
///
/// # Panics
/// If a shape, an element type or a length does not fit.
pub fn lstm(input: Input, weight_hh: Tensor<2>, h0: Tensor<2>, c0: Tensor<2>, scan: &Scan) -> LstmOutput {
    check(&input, &weight_hh, &h0, &c0, scan);
    #[cfg(feature = "native")]
    if is_native(&h0) {
        return native(input, weight_hh, h0, c0, scan);
    }
    composed(input, weight_hh, h0, c0, scan)
}

/// Runs the operation with the code that there is for the backend of the tensors.
#[cfg(feature = "native")]
fn native(input: Input, weight_hh: Tensor<2>, h0: Tensor<2>, c0: Tensor<2>, scan: &Scan) -> LstmOutput {
    let (hidden, last_hidden, last_cell) = <burn::backend::Dispatch as RecurrentBackend>::lstm(
        input.into_tensors(),
        weight_hh.into_dispatch(),
        h0.into_dispatch(),
        c0.into_dispatch(),
        scan.clone(),
    );
    LstmOutput {
        hidden: Tensor::from_dispatch(hidden),
        last_hidden: Tensor::from_dispatch(last_hidden),
        last_cell: Tensor::from_dispatch(last_cell),
    }
}

/// The LSTM: parameters `weight_hh`, `h0`, `c0`.
#[cfg(feature = "native")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lstm;

fn check(input: &Input, weight_hh: &Tensor<2>, h0: &Tensor<2>, c0: &Tensor<2>, scan: &Scan) {
    let arguments = Arguments { operation: "lstm", gates: 4, input, weight_hh: Some(weight_hh), h0, scan };
    let sizes = arguments.check();
    arguments.tensor("c0", "[B, H]", [sizes.batch, sizes.hidden], c0);
}
