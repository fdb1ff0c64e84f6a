//! LSTM with coupled input and forget gates: it forgets only where it writes.
//!
//! Greff et al., "LSTM: a search space odyssey" (2015), the variant CIFG:
//!
//! ```text
//! i_t = σ(W_ii x_t + W_hi h_{t-1} + b_i)
//! f_t = 1 - i_t
//! g_t = tanh(W_ig x_t + W_hg h_{t-1} + b_g)
//! o_t = σ(W_io x_t + W_ho h_{t-1} + b_o)
//! c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
//! h_t = o_t ⊙ tanh(c_t)
//! ```

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation::sigmoid};
use rand::Rng;
use rekindle_kernels::Scan;

use super::split_gates;
use crate::init::{ForgetGate, WeightShape, device_rng};
use crate::projection::{project, summed_bias};
use crate::scan::walk;
use crate::{Initialization, LayerState, RecurrentLayer, SequenceInput};

/// Configuration of [`CoupledLstm`].
#[derive(Config, Debug)]
pub struct CoupledLstmConfig {
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

impl CoupledLstmConfig {
    /// A layer with weights that follow [`Device::seed`].
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> CoupledLstm {
        self.init_with(&mut device_rng(device), device)
    }

    /// A layer with weights drawn from a random stream, the same on every
    /// backend.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init_with<R: Rng + ?Sized>(&self, rng: &mut R, device: &Device) -> CoupledLstm {
        let shape = WeightShape {
            gates: 3,
            input_size: self.input_size,
            hidden_size: self.hidden_size,
            bias: self.bias,
            forget_gate: Some(ForgetGate::OneMinus(0)),
        };
        let weights = self.init.draw(shape, rng, device);
        CoupledLstm {
            weight_ih: weights.weight_ih,
            weight_hh: weights.weight_hh,
            bias_ih: weights.bias_ih,
            bias_hh: weights.bias_hh,
        }
    }
}

/// An LSTM layer with `f = 1 - i`.
#[derive(Module, Debug)]
pub struct CoupledLstm {
    /// `[3H, I]`, gate rows i, g, o.
    pub weight_ih: Param<Tensor<2>>,
    /// `[3H, H]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[3H]`.
    pub bias_ih: Option<Param<Tensor<1>>>,
    /// `[3H]`.
    pub bias_hh: Option<Param<Tensor<1>>>,
}

impl RecurrentLayer for CoupledLstm {
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
            let [i, g, o] = split_gates(x + h.matmul(weight_hh.clone()));
            let i = sigmoid(i);
            let f = i.clone().neg().add_scalar(1.0);
            let c = f * c + i * g.tanh();
            [sigmoid(o) * c.clone().tanh(), c]
        })
    }
}
