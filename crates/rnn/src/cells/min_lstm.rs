//! minLSTM: an LSTM whose gates and candidate depend on the input only, and whose gates are normalised to sum to 1.
//!
//! Feng, Tung, Ahmed, Bengio and Hajimirsadeghi, "Were RNNs all we needed?" (arXiv 2410.01201, 2024),
//! with the positive candidate of its appendix B:
//!
//! ```text
//! f_t = σ(W_if x_t + b_if)
//! i_t = σ(W_ii x_t + b_ii)
//! h̃_t = g(W_ih x_t + b_ih)               g(x) = x + 0.5 if x ≥ 0, else σ(x)
//! h_t = (f_t ⊙ h_{t-1} + i_t ⊙ h̃_t) / (f_t + i_t)
//! ```

use burn::tensor::{Tensor, activation::sigmoid};
use rekindle_kernels::{
    Input, Outputs, Scan,
    minimal::{min_lstm, positive},
};
#[cfg(any(feature = "flex", feature = "ndarray"))]
use rekindle_kernels::{minimal::Minimal, step};

use crate::equations::{Equations, split_gates};
use crate::trace::Gate;
use crate::weights::Values;

/// Gate rows f, i, h̃; no `weight_hh`, and no cell state.
pub(crate) struct MinLstm;

impl Equations<1> for MinLstm {
    const ROWS: &'static [&'static str] = &["f", "i", "h̃"];
    const FORGET_GATE: Option<(usize, f64)> = Some((0, 1.0));
    const HAS_PRODUCT: bool = false;
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    const STEP: Option<step::Cell> = Some(step::Cell::Minimal(Minimal::Lstm));

    /// `f` and `i` are the normalised ones, which sum to 1.
    fn gates(x: Tensor<2>, _: &[Tensor<2>; 1], _: &Values) -> Vec<Gate<2>> {
        let [f, i, candidate] = split_gates(x);
        let (f, i) = (sigmoid(f), sigmoid(i));
        let sum = f.clone() + i.clone();
        vec![Gate::sigmoid("f", f / sum.clone()), Gate::sigmoid("i", i / sum), Gate::other("h̃", positive(candidate))]
    }

    fn sequence(input: Input, [h0]: [Tensor<2>; 1], _: &Values, scan: &Scan) -> Outputs<1> {
        min_lstm(input, h0, scan)
    }
}
