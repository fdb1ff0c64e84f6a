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
//! Means and variances run over all `4H` sums of a step, and over the `H`
//! cells. The paper's shifts of the two inner norms are `b_ih` and `b_hh`.
//! Gains start at 1 and `β_c` at 0.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation::sigmoid};
use rand::Rng;
use rekindle_kernels::Scan;

use super::split_gates;
use crate::init::{ForgetGate, WeightShape, device_rng, parameter};
use crate::projection::{project_rows, summed_bias};
use crate::scan::walk;
use crate::{Initialization, LayerState, RecurrentLayer, SequenceInput};

/// Configuration of [`LayerNormLstm`].
#[derive(Config, Debug)]
pub struct LayerNormLstmConfig {
    /// `I`: features of a step.
    pub input_size: usize,
    /// `H`: size of the hidden state.
    pub hidden_size: usize,
    /// Whether the layer has biases.
    #[config(default = true)]
    pub bias: bool,
    /// `ε`, what keeps the division away from 0.
    #[config(default = 1e-5)]
    pub epsilon: f64,
    /// How the weights are drawn.
    #[config(default = "Initialization::default()")]
    pub init: Initialization,
}

impl LayerNormLstmConfig {
    /// A layer with weights that follow [`Device::seed`].
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> LayerNormLstm {
        self.init_with(&mut device_rng(device), device)
    }

    /// A layer with weights drawn from a random stream, the same on every
    /// backend.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init_with<R: Rng + ?Sized>(&self, rng: &mut R, device: &Device) -> LayerNormLstm {
        let shape = WeightShape {
            gates: 4,
            input_size: self.input_size,
            hidden_size: self.hidden_size,
            bias: self.bias,
            forget_gate: Some(ForgetGate::Own(1)),
        };
        let weights = self.init.draw(shape, rng, device);
        LayerNormLstm {
            weight_ih: weights.weight_ih,
            weight_hh: weights.weight_hh,
            bias_ih: weights.bias_ih,
            bias_hh: weights.bias_hh,
            gain_ih: parameter(vec![1.0; 4 * self.hidden_size], device),
            gain_hh: parameter(vec![1.0; 4 * self.hidden_size], device),
            gain_cell: parameter(vec![1.0; self.hidden_size], device),
            bias_cell: self.bias.then(|| parameter(vec![0.0; self.hidden_size], device)),
            epsilon: self.epsilon,
        }
    }
}

/// A layer-normalised LSTM layer.
#[derive(Module, Debug)]
pub struct LayerNormLstm {
    /// `[4H, I]`, gate rows i, f, g, o.
    pub weight_ih: Param<Tensor<2>>,
    /// `[4H, H]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[4H]`.
    pub bias_ih: Option<Param<Tensor<1>>>,
    /// `[4H]`.
    pub bias_hh: Option<Param<Tensor<1>>>,
    /// `α_ih`, `[4H]`.
    pub gain_ih: Param<Tensor<1>>,
    /// `α_hh`, `[4H]`.
    pub gain_hh: Param<Tensor<1>>,
    /// `α_c`, `[H]`.
    pub gain_cell: Param<Tensor<1>>,
    /// `β_c`, `[H]`.
    pub bias_cell: Option<Param<Tensor<1>>>,
    /// `ε`.
    pub epsilon: f64,
}

impl RecurrentLayer for LayerNormLstm {
    fn input_size(&self) -> usize {
        self.weight_ih.dims()[1]
    }

    fn hidden_size(&self) -> usize {
        self.weight_hh.dims()[1]
    }

    fn zero_state(&self, batch: usize, device: &Device) -> LayerState {
        let shape = [batch, self.hidden_size()];
        LayerState::zeros(true, shape, &self.weight_hh.val(), device)
    }

    fn sequence(&self, input: SequenceInput, state: Option<LayerState>, scan: &Scan) -> (Tensor<3>, LayerState) {
        let weight_hh = self.weight_hh.val();
        let [_, batch] = input.outer_dims();
        let state = state.unwrap_or_else(|| self.zero_state(batch, &weight_hh.device()));
        let [gain_ih, gain_hh, gain_cell] =
            [&self.gain_ih, &self.gain_hh, &self.gain_cell].map(|gain| gain.val().unsqueeze::<2>());
        let bias = summed_bias(&self.bias_ih, &self.bias_hh);
        let bias_cell = self.bias_cell.as_ref().map(Param::val);
        let plus = |a: Tensor<2>, bias: &Option<Tensor<1>>| match bias {
            Some(bias) => a + bias.clone().unsqueeze(),
            None => a,
        };
        let input = project_rows(input, self.weight_ih.val(), None, |rows| plus(self.normalise(rows) * gain_ih, &bias));
        let weight_hh = weight_hh.transpose();
        walk(input, state, scan, |x, [h, c]| {
            let recurrent = self.normalise(h.matmul(weight_hh.clone())) * gain_hh.clone();
            let [i, f, g, o] = split_gates(x + recurrent);
            let c = sigmoid(f) * c + sigmoid(i) * g.tanh();
            let seen = plus(self.normalise(c.clone()) * gain_cell.clone(), &bias_cell);
            [sigmoid(o) * seen.tanh(), c]
        })
    }
}

impl LayerNormLstm {
    /// `(a - mean(a)) / √(var(a) + ε)` over each row of `[N, ...]`.
    fn normalise(&self, a: Tensor<2>) -> Tensor<2> {
        let centred = a.clone() - a.mean_dim(1);
        let variance = centred.clone().square().mean_dim(1);
        centred / variance.add_scalar(self.epsilon).sqrt()
    }
}
