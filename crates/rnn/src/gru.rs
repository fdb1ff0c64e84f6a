//! Gated recurrent unit.
//!
//! Cho et al., "Learning phrase representations using RNN encoder-decoder for
//! statistical machine translation" (2014), with the reset gate after the
//! product, as in PyTorch and cuDNN:
//!
//! ```text
//! r_t = σ(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)
//! z_t = σ(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)
//! n_t = tanh(W_in x_t + b_in + r_t ⊙ (W_hn h_{t-1} + b_hn))
//! h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}
//! ```

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_kernels::{Scan, gru::gru};

use crate::init::{WeightShape, device_rng};
use crate::projection::project;
use crate::{Initialization, LayerState, RecurrentLayer, SequenceInput};

/// Configuration of [`Gru`].
#[derive(Config, Debug)]
pub struct GruConfig {
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

impl GruConfig {
    /// A layer with weights that follow [`Device::seed`].
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> Gru {
        self.init_with(&mut device_rng(device), device)
    }

    /// A layer with weights drawn from a random stream, the same on every
    /// backend.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init_with<R: Rng + ?Sized>(&self, rng: &mut R, device: &Device) -> Gru {
        let shape = WeightShape {
            gates: 3,
            input_size: self.input_size,
            hidden_size: self.hidden_size,
            bias: self.bias,
            forget_gate: None,
        };
        let weights = self.init.draw(shape, rng, device);
        Gru {
            weight_ih: weights.weight_ih,
            weight_hh: weights.weight_hh,
            bias_ih: weights.bias_ih,
            bias_hh: weights.bias_hh,
        }
    }
}

/// A GRU layer with the weights of `torch.nn.GRU`.
#[derive(Module, Debug)]
pub struct Gru {
    /// `[3H, I]`, gate rows r, z, n.
    pub weight_ih: Param<Tensor<2>>,
    /// `[3H, H]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[3H]`.
    pub bias_ih: Option<Param<Tensor<1>>>,
    /// `[3H]`.
    pub bias_hh: Option<Param<Tensor<1>>>,
}

impl RecurrentLayer for Gru {
    fn input_size(&self) -> usize {
        self.weight_ih.dims()[1]
    }

    fn hidden_size(&self) -> usize {
        self.weight_hh.dims()[1]
    }

    fn zero_state(&self, batch: usize, device: &Device) -> LayerState {
        let shape = [batch, self.hidden_size()];
        LayerState::zeros(false, shape, &self.weight_hh.val(), device)
    }

    fn sequence(&self, input: SequenceInput, state: Option<LayerState>, scan: &Scan) -> (Tensor<3>, LayerState) {
        let weight_hh = self.weight_hh.val();
        let [_, batch] = input.outer_dims();
        let state = state.unwrap_or_else(|| self.zero_state(batch, &weight_hh.device()));
        let bias_hh = match &self.bias_hh {
            Some(bias) => bias.val(),
            None => Tensor::zeros([weight_hh.dims()[0]], (&weight_hh.device(), weight_hh.dtype())),
        };
        let bias_ih = self.bias_ih.as_ref().map(Param::val);
        let input = project(input, self.weight_ih.val(), bias_ih);
        let output = gru(input, weight_hh, bias_hh, state.hidden, scan);
        let state = LayerState { hidden: output.last, cell: None };
        (output.hidden, state)
    }
}
