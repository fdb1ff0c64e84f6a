//! The same language model on Burn's own recurrent layers.

use burn::module::Module;
use burn::nn::{Gru, GruConfig, Linear, LinearConfig, Lstm, LstmConfig, LstmState, Rnn, RnnConfig, RnnState};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use rekindle_models::decode::Sampler;

use super::contestant::LanguageModel;
use super::shape::{Recurrence, SYMBOLS, Shape};

#[derive(Module, Debug)]
pub struct BurnLm {
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

/// State `[B, H]` of a layer; the cell state is the LSTM's alone.
#[derive(Clone)]
pub struct LayerState {
    hidden: Tensor<2>,
    cell: Option<Tensor<2>>,
}

impl Layer {
    fn new(recurrence: Recurrence, input: usize, hidden: usize, device: &Device) -> Self {
        match recurrence {
            Recurrence::Rnn => Self::Rnn(RnnConfig::new(input, hidden, true).init(device)),
            Recurrence::Lstm => Self::Lstm(LstmConfig::new(input, hidden, true).init(device)),
            Recurrence::Gru => Self::Gru(GruConfig::new(input, hidden, true).init(device)),
        }
    }

    /// `[B, T, I]` to `[B, T, H]`.
    fn forward(&self, input: Tensor<3>, state: Option<LayerState>) -> (Tensor<3>, LayerState) {
        match self {
            Self::Rnn(layer) => {
                let (output, after) = layer.forward(input, state.map(|state| RnnState::new(state.hidden)));
                (output, LayerState { hidden: after.hidden, cell: None })
            }
            Self::Lstm(layer) => {
                let state = state.and_then(|state| Some(LstmState::new(state.cell?, state.hidden)));
                let (output, after) = layer.forward(input, state);
                (output, LayerState { hidden: after.hidden, cell: Some(after.cell) })
            }
            Self::Gru(layer) => {
                let output = layer.forward(input, state.map(|state| state.hidden));
                // Burn's layer gives no state; that of a GRU is its last output.
                let last = output.dims()[1] - 1;
                let hidden = output.clone().narrow(1, last, 1).squeeze_dim(1);
                (output, LayerState { hidden, cell: None })
            }
        }
    }
}

impl BurnLm {
    /// Log-probabilities `[B * T, V]` of what follows each of `tokens` `[B, T]`.
    fn forward(&self, tokens: Tensor<2, Int>, state: Option<Vec<LayerState>>) -> (Tensor<2>, Vec<LayerState>) {
        let rows = tokens.shape().num_elements();
        let mut hidden: Tensor<3> = tokens.one_hot::<3>(SYMBOLS).float();
        let mut before = state.into_iter().flatten();
        let mut after = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (output, state) = layer.forward(hidden, before.next());
            hidden = output;
            after.push(state);
        }
        let width = hidden.dims()[2];
        (log_softmax(self.output.forward(hidden.reshape([rows, width])), 1), after)
    }
}

impl LanguageModel for BurnLm {
    type Carry = Vec<LayerState>;

    fn init(shape: &Shape, device: &Device) -> Self {
        let input = |layer| if layer == 0 { SYMBOLS } else { shape.hidden };
        Self {
            layers: (0..shape.layers).map(|layer| Layer::new(shape.cell, input(layer), shape.hidden, device)).collect(),
            output: LinearConfig::new(shape.hidden, SYMBOLS).init(device),
        }
    }

    fn loss(
        &self,
        tokens: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        carry: Option<Vec<LayerState>>,
    ) -> (Tensor<1>, Vec<LayerState>) {
        let rows = targets.shape().num_elements();
        let (log_probs, carry) = self.forward(tokens, carry);
        (log_probs.gather(1, targets.reshape([rows, 1])).mean().neg(), carry)
    }

    fn detach(carry: Vec<LayerState>) -> Vec<LayerState> {
        let detach =
            |state: LayerState| LayerState { hidden: state.hidden.detach(), cell: state.cell.map(Tensor::detach) };
        carry.into_iter().map(detach).collect()
    }

    fn write(&self, count: usize, mut sampler: Sampler, device: &Device) {
        let (mut symbol, mut state) = (0, None);
        for _ in 0..count {
            let (log_probs, after) = self.forward(Tensor::from_ints([[symbol as i32]], device), state);
            let log_probs = log_probs.into_data().convert::<f32>();
            symbol = sampler.sample(log_probs.as_slice().expect("converted to f32"));
            state = Some(after);
        }
    }
}
