//! minGRU and minLSTM: cells whose gates depend on the input only.
//!
//! ```text
//! minGRU                                   minLSTM
//! z_t = σ(W_z x_t + b_z)                   f_t = σ(W_f x_t + b_f),  i_t = σ(W_i x_t + b_i)
//! k_t = 1 - z_t,  w_t = z_t                k_t = f_t / (f_t + i_t),  w_t = i_t / (f_t + i_t)
//!
//! c_t = g(W_h x_t + b_h)                   g(x) = x + 0.5 if x >= 0, else σ(x)
//! h_t = k_t ⊙ h_{t-1} + w_t ⊙ c_t
//! ```
//! (Feng et al., *Were RNNs all we needed?*, arXiv 2410.01201, 2024). `k` is the share of the old
//! state that is kept, `w` that of the candidate `c` that is written. `g` is that of the paper's
//! appendix B and of the PyPI package `minGRU-pytorch`: it keeps hidden states positive, because
//! both compute with their logarithms. Here the recurrence is computed directly, so that any `h0`
//! is valid, including 0.
//!
//! The share is computed as `k_t = (1 + e^{-i}) / (2 + e^{-f} + e^{-i})`, of the pre-activations
//! `f` and `i`, which neither overflows nor divides 0 by 0; values below -87 count as -87.
//!
//! A step is linear in the state and has no recurrent weights: there is no recurrent product, and
//! units are independent. Threads share rows and units, and a GPU runs one kernel per sequence.
//! Back-propagation through time is the same scan in the other direction:
//! ```text
//! ∂L/∂h_{t-1} += k_t ⊙ ∂L/∂h_t           ∂L/∂k_t = (h_{t-1} - c_t) ⊙ ∂L/∂h_t
//! ∂L/∂c_t = w_t ⊙ ∂L/∂h_t                ∂k/∂z = -k w,  ∂k/∂f = k e^{-f} / s,  ∂k/∂i = -w e^{-i} / s
//! ```
//! of the pre-activations `z`, `f` and `i`, and `s = 2 + e^{-f} + e^{-i}`.
//!
//! Values saved for the backward pass: none besides the input and the hidden states, which exist
//! anyway; the gates are recomputed. A GPU materialises the rows of a table and saves them: `T B G`
//! values. The gradient of a projection overwrites it if it has no other owner.

mod composed;
#[cfg(feature = "native-cpu")]
pub(crate) mod cpu;
#[cfg(feature = "native-gpu")]
mod cube;

pub use composed::{composed, positive};

use burn::tensor::Tensor;

use crate::{Input, Outputs, Scan, arguments::Arguments};
#[cfg(feature = "native")]
use crate::{backend, device::is_native};

/// The cells of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Minimal {
    /// minGRU: input of width `G = 2H`, rows z, h.
    Gru,
    /// minLSTM: input of width `G = 3H`, rows f, i, h.
    Lstm,
}

impl Minimal {
    /// Width of the input, in units of `H`: the gates and the candidate.
    pub(crate) fn gates(self) -> usize {
        match self {
            Minimal::Gru => 2,
            Minimal::Lstm => 3,
        }
    }
}

/// Runs a minGRU over a sequence.
///
/// # Shapes
/// `input` of width `G = 2H`, rows z, h (`minGRU-pytorch` has h, z); `h0` `[B, H]`.
/// Returns the hidden states `[T, B, H]` and the final one, `[B, H]`.
///
/// # Panics
/// If a shape, an element type or a length does not fit.
pub fn min_gru(input: Input, h0: Tensor<2>, scan: &Scan) -> Outputs<1> {
    run(Minimal::Gru, input, h0, scan)
}

/// Runs a minLSTM over a sequence.
///
/// # Shapes
/// `input` of width `G = 3H`, rows f, i, h (`minGRU-pytorch` has h, f, i); `h0` `[B, H]`.
/// Returns the hidden states `[T, B, H]` and the final one, `[B, H]`.
///
/// # Panics
/// If a shape, an element type or a length does not fit.
pub fn min_lstm(input: Input, h0: Tensor<2>, scan: &Scan) -> Outputs<1> {
    run(Minimal::Lstm, input, h0, scan)
}

fn run(cell: Minimal, input: Input, h0: Tensor<2>, scan: &Scan) -> Outputs<1> {
    check(cell, &input, &h0, scan);
    #[cfg(feature = "native")]
    if is_native(&h0) {
        return backend::walk(cell, input, Vec::new(), [h0], scan);
    }
    composed(cell, input, h0, scan)
}

fn check(cell: Minimal, input: &Input, h0: &Tensor<2>, scan: &Scan) {
    let operation = match cell {
        Minimal::Gru => "min_gru",
        Minimal::Lstm => "min_lstm",
    };
    Arguments { operation, gates: cell.gates(), input, weight_hh: None, h0, scan }.check();
}
