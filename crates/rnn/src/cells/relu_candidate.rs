//! LSTM with a ReLU candidate: "why not ReLU?"
//!
//! The candidate `g` is rectified and the rest is a plain LSTM, so that the updates of the cell
//! state are non-negative and unbounded:
//!
//! ```text
//! i_t, f_t, o_t as in an LSTM
//! g_t = max(0, W_ig x_t + W_hg h_{t-1} + b_g)
//! c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
//! h_t = o_t ⊙ tanh(c_t)
//! ```

use burn::tensor::Tensor;
use burn::tensor::activation::{relu, sigmoid};
use rekindle_kernels::{Input, Outputs, Scan, walk};

use crate::equations::{Equations, named, pre_activations, split_gates};
use crate::trace::Gate;
use crate::weights::Values;

/// Gate rows i, f, g, o.
pub(crate) struct ReluCandidate;

impl Equations<2> for ReluCandidate {
    const ROWS: &'static [&'static str] = &["i", "f", "g", "o"];
    const FORGET_GATE: Option<(usize, f64)> = Some((1, 1.0));

    fn gates(x: Tensor<2>, [h, _]: &[Tensor<2>; 2], weights: &Values) -> Vec<Gate<2>> {
        named(gates(pre_activations(x, h, weights)))
    }

    fn sequence(input: Input, state: [Tensor<2>; 2], weights: &Values, scan: &Scan) -> Outputs<2> {
        let weight_hh = weights.matrix("weight_hh").transpose();
        walk(input, scan, state, |x, [h, c]| {
            let [i, f, g, o] = gates(x + h.clone().matmul(weight_hh.clone()));
            let c = f * c.clone() + i * g;
            [o * c.clone().tanh(), c]
        })
    }
}

/// i, f, g and o from the pre-activations.
fn gates(sums: Tensor<2>) -> [Tensor<2>; 4] {
    let [i, f, g, o] = split_gates(sums);
    [sigmoid(i), sigmoid(f), relu(g), sigmoid(o)]
}
