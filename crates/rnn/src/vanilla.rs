//! The vanilla recurrent network.
//!
//! `h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)` (Elman, "Finding
//! structure in time", 1990), or ReLU in place of tanh (Le, Jaitly and Hinton,
//! "A simple way to initialize recurrent networks of rectified linear units",
//! 2015). The lecture writes `W_xh` for `W_ihᵀ`.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_kernels::{Scan, rnn};
use serde::{Deserialize, Serialize};

use crate::init::{WeightShape, device_rng};
use crate::projection::{project, summed_bias};
use crate::unrolled::{LoopLayer, LoopWeights};
use crate::{Initialization, LayerState, RecurrentLayer, SequenceInput};

/// What is applied to the sum of both products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nonlinearity {
    /// `tanh(x)`.
    #[default]
    Tanh,
    /// `max(x, 0)`.
    Relu,
}

impl From<Nonlinearity> for rnn::Activation {
    fn from(nonlinearity: Nonlinearity) -> Self {
        match nonlinearity {
            Nonlinearity::Tanh => Self::Tanh,
            Nonlinearity::Relu => Self::Relu,
        }
    }
}

/// Configuration of [`VanillaRnn`].
#[derive(Config, Debug)]
pub struct VanillaRnnConfig {
    /// `I`: features of a step.
    pub input_size: usize,
    /// `H`: size of the hidden state.
    pub hidden_size: usize,
    /// The nonlinearity.
    #[config(default = "Nonlinearity::Tanh")]
    pub nonlinearity: Nonlinearity,
    /// Whether the layer has biases.
    #[config(default = true)]
    pub bias: bool,
    /// How the weights are drawn.
    #[config(default = "Initialization::default()")]
    pub init: Initialization,
}

impl VanillaRnnConfig {
    /// A layer with weights that follow [`Device::seed`].
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> VanillaRnn {
        self.init_with(&mut device_rng(device), device)
    }

    /// A layer with weights drawn from a random stream, the same on every
    /// backend.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init_with<R: Rng + ?Sized>(&self, rng: &mut R, device: &Device) -> VanillaRnn {
        let shape = WeightShape {
            gates: 1,
            input_size: self.input_size,
            hidden_size: self.hidden_size,
            bias: self.bias,
            forget_gate: None,
        };
        let weights = self.init.draw(shape, rng, device);
        VanillaRnn {
            weight_ih: weights.weight_ih,
            weight_hh: weights.weight_hh,
            bias_ih: weights.bias_ih,
            bias_hh: weights.bias_hh,
            nonlinearity: self.nonlinearity,
        }
    }
}

/// A vanilla recurrent layer; see the equation of [`Cell::Rnn`](crate::Cell::Rnn).
#[derive(Module, Debug)]
pub struct VanillaRnn {
    /// `[H, I]`.
    pub weight_ih: Param<Tensor<2>>,
    /// `[H, H]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[H]`.
    pub bias_ih: Option<Param<Tensor<1>>>,
    /// `[H]`.
    pub bias_hh: Option<Param<Tensor<1>>>,
    /// The nonlinearity.
    #[module(skip)]
    pub nonlinearity: Nonlinearity,
}

impl RecurrentLayer for VanillaRnn {
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
        let bias = summed_bias(&self.bias_ih, &self.bias_hh);
        let input = project(input, self.weight_ih.val(), bias);
        let output = rnn::rnn(input, weight_hh, state.hidden, self.nonlinearity.into(), scan);
        let state = LayerState { hidden: output.last, cell: None };
        (output.hidden, state)
    }
}

impl VanillaRnn {
    pub(crate) fn unrolled(&self, known: usize) -> impl LoopLayer + use<> {
        let weights = LoopWeights::new(&self.weight_ih, &self.weight_hh, &self.bias_ih, &self.bias_hh, known);
        LoopRnn { weights, activation: self.nonlinearity.into() }
    }
}

/// A vanilla layer inside a loop.
struct LoopRnn {
    weights: LoopWeights,
    activation: rnn::Activation,
}

impl LoopLayer for LoopRnn {
    fn know(&self, known: Tensor<3>) -> Vec<Tensor<2>> {
        self.weights.know(known)
    }

    fn step(&self, known: Option<Tensor<2>>, rest: Option<Tensor<2>>, state: LayerState) -> LayerState {
        let (input, weight_hh) = self.weights.step(known, rest, &state.hidden);
        let output = rnn::rnn(input, weight_hh, state.hidden, self.activation, &Scan::default());
        LayerState { hidden: output.last, cell: None }
    }
}
