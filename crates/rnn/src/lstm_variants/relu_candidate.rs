//! LSTM with a ReLU candidate: "why not ReLU?"
//!
//! The candidate `g` is rectified and the rest is a plain LSTM, so that what
//! is added to the cell state is never negative and not bounded:
//!
//! ```text
//! i_t, f_t, o_t as in an LSTM
//! g_t = max(0, W_ig x_t + W_hg h_{t-1} + b_g)
//! c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
//! h_t = o_t ⊙ tanh(c_t)
//! ```

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{
    Device, Tensor,
    activation::{relu, sigmoid},
};
use rand::Rng;
use rekindle_kernels::Scan;

use super::split_gates;
use crate::init::{ForgetGate, WeightShape, device_rng};
use crate::projection::{project, summed_bias};
use crate::scan::walk;
use crate::{Initialization, LayerState, RecurrentLayer, SequenceInput};

/// Configuration of [`ReluLstm`].
#[derive(Config, Debug)]
pub struct ReluLstmConfig {
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

impl ReluLstmConfig {
    /// A layer with weights that follow [`Device::seed`].
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> ReluLstm {
        self.init_with(&mut device_rng(device), device)
    }

    /// A layer with weights drawn from a random stream, the same on every
    /// backend.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init_with<R: Rng + ?Sized>(&self, rng: &mut R, device: &Device) -> ReluLstm {
        let shape = WeightShape {
            gates: 4,
            input_size: self.input_size,
            hidden_size: self.hidden_size,
            bias: self.bias,
            forget_gate: Some(ForgetGate::Own(1)),
        };
        let weights = self.init.draw(shape, rng, device);
        ReluLstm {
            weight_ih: weights.weight_ih,
            weight_hh: weights.weight_hh,
            bias_ih: weights.bias_ih,
            bias_hh: weights.bias_hh,
        }
    }
}

/// An LSTM layer whose candidate is rectified.
#[derive(Module, Debug)]
pub struct ReluLstm {
    /// `[4H, I]`, gate rows i, f, g, o.
    pub weight_ih: Param<Tensor<2>>,
    /// `[4H, H]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[4H]`.
    pub bias_ih: Option<Param<Tensor<1>>>,
    /// `[4H]`.
    pub bias_hh: Option<Param<Tensor<1>>>,
}

impl RecurrentLayer for ReluLstm {
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
        walk(input, state, scan, |x, [h, c]| {
            let [i, f, g, o] = split_gates(x + h.matmul(weight_hh.clone()));
            let c = sigmoid(f) * c + sigmoid(i) * relu(g);
            [sigmoid(o) * c.clone().tanh(), c]
        })
    }
}
