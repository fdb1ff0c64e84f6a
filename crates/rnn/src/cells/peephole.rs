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

use crate::equations::{Equations, named, pre_activations, split_gates};
use crate::trace::Gate;
use crate::weights::{Size, Values, WeightShape};

/// Gate rows i, f, g, o; peepholes `p_i`, `p_f` and `p_o`.
pub(crate) struct Peephole;

impl Equations<2> for Peephole {
    const ROWS: &'static [&'static str] = &["i", "f", "g", "o"];
    const FORGET_GATE: Option<(usize, f64)> = Some((1, 1.0));
    const EXTRA: &'static [WeightShape] = &[
        WeightShape::vector("peephole_i", &[Size::H], 0.0),
        WeightShape::vector("peephole_f", &[Size::H], 0.0),
        WeightShape::vector("peephole_o", &[Size::H], 0.0),
    ];

    const GATES_READ_CELL: bool = true;

    fn gates(x: Tensor<2>, [h, c]: &[Tensor<2>; 2], weights: &Values) -> Vec<Gate<2>> {
        named(gates(pre_activations(x, h, weights), c, &peepholes(weights)).0)
    }

    fn sequence(input: Input, state: [Tensor<2>; 2], weights: &Values, scan: &Scan) -> Outputs<2> {
        let weight_hh = weights.matrix("weight_hh").transpose();
        let peepholes = peepholes(weights);
        walk(input, scan, state, |x, [h, c]| {
            let ([_, _, _, o], c) = gates(x + h.clone().matmul(weight_hh.clone()), c, &peepholes);
            [o * c.clone().tanh(), c]
        })
    }
}

/// `p_i`, `p_f` and `p_o`, `[1, H]`.
fn peepholes(weights: &Values) -> [Tensor<2>; 3] {
    ["peephole_i", "peephole_f", "peephole_o"].map(|name| weights.row(name))
}

/// i, f, g and o from the pre-activations and the previous cell state, and the new cell state.
fn gates(sums: Tensor<2>, cell: &Tensor<2>, [p_i, p_f, p_o]: &[Tensor<2>; 3]) -> ([Tensor<2>; 4], Tensor<2>) {
    let [i, f, g, o] = split_gates(sums);
    let i = sigmoid(i + p_i.clone() * cell.clone());
    let f = sigmoid(f + p_f.clone() * cell.clone());
    let g = g.tanh();
    let c = f.clone() * cell.clone() + i.clone() * g.clone();
    let o = sigmoid(o + p_o.clone() * c.clone());
    ([i, f, g, o], c)
}
