//! Long short-term memory.
//!
//! Hochreiter and Schmidhuber, "Long short-term memory" (1997), with the
//! forget gate of Gers, Schmidhuber and Cummins, "Learning to forget" (2000):
//!
//! ```text
//! i_t = σ(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)
//! f_t = σ(W_if x_t + b_if + W_hf h_{t-1} + b_hf)
//! g_t = tanh(W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)
//! o_t = σ(W_io x_t + b_io + W_ho h_{t-1} + b_ho)
//! c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
//! h_t = o_t ⊙ tanh(c_t)
//! ```

use burn::tensor::Tensor;
#[cfg(any(feature = "flex", feature = "ndarray"))]
use rekindle_kernels::step;
use rekindle_kernels::{Input, Outputs, Scan, lstm::lstm};

use crate::equations::{Equations, lstm_gates, named, pre_activations};
use crate::trace::Gate;
use crate::weights::Values;

/// Gate rows i, f, g, o.
pub(crate) struct Lstm;

impl Equations<2> for Lstm {
    const ROWS: &'static [&'static str] = &["i", "f", "g", "o"];
    const FORGET_GATE: Option<(usize, f64)> = Some((1, 1.0));
    const ADDS_PRODUCTS: bool = true;
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    const STEP: Option<step::Cell> = Some(step::Cell::Lstm);

    fn gates(x: Tensor<2>, [h, _]: &[Tensor<2>; 2], weights: &Values) -> Vec<Gate<2>> {
        named(lstm_gates(pre_activations(x, h, weights)))
    }

    fn sequence(input: Input, [h0, c0]: [Tensor<2>; 2], weights: &Values, scan: &Scan) -> Outputs<2> {
        lstm(input, weights.matrix("weight_hh"), h0, c0, scan)
    }
}
