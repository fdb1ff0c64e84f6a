//! A model: an LSTM that reads a series and predicts its next value after each time step.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_rnn::{Cell, Recurrent, RecurrentConfig, State};

/// `y_t = W h_t + b`, with the hidden state `h_t` of an LSTM.
#[derive(Module, Debug)]
pub struct Forecaster {
    /// Reads `[B, T, 1]`.
    pub recurrent: Recurrent,
    /// `W [H, 1]` and `b [1]`.
    pub output: Linear,
}

impl Forecaster {
    /// A model with `hidden` hidden units and recurrent weights drawn from `rng`. The linear layer starts from zeros,
    /// so that the weights are the same on every backend.
    pub fn new<R: Rng + ?Sized>(hidden: usize, rng: &mut R, device: &Device) -> Self {
        let recurrent = RecurrentConfig::new(1, hidden, Cell::Lstm).init_with(rng, device);
        let output = LinearConfig::new(hidden, 1).with_initializer(burn::nn::Initializer::Zeros).init(device);
        Self { recurrent, output }
    }

    /// The predictions `[B, T, 1]` after each value of `series [B, T, 1]`, and the state to continue from.
    pub fn forward(&self, series: Tensor<3>, state: Option<State>) -> (Tensor<3>, State) {
        let (hidden, state) = self.recurrent.forward(series, state, None);
        (self.output.forward(hidden), state)
    }

    /// The `count` values that follow `series [1, T, 1]`: each prediction is read as the next value.
    pub fn forecast(&self, series: Tensor<3>, count: usize) -> Vec<f32> {
        let (mut next, mut state) = self.forward(series, None);
        let mut forecast = Vec::with_capacity(count);
        while forecast.len() < count {
            let [_, time, _] = next.dims();
            let last = next.narrow(1, time - 1, 1);
            forecast.push(last.clone().into_scalar::<f32>());
            (next, state) = self.forward(last, Some(state));
        }
        forecast
    }
}
