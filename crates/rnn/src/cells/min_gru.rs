//! minGRU: a GRU whose gate and candidate depend on the input only.
//!
//! Feng, Tung, Ahmed, Bengio and Hajimirsadeghi, "Were RNNs all we needed?" (arXiv 2410.01201, 2024),
//! with the positive candidate of its appendix B:
//!
//! ```text
//! z_t = σ(W_iz x_t + b_iz)
//! h̃_t = g(W_ih x_t + b_ih)               g(x) = x + 0.5 if x ≥ 0, else σ(x)
//! h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t
//! ```

use burn::tensor::{Tensor, activation::sigmoid};
use rekindle_kernels::{
    Input, Outputs, Scan,
    minimal::{min_gru, positive},
};
#[cfg(any(feature = "flex", feature = "ndarray"))]
use rekindle_kernels::{minimal::Minimal, step};

use crate::equations::{Equations, split_gates};
use crate::trace::Gate;
use crate::weights::Values;

/// Gate rows z, h̃; no `weight_hh`.
pub(crate) struct MinGru;

impl Equations<1> for MinGru {
    const ROWS: &'static [&'static str] = &["z", "h̃"];
    const HAS_PRODUCT: bool = false;
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    const STEP: Option<step::Cell> = Some(step::Cell::Minimal(Minimal::Gru));

    fn gates(x: Tensor<2>, _: &[Tensor<2>; 1], _: &Values) -> Vec<Gate<2>> {
        let [z, candidate] = split_gates(x);
        vec![Gate::sigmoid("z", sigmoid(z)), Gate::other("h̃", positive(candidate))]
    }

    fn sequence(input: Input, [h0]: [Tensor<2>; 1], _: &Values, scan: &Scan) -> Outputs<1> {
        min_gru(input, h0, scan)
    }
}
