//! LSTM with peephole connections: the gates read the cell state.
//!
//! Gers and Schmidhuber, "Recurrent nets that time and count" (2000):
//!
//! ```text
//! i_t = σ(W_ii x_t + W_hi h_{t-1} + p_i ⊙ c_{t-1} + b_i)
//! f_t = σ(W_if x_t + W_hf h_{t-1} + p_f ⊙ c_{t-1} + b_f)
//! g_t = tanh(W_ig x_t + W_hg h_{t-1} + b_g)
//! c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
//! o_t = σ(W_io x_t + W_ho h_{t-1} + p_o ⊙ c_t + b_o)
//! h_t = o_t ⊙ tanh(c_t)
//! ```
//!
//! The peepholes start at 0, so that the cell starts as a plain LSTM.

use burn::tensor::{Tensor, activation::sigmoid};
use rekindle_kernels::{Input, Outputs, Scan, walk};

use crate::equations::{Equations, split_gates};
use crate::weights::{Size, Values, WeightShape};

/// Gate rows i, f, g, o; peepholes `p_i`, `p_f` and `p_o`.
pub(crate) struct Peephole;

impl Equations<2> for Peephole {
    const GATES: usize = 4;
    const FORGET_GATE: Option<(usize, f64)> = Some((1, 1.0));
    const EXTRA: &'static [WeightShape] = &[
        WeightShape::vector("peephole_i", &[Size::H], 0.0),
        WeightShape::vector("peephole_f", &[Size::H], 0.0),
        WeightShape::vector("peephole_o", &[Size::H], 0.0),
    ];

    fn sequence(input: Input, state: [Tensor<2>; 2], weights: &Values, scan: &Scan) -> Outputs<2> {
        let weight_hh = weights.matrix("weight_hh").transpose();
        let [p_i, p_f, p_o] = ["peephole_i", "peephole_f", "peephole_o"].map(|name| weights.row(name));
        walk(input, scan, state, |x, [h, c]| {
            let [i, f, g, o] = split_gates(x + h.clone().matmul(weight_hh.clone()));
            let i = sigmoid(i + p_i.clone() * c.clone());
            let f = sigmoid(f + p_f.clone() * c.clone());
            let c = f * c.clone() + i * g.tanh();
            let o = sigmoid(o + p_o.clone() * c.clone());
            [o * c.clone().tanh(), c]
        })
    }
}
