//! Variants and friends of the LSTM, composed of plain tensor operations.
//!
//! Each has the gates, state and scan of the [`Lstm`](crate::Lstm) but for what
//! its own file says.

mod coupled;
mod layer_norm;
mod peephole;
mod relu_candidate;

pub use coupled::{CoupledLstm, CoupledLstmConfig};
pub use layer_norm::{LayerNormLstm, LayerNormLstmConfig};
pub use peephole::{PeepholeLstm, PeepholeLstmConfig};
pub use relu_candidate::{ReluLstm, ReluLstmConfig};

use burn::tensor::Tensor;

/// Cuts the sums of a step, `[B, N*H]`, into those of its `N` gates.
fn split_gates<const N: usize>(sums: Tensor<2>) -> [Tensor<2>; N] {
    let hidden = sums.dims()[1] / N;
    std::array::from_fn(|gate| sums.clone().narrow(1, gate * hidden, hidden))
}
