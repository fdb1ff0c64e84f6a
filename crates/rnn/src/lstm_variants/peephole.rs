//! LSTM with peephole connections: the gates see the cell state.
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
//! The peepholes start at 0, as a plain LSTM.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation::sigmoid};
use rand::Rng;
use rekindle_kernels::Scan;

use super::split_gates;
use crate::init::{ForgetGate, WeightShape, device_rng, parameter};
use crate::projection::{project, summed_bias};
use crate::scan::walk;
use crate::{Initialization, LayerState, RecurrentLayer, SequenceInput};

/// Configuration of [`PeepholeLstm`].
#[derive(Config, Debug)]
pub struct PeepholeLstmConfig {
    /// `I`: features of a step.
    pub input_size: usize,
    /// `H`: size of the hidden state.
    pub hidden_size: usize,
    /// Whether the layer has biases.
    #[config(default = true)]
    pub bias: bool,
    /// How the weights are drawn.
    #[config(default = "Initialization::default()")]
    pub init: Initialization,
}

impl PeepholeLstmConfig {
    /// A layer with weights that follow [`Device::seed`].
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> PeepholeLstm {
        self.init_with(&mut device_rng(device), device)
    }

    /// A layer with weights drawn from a random stream, the same on every
    /// backend.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init_with<R: Rng + ?Sized>(&self, rng: &mut R, device: &Device) -> PeepholeLstm {
        let shape = WeightShape {
            gates: 4,
            input_size: self.input_size,
            hidden_size: self.hidden_size,
            bias: self.bias,
            forget_gate: Some(ForgetGate::Own(1)),
        };
        let peephole = || parameter(vec![0.0; self.hidden_size], device);
        let weights = self.init.draw(shape, rng, device);
        PeepholeLstm {
            weight_ih: weights.weight_ih,
            weight_hh: weights.weight_hh,
            bias_ih: weights.bias_ih,
            bias_hh: weights.bias_hh,
            peephole_i: peephole(),
            peephole_f: peephole(),
            peephole_o: peephole(),
        }
    }
}

/// An LSTM layer whose gates see the cell state.
#[derive(Module, Debug)]
pub struct PeepholeLstm {
    /// `[4H, I]`, gate rows i, f, g, o.
    pub weight_ih: Param<Tensor<2>>,
    /// `[4H, H]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[4H]`.
    pub bias_ih: Option<Param<Tensor<1>>>,
    /// `[4H]`.
    pub bias_hh: Option<Param<Tensor<1>>>,
    /// `p_i`, `[H]`: previous cell state to input gate.
    pub peephole_i: Param<Tensor<1>>,
    /// `p_f`, `[H]`: previous cell state to forget gate.
    pub peephole_f: Param<Tensor<1>>,
    /// `p_o`, `[H]`: new cell state to output gate.
    pub peephole_o: Param<Tensor<1>>,
}

impl RecurrentLayer for PeepholeLstm {
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
        let bias = summed_bias(&self.bias_ih, &self.bias_hh);
        let input = project(input, self.weight_ih.val(), bias);
        let weight_hh = weight_hh.transpose();
        let [p_i, p_f, p_o] =
            [&self.peephole_i, &self.peephole_f, &self.peephole_o].map(|peephole| peephole.val().unsqueeze::<2>());
        walk(input, state, scan, |x, [h, c]| {
            let [i, f, g, o] = split_gates(x + h.matmul(weight_hh.clone()));
            let i = sigmoid(i + p_i.clone() * c.clone());
            let f = sigmoid(f + p_f.clone() * c.clone());
            let c = f * c + i * g.tanh();
            let o = sigmoid(o + p_o.clone() * c.clone());
            [o * c.clone().tanh(), c]
        })
    }
}
