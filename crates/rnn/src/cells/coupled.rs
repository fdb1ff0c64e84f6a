//! LSTM with coupled input and forget gates: it forgets as much as it writes.
//!
//! The variant CIFG of Greff et al., "LSTM: a search space odyssey" (2015), without its peepholes:
//!
//! ```text
//! i_t = σ(W_ii x_t + W_hi h_{t-1} + b_i)
//! f_t = 1 - i_t
//! g_t = tanh(W_ig x_t + W_hg h_{t-1} + b_g)
//! o_t = σ(W_io x_t + W_ho h_{t-1} + b_o)
//! c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
//! h_t = o_t ⊙ tanh(c_t)
//! ```

use burn::tensor::{Tensor, activation::sigmoid};
use rekindle_kernels::{Input, Outputs, Scan, walk};

use crate::equations::{Equations, pre_activations, split_gates};
use crate::trace::Gate;
use crate::weights::Values;

/// Gate rows i, g, o.
pub(crate) struct Coupled;

impl Equations<2> for Coupled {
    const ROWS: &'static [&'static str] = &["i", "g", "o"];
    const FORGET_GATE: Option<(usize, f64)> = Some((0, -1.0));

    fn gates(x: Tensor<2>, [h, _]: &[Tensor<2>; 2], weights: &Values) -> Vec<Gate<2>> {
        let [i, f, g, o] = gates(pre_activations(x, h, weights));
        vec![Gate::sigmoid("i", i), Gate::sigmoid("f", f), Gate::other("g", g), Gate::sigmoid("o", o)]
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
    let [i, g, o] = split_gates(sums);
    let i = sigmoid(i);
    let f = i.clone().neg().add_scalar(1.0);
    [i, f, g.tanh(), sigmoid(o)]
}
