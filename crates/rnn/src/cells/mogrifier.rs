//! Mogrifier LSTM: before each step of an LSTM, input and state gate each other.
//!
//! Melis, Kočiský and Blunsom, "Mogrifier LSTM" (arXiv 1909.01792, 2019), equations 1 and 2, with
//! `x^{-1} = x_t`, `h^0 = h_{t-1}` and `r = 5` rounds, as in the paper:
//!
//! ```text
//! x^i = 2σ(Q^i h^{i-1}) ⊙ x^{i-2}     for odd i in 1..=r
//! h^i = 2σ(R^i x^{i-1}) ⊙ h^{i-2}     for even i in 1..=r
//! ```
//!
//! The last `x^i` and `h^i` replace `x_t` and `h_{t-1}` in the equations of the LSTM:
//!
//! ```text
//! i_t = σ(W_ii x + b_ii + W_hi h + b_hi)
//! f_t = σ(W_if x + b_if + W_hf h + b_hf)
//! g_t = tanh(W_ig x + b_ig + W_hg h + b_hg)
//! o_t = σ(W_io x + b_io + W_ho h + b_ho)
//! c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
//! h_t = o_t ⊙ tanh(c_t)
//! ```
//!
//! `Q^i` `[I, H]` and `R^i` `[H, I]` have full rank and start as the scheme draws them. The gated
//! input depends on the state, so its product is computed at every time step.

use burn::tensor::{Tensor, activation::sigmoid};
use rekindle_kernels::{Input, Outputs, Scan, walk};

use crate::SequenceInput;
use crate::equations::{Equations, lstm_gates, named};
use crate::projection::plus;
use crate::trace::Gate;
use crate::weights::{Size, Values, WeightShape};

/// Gate rows i, f, g, o; `Q^i` and `R^i`, one per round.
pub(crate) struct Mogrifier;

impl Equations<2> for Mogrifier {
    const ROWS: &'static [&'static str] = &["i", "f", "g", "o"];
    const FORGET_GATE: Option<(usize, f64)> = Some((1, 1.0));
    const EXTRA: &'static [WeightShape] = &[
        WeightShape::matrix("mogrifier_q1", &[Size::I, Size::H]),
        WeightShape::matrix("mogrifier_r2", &[Size::H, Size::I]),
        WeightShape::matrix("mogrifier_q3", &[Size::I, Size::H]),
        WeightShape::matrix("mogrifier_r4", &[Size::H, Size::I]),
        WeightShape::matrix("mogrifier_q5", &[Size::I, Size::H]),
    ];

    /// `x_t` unchanged.
    fn project(input: SequenceInput, weights: &Values) -> Input {
        match input {
            SequenceInput::Dense(rows) => Input::Projected(rows),
            SequenceInput::Embedded { table, tokens } => Input::Tokens { table, tokens },
            SequenceInput::OneHot { tokens } => {
                let weight_ih = weights.matrix("weight_ih");
                Input::Projected(tokens.one_hot(weight_ih.dims()[1]).float().cast(weight_ih.dtype()))
            }
        }
    }

    fn gates(x: Tensor<2>, [h, _]: &[Tensor<2>; 2], weights: &Values) -> Vec<Gate<2>> {
        named(Matrices::of(weights).gates(x, h))
    }

    fn sequence(input: Input, state: [Tensor<2>; 2], weights: &Values, scan: &Scan) -> Outputs<2> {
        let matrices = Matrices::of(weights);
        walk(input, scan, state, |x, [h, c]| {
            let [i, f, g, o] = matrices.gates(x, h);
            let c = f * c.clone() + i * g;
            [o * c.clone().tanh(), c]
        })
    }
}

/// The weights of a step, transposed.
struct Matrices {
    /// `Q^1`, `R^2`, `Q^3`, ...
    rounds: Vec<Tensor<2>>,
    weight_ih: Tensor<2>,
    weight_hh: Tensor<2>,
    bias: Option<Tensor<1>>,
}

impl Matrices {
    fn of(weights: &Values) -> Self {
        let matrix = |name| weights.matrix(name).transpose();
        Self {
            rounds: Mogrifier::EXTRA.iter().map(|shape| matrix(shape.name)).collect(),
            weight_ih: matrix("weight_ih"),
            weight_hh: matrix("weight_hh"),
            bias: Mogrifier::input_bias(weights),
        }
    }

    /// i, f, g and o after the rounds between the input `x` `[N, I]` and the previous hidden state `h` `[N, H]`.
    fn gates(&self, mut x: Tensor<2>, h: &Tensor<2>) -> [Tensor<2>; 4] {
        let mut h = h.clone();
        // The tensor gated last gates the other.
        for (round, matrix) in self.rounds.iter().cloned().enumerate() {
            match round % 2 {
                0 => x = sigmoid(h.clone().matmul(matrix)) * 2.0 * x,
                _ => h = sigmoid(x.clone().matmul(matrix)) * 2.0 * h,
            }
        }
        let sums = x.matmul(self.weight_ih.clone()) + h.matmul(self.weight_hh.clone());
        lstm_gates(plus(sums, self.bias.clone()))
    }
}
