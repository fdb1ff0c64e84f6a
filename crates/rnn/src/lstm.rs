//! Long short-term memory.
//!
//! Hochreiter and Schmidhuber, "Long short-term memory" (1997), with the
//! forget gate of Gers, Schmidhuber and Cummins, "Learning to forget" (2000):
//!
//! ```text
//! i_t = σ(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)
//! f_t = σ(W_if x_t + b_if + W_hf h_{t-1} + b_hf)
//! g_t = tanh(W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)
//! o_t = σ(W_io x_t + b_io + W_ho h_{t-1} + b_ho)
//! c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
//! h_t = o_t ⊙ tanh(c_t)
//! ```

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_kernels::{Scan, lstm::lstm};

use crate::init::{ForgetGate, WeightShape, device_rng};
use crate::projection::{project, summed_bias};
use crate::unrolled::{LoopLayer, LoopWeights};
use crate::{Initialization, LayerState, RecurrentLayer, SequenceInput};

/// Configuration of [`Lstm`].
#[derive(Config, Debug)]
pub struct LstmConfig {
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

impl LstmConfig {
    /// A layer with weights that follow [`Device::seed`].
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> Lstm {
        self.init_with(&mut device_rng(device), device)
    }

    /// A layer with weights drawn from a random stream, the same on every
    /// backend.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init_with<R: Rng + ?Sized>(&self, rng: &mut R, device: &Device) -> Lstm {
        let shape = WeightShape {
            gates: 4,
            input_size: self.input_size,
            hidden_size: self.hidden_size,
            bias: self.bias,
            forget_gate: Some(ForgetGate::Own(1)),
        };
        let weights = self.init.draw(shape, rng, device);
        Lstm {
            weight_ih: weights.weight_ih,
            weight_hh: weights.weight_hh,
            bias_ih: weights.bias_ih,
            bias_hh: weights.bias_hh,
        }
    }
}

/// An LSTM layer with the weights of `torch.nn.LSTM`.
#[derive(Module, Debug)]
pub struct Lstm {
    /// `[4H, I]`, gate rows i, f, g, o.
    pub weight_ih: Param<Tensor<2>>,
    /// `[4H, H]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[4H]`.
    pub bias_ih: Option<Param<Tensor<1>>>,
    /// `[4H]`.
    pub bias_hh: Option<Param<Tensor<1>>>,
}

impl RecurrentLayer for Lstm {
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
        let [h0, c0] = state.into_hidden_and_cell();
        let bias = summed_bias(&self.bias_ih, &self.bias_hh);
        let input = project(input, self.weight_ih.val(), bias);
        let output = lstm(input, weight_hh, h0, c0, scan);
        let state = LayerState { hidden: output.last_hidden, cell: Some(output.last_cell) };
        (output.hidden, state)
    }
}

impl Lstm {
    pub(crate) fn unrolled(&self, known: usize) -> impl LoopLayer + use<> {
        LoopLstm(LoopWeights::new(&self.weight_ih, &self.weight_hh, &self.bias_ih, &self.bias_hh, known))
    }
}

/// An LSTM inside a loop.
struct LoopLstm(LoopWeights);

impl LoopLayer for LoopLstm {
    fn know(&self, known: Tensor<3>) -> Vec<Tensor<2>> {
        self.0.know(known)
    }

    fn step(&self, known: Option<Tensor<2>>, rest: Option<Tensor<2>>, state: LayerState) -> LayerState {
        let [hidden, cell] = state.into_hidden_and_cell();
        let (input, weight_hh) = self.0.step(known, rest, &hidden);
        let output = lstm(input, weight_hh, hidden, cell, &Scan::default());
        LayerState { hidden: output.last_hidden, cell: Some(output.last_cell) }
    }
}
