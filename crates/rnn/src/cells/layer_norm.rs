//! Layer-normalised LSTM.
//!
//! Ba, Kiros and Hinton, "Layer normalization" (2016), equations 20 to 22:
//!
//! ```text
//! (i_t, f_t, g_t, o_t) = LN(W_ih x_t; α_ih) + LN(W_hh h_{t-1}; α_hh) + b_ih + b_hh
//! c_t = σ(f_t) ⊙ c_{t-1} + σ(i_t) ⊙ tanh(g_t)
//! h_t = σ(o_t) ⊙ tanh(LN(c_t; α_c) + β_c)
//! LN(a; α) = α ⊙ (a - mean(a)) / √(var(a) + ε)
//! ```
//!
//! Means and variances are over all `4H` pre-activations of a step, and over the `H` cells. The
//! paper's shifts of the two inner norms are `b_ih` and `b_hh`. Gains start at 1 and `β_c` at 0.

use burn::tensor::Tensor;
use rekindle_kernels::{Input, Outputs, Scan, walk};

use crate::SequenceInput;
use crate::equations::{Equations, lstm_gates, named};
use crate::projection::{plus, project_rows};
use crate::trace::Gate;
use crate::weights::{Size, Values, WeightShape};

/// `ε`, which prevents division by 0; that of `torch.nn.LayerNorm`.
const EPSILON: f64 = 1e-5;

/// Gate rows i, f, g, o; gains `α_ih`, `α_hh` and `α_c`, and `β_c`.
pub(crate) struct LayerNorm;

impl Equations<2> for LayerNorm {
    const ROWS: &'static [&'static str] = &["i", "f", "g", "o"];
    const FORGET_GATE: Option<(usize, f64)> = Some((1, 1.0));
    const EXTRA: &'static [WeightShape] = &[
        WeightShape::vector("gain_ih", &[Size::G], 1.0),
        WeightShape::vector("gain_hh", &[Size::G], 1.0),
        WeightShape::vector("gain_cell", &[Size::H], 1.0),
        WeightShape { is_bias: true, ..WeightShape::vector("bias_cell", &[Size::H], 0.0) },
    ];

    fn project(input: SequenceInput, weights: &Values) -> Input {
        project_rows(input, weights.matrix("weight_ih"), None, |rows| {
            plus(normalise(rows) * weights.row("gain_ih"), Self::input_bias(weights))
        })
    }

    fn gates(x: Tensor<2>, [h, _]: &[Tensor<2>; 2], weights: &Values) -> Vec<Gate<2>> {
        let product = h.clone().matmul(weights.matrix("weight_hh").transpose());
        named(lstm_gates(x + normalise(product) * weights.row("gain_hh")))
    }

    fn sequence(input: Input, state: [Tensor<2>; 2], weights: &Values, scan: &Scan) -> Outputs<2> {
        let weight_hh = weights.matrix("weight_hh").transpose();
        let [gain_hh, gain_cell] = ["gain_hh", "gain_cell"].map(|name| weights.row(name));
        let bias_cell = weights.vector("bias_cell");
        walk(input, scan, state, |x, [h, c]| {
            let recurrent = normalise(h.clone().matmul(weight_hh.clone())) * gain_hh.clone();
            let [i, f, g, o] = lstm_gates(x + recurrent);
            let c = f * c.clone() + i * g;
            let seen = plus(normalise(c.clone()) * gain_cell.clone(), bias_cell.clone());
            [o * seen.tanh(), c]
        })
    }
}

/// `(a - mean(a)) / √(var(a) + ε)` over each row of `[N, ...]`.
fn normalise(a: Tensor<2>) -> Tensor<2> {
    let centred = a.clone() - a.mean_dim(1);
    let variance = centred.clone().square().mean_dim(1);
    centred / variance.add_scalar(EPSILON).sqrt()
}
