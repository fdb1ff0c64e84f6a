//! A network prepared to read one sequence of tokens, as in sampling.

use burn::module::Param;
use burn::tensor::Tensor;
use rekindle_kernels::step::{Cell, CellStepper, PackedLinear};

use crate::projection::{project_tokens, summed_bias};
use crate::{Layer, LayerState, Recurrent, State};

/// Tables of at most this many tokens (characters, bytes) are projected whole; of larger
/// ones a text reads too few rows to pay for that.
const PROJECTED_TOKENS: usize = 1024;

/// A [`Recurrent`] network that reads one sequence token by token and holds its state:
/// its weights are packed once, and a step makes no tensor.
///
/// Made by [`Recurrent::stepper`]. Later changes of the network's weights do not reach it.
#[derive(Debug)]
pub struct Stepper {
    tokens: Tokens,
    layers: Vec<SteppedLayer>,
}

/// How the lowest layer's input projection is found.
#[derive(Debug)]
enum Tokens {
    /// `[V, G]`: ready made.
    Projected(Vec<f32>),
    /// `[V, I]`: rows of the embedding table, to be projected.
    Embedded { table: Vec<f32>, features: usize },
}

#[derive(Debug)]
struct SteppedLayer {
    /// `W_ih x + b`; none for the lowest layer of projected tokens.
    input: Option<PackedLinear>,
    /// `[G]`: its result.
    projection: Vec<f32>,
    cell: CellStepper,
}

impl Recurrent {
    /// The network prepared to read one sequence of tokens: rows of `embedding` `[V, I]`, or
    /// one-hot. It begins with a state of zeros.
    ///
    /// `None` where there is no native code for it: for bidirectional networks, variants of
    /// the LSTM, weights that are not `f32` on a CPU backend, and weights on a training
    /// device (whose dropout is active).
    ///
    /// # Panics
    ///
    /// If the embedding is not as wide as the input of the network.
    pub fn stepper(&self, embedding: Option<Tensor<2>>) -> Option<Stepper> {
        let parts = parts(self)?;
        let large = embedding.as_ref().filter(|table| table.dims()[0] > PROJECTED_TOKENS).cloned();
        let mut tokens = large.map(|table| Tokens::Embedded { features: table.dims()[1], table: values(table) });
        let mut layers = Vec::with_capacity(parts.len());
        for Parts { cell, weight_ih, bias, weight_hh } in parts {
            let [gates, _] = weight_hh.dims();
            let cell = CellStepper::new(cell, weight_hh)?;
            let input = if tokens.is_none() {
                tokens = Some(Tokens::Projected(values(project_tokens(embedding.clone(), weight_ih, bias))));
                None
            } else {
                Some(PackedLinear::new(weight_ih, bias)?)
            };
            layers.push(SteppedLayer { input, projection: vec![0.0; gates], cell });
        }
        Some(Stepper { tokens: tokens?, layers })
    }
}

impl Stepper {
    /// Reads a token; returns the hidden state of the last layer, `[H]`.
    ///
    /// # Panics
    ///
    /// If the token is not below `V`.
    pub fn step(&mut self, token: usize) -> &[f32] {
        let (lowest, above) = self.layers.split_first_mut().expect("a network has at least one layer");
        let row = match &self.tokens {
            Tokens::Projected(table) => row(table, lowest.projection.len(), token),
            Tokens::Embedded { table, features } => row(table, *features, token),
        };
        let mut hidden = lowest.step(row);
        for layer in above {
            hidden = layer.step(hidden);
        }
        hidden
    }

    /// Continues from the state of a batch of one row.
    ///
    /// # Panics
    ///
    /// If the state is not of one row and of the layers of this network.
    pub fn set_state(&mut self, state: &State) {
        assert!(
            state.layers.len() == self.layers.len() && state.batch_size() == 1,
            "the state is of {} layers and {} rows, but the network has {} layers and reads one row",
            state.layers.len(),
            state.batch_size(),
            self.layers.len()
        );
        for (layer, LayerState { hidden, cell }) in self.layers.iter_mut().zip(&state.layers) {
            let (hidden, cell) = (values(hidden.clone()), cell.clone().map(values));
            layer.cell.set_state(&hidden, cell.as_deref());
        }
    }
}

impl SteppedLayer {
    /// Reads the state of the layer below, or the token's row.
    fn step(&mut self, x: &[f32]) -> &[f32] {
        match &self.input {
            Some(input) => {
                input.apply(x, &mut self.projection);
                self.cell.step(&self.projection)
            }
            None => self.cell.step(x),
        }
    }
}

/// The weights of a layer that has native code.
pub(crate) struct Parts {
    pub cell: Cell,
    pub weight_ih: Tensor<2>,
    /// All that is added to `W_ih x` outside of any gate.
    pub bias: Option<Tensor<1>>,
    pub weight_hh: Tensor<2>,
}

/// The weights of all layers, if there is native code for the network.
pub(crate) fn parts(network: &Recurrent) -> Option<Vec<Parts>> {
    if network.is_bidirectional() {
        return None;
    }
    let parts = network.layers.iter().map(|layer| layer_parts(&layer.forward)).collect::<Option<Vec<_>>>()?;
    let trains = parts.first().is_some_and(|parts| parts.weight_hh.device().is_autodiff());
    (!trains).then_some(parts)
}

fn layer_parts(layer: &Layer) -> Option<Parts> {
    match layer {
        Layer::Vanilla(layer) => Some(Parts {
            cell: Cell::Rnn(layer.nonlinearity.into()),
            weight_ih: layer.weight_ih.val(),
            bias: summed_bias(&layer.bias_ih, &layer.bias_hh),
            weight_hh: layer.weight_hh.val(),
        }),
        Layer::Lstm(layer) => Some(Parts {
            cell: Cell::Lstm,
            weight_ih: layer.weight_ih.val(),
            bias: summed_bias(&layer.bias_ih, &layer.bias_hh),
            weight_hh: layer.weight_hh.val(),
        }),
        Layer::Gru(layer) => Some(Parts {
            cell: Cell::Gru { bias_hh: layer.bias_hh.as_ref().map(Param::val) },
            weight_ih: layer.weight_ih.val(),
            bias: layer.bias_ih.as_ref().map(Param::val),
            weight_hh: layer.weight_hh.val(),
        }),
        Layer::Peephole(_) | Layer::Coupled(_) | Layer::ReluCandidate(_) | Layer::LayerNorm(_) => None,
    }
}

pub(crate) fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().expect("converted to f32")
}

fn row(table: &[f32], width: usize, token: usize) -> &[f32] {
    let count = table.len() / width;
    assert!(token < count, "token {token} must be in 0..V = 0..{count}");
    &table[token * width..][..width]
}
