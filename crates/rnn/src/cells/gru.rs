//! Gated recurrent unit.
//!
//! Cho et al., "Learning phrase representations using RNN encoder-decoder for
//! statistical machine translation" (2014), with the reset gate after the
//! product, as in PyTorch and cuDNN:
//!
//! ```text
//! r_t = σ(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)
//! z_t = σ(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)
//! n_t = tanh(W_in x_t + b_in + r_t ⊙ (W_hn h_{t-1} + b_hn))
//! h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}
//! ```

use burn::tensor::{Tensor, activation::sigmoid};
#[cfg(any(feature = "flex", feature = "ndarray"))]
use rekindle_kernels::step;
use rekindle_kernels::{Input, Outputs, Scan, gru::gru};

use crate::equations::{Equations, split_gates};
use crate::projection::plus;
use crate::trace::Gate;
use crate::weights::Values;

/// Gate rows r, z, n.
pub(crate) struct Gru;

impl Equations<1> for Gru {
    const ROWS: &'static [&'static str] = &["r", "z", "n"];
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    const STEP: Option<step::Cell> = Some(step::Cell::Gru);

    /// The reset gate scales a part of `b_hh`, which is therefore added at each time step.
    fn input_bias(weights: &Values) -> Option<Tensor<1>> {
        weights.vector("bias_ih")
    }

    fn gates(x: Tensor<2>, [h]: &[Tensor<2>; 1], weights: &Values) -> Vec<Gate<2>> {
        let recurrent = h.clone().matmul(weights.matrix("weight_hh").transpose());
        let [r, z, n] = split_gates(x);
        let [of_r, of_z, of_n] = split_gates(plus(recurrent, weights.vector("bias_hh")));
        let r = sigmoid(r + of_r);
        let n = (n + r.clone() * of_n).tanh();
        vec![Gate::sigmoid("r", r), Gate::sigmoid("z", sigmoid(z + of_z)), Gate::other("n", n)]
    }

    fn sequence(input: Input, [h0]: [Tensor<2>; 1], weights: &Values, scan: &Scan) -> Outputs<1> {
        let weight_hh = weights.matrix("weight_hh");
        let bias_hh = weights
            .vector("bias_hh")
            .unwrap_or_else(|| Tensor::zeros([weight_hh.dims()[0]], (&weight_hh.device(), weight_hh.dtype())));
        gru(input, weight_hh, bias_hh, h0, scan)
    }
}
