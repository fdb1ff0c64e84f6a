//! The same language model on Burn's own recurrent layers.

use burn::module::Module;
use burn::nn::{Gru, GruConfig, Linear, LinearConfig, Lstm, LstmConfig, LstmState, Rnn, RnnConfig, RnnState};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};
use rekindle_models::decode::Sampler;

use crate::language_model::{LanguageModel, Tokens};
use crate::shape::{Recurrence, SYMBOLS, Shape};

/// Recurrent layers, and a linear layer from the last one to the tokens.
#[derive(Module, Debug)]
pub(crate) struct BurnLm {
    layers: Vec<Layer>,
    output: Linear,
}

#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a module cannot be boxed, and there are only a few")]
enum Layer {
    Rnn(Rnn),
    Lstm(Lstm),
    Gru(Gru),
}

impl Layer {
    fn new(recurrence: Recurrence, input: usize, hidden: usize, device: &Device) -> Self {
        match recurrence {
            Recurrence::Rnn => Self::Rnn(RnnConfig::new(input, hidden, true).init(device)),
            Recurrence::Lstm => Self::Lstm(LstmConfig::new(input, hidden, true).init(device)),
            Recurrence::Gru => Self::Gru(GruConfig::new(input, hidden, true).init(device)),
        }
    }

    /// `[B, T, I]` to `[B, T, H]`, and the final state `[B, H]`; only an LSTM reads its cell state.
    fn forward(&self, input: Tensor<3>, state: Option<LstmState<2>>) -> (Tensor<3>, LstmState<2>) {
        match self {
            Self::Rnn(layer) => {
                let (output, after) = layer.forward(input, state.map(|state| RnnState::new(state.hidden)));
                (output, LstmState::new(after.hidden.clone(), after.hidden))
            }
            Self::Lstm(layer) => layer.forward(input, state),
            Self::Gru(layer) => {
                let output = layer.forward(input, state.map(|state| state.hidden));
                // Burn's layer returns no state; a GRU's is its last output.
                let hidden = output.clone().narrow(1, output.dims()[1] - 1, 1).squeeze_dim::<2>(1);
                (output, LstmState::new(hidden.clone(), hidden))
            }
        }
    }
}

impl BurnLm {
    /// Log-probabilities `[B * T, V]` of the token after each of `tokens` `[B, T]`, and the state
    /// of each layer.
    fn forward(&self, tokens: Tokens, state: Option<Vec<LstmState<2>>>) -> (Tensor<2>, Vec<LstmState<2>>) {
        let rows = tokens.shape().num_elements();
        let mut hidden: Tensor<3> = tokens.one_hot::<3>(SYMBOLS).float();
        let mut before = state.into_iter().flatten();
        let mut after = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (output, state) = layer.forward(hidden, before.next());
            hidden = output;
            after.push(LstmState::new(state.cell.detach(), state.hidden.detach()));
        }
        let width = hidden.dims()[2];
        (log_softmax(self.output.forward(hidden.reshape([rows, width])), 1), after)
    }
}

impl LanguageModel for BurnLm {
    type Carry = Vec<LstmState<2>>;

    fn init(shape: &Shape, device: &Device) -> Self {
        let input = |layer| if layer == 0 { SYMBOLS } else { shape.hidden };
        Self {
            layers: (0..shape.layers).map(|layer| Layer::new(shape.cell, input(layer), shape.hidden, device)).collect(),
            output: LinearConfig::new(shape.hidden, SYMBOLS).init(device),
        }
    }

    fn loss(&self, tokens: Tokens, targets: Tokens, carry: Option<Self::Carry>) -> (Tensor<1>, Self::Carry) {
        let rows = targets.shape().num_elements();
        let (log_probs, carry) = self.forward(tokens, carry);
        (log_probs.gather(1, targets.reshape([rows, 1])).mean().neg(), carry)
    }

    fn sample(&self, count: usize, mut sampler: Sampler) {
        let device = self.output.weight.device();
        let (mut token, mut state) = (0, None);
        for _ in 0..count {
            let (log_probs, after) = self.forward(Tensor::from_ints([[token as i32]], &device), state);
            let log_probs = log_probs.into_data().convert::<f32>();
            token = sampler
                .sample(log_probs.as_slice().expect("converted to f32"))
                .expect("a new model has a distribution");
            state = Some(after);
        }
    }
}
