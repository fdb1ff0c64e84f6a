//! A network prepared for single steps: on the tokens of one sequence for sampling, or on the rows
//! of several for search. [`reader`]: for whole sequences, one at a time.

mod reader;

pub use reader::Reader;

use burn::tensor::Tensor;
use rekindle_kernels::step::{CellStepper, PackedLinear, Rows, can_pack};

use crate::projection::project_tokens;
use crate::weights::Values;
use crate::{LayerState, Recurrent, State};

/// Largest vocabulary (characters, bytes) that is projected as a whole; of a larger one a text
/// reads too few rows for that to pay.
const PROJECTED_TOKENS: usize = 1024;

/// A [`Recurrent`] network prepared for single steps: its weights are packed once, and a step
/// creates no tensors.
///
/// Created by [`Recurrent::stepper`] and [`Recurrent::rows_stepper`]. Later changes of the network's weights do not
/// affect it. Several threads may use it at once, each with its own states.
#[derive(Debug)]
pub struct Stepper {
    tokens: Tokens,
    layers: Vec<SteppedLayer>,
}

/// The input of the lowest layer.
#[derive(Debug)]
enum Tokens {
    /// `[V, G]`: the input projection of each token.
    Projected(Vec<f32>),
    /// `[V, I]`: the embeddings of tokens, projected at each step.
    Embedded { table: Vec<f32>, features: usize },
    /// None: the input is rows.
    None,
}

#[derive(Debug)]
struct SteppedLayer {
    /// `W_ih x + b`; none for the lowest layer with projected tokens.
    input: Option<PackedLinear>,
    cell: CellStepper,
    gates: usize,
}

/// The state of the `N` sequences of a [`Stepper`], by layer.
#[derive(Clone, Debug)]
pub struct StepState {
    layers: Vec<StepLayer>,
    rows: usize,
}

#[derive(Clone, Debug)]
struct StepLayer {
    /// `[N, G]`: the input projections of a step, later its gates.
    gates: Vec<f32>,
    /// `[N, H]`
    hidden: Vec<f32>,
    /// `[N, H]`: the cell state, if there is one; else a work buffer, or empty.
    cell: Vec<f32>,
}

impl Recurrent {
    /// Prepares the network for one sequence of tokens: rows of `embedding` `[V, I]`, or one-hot.
    ///
    /// `None` if there is no native code for it: for bidirectional networks, variants of the LSTM,
    /// weights that native code does not support, and weights on a training device (whose dropout
    /// is active).
    ///
    /// # Panics
    ///
    /// If the embedding's width is not the input size of the network.
    pub fn stepper(&self, embedding: Option<Tensor<2>>) -> Option<Stepper> {
        self.prepared(Rows::One, |weights, bias| match embedding {
            Some(table) if table.dims()[0] > PROJECTED_TOKENS => {
                Tokens::Embedded { features: table.dims()[1], table: values(table) }
            }
            table => Tokens::Projected(values(project_tokens(table, weights.matrix("weight_ih"), bias))),
        })
    }

    /// Prepares the network for several sequences of rows side by side; `None` in the same cases as
    /// [`stepper`](Self::stepper).
    pub fn rows_stepper(&self) -> Option<Stepper> {
        self.prepared(Rows::Several, |_, _| Tokens::None)
    }

    /// `tokens` builds the input of the lowest layer from the layer's weights and the bias of its projection.
    fn prepared(&self, rows: Rows, tokens: impl FnOnce(&Values, Option<Tensor<1>>) -> Tokens) -> Option<Stepper> {
        if self.is_bidirectional() || !self.has_steps() {
            return None;
        }
        let weights: Vec<_> = self.layers.iter().map(|level| level.forward.values()).collect();
        let tokens = tokens(&weights[0], (self.cell().definition().input_bias)(&weights[0]));
        let layers = weights.iter().enumerate().map(|(index, weights)| {
            let input = match (index, &tokens) {
                (0, Tokens::Projected(_)) => None,
                _ => Some(rows),
            };
            SteppedLayer::new(weights, input, rows)
        });
        let layers = layers.collect::<Option<_>>()?;
        Some(Stepper { tokens, layers })
    }

    /// Whether native code has steps for the network: not for variants of the LSTM, zoneout, weights that native code
    /// does not support, and weights on a training device.
    fn has_steps(&self) -> bool {
        let lowest = self.layers[0].forward.matrix("weight_ih");
        let zoned = self.layers[0].forward.is_zoned();
        !zoned && self.cell().definition().step.is_some() && !lowest.device().is_autodiff() && can_pack(&lowest)
    }
}

impl SteppedLayer {
    /// Packs the weights for so many rows a step; without its input projection if `input` is none. `None` if native
    /// code does not support them.
    fn new(weights: &Values, input: Option<Rows>, rows: Rows) -> Option<Self> {
        let definition = weights.layer.cell().definition();
        let weight_hh = definition.has_product.then(|| weights.matrix("weight_hh"));
        let cell = CellStepper::new(
            definition.step?,
            weights.layer.hidden_size(),
            weight_hh,
            weights.vector("bias_hh"),
            rows,
        )?;
        let weight_ih = weights.matrix("weight_ih");
        let [gates, _] = weight_ih.dims();
        let input = match input {
            Some(rows) => Some(PackedLinear::new(weight_ih, (definition.input_bias)(weights), rows)?),
            None => None,
        };
        Some(Self { input, cell, gates })
    }
}

impl Stepper {
    /// Reads a token of the state's single sequence; returns the hidden state of the last layer,
    /// `[H]`.
    ///
    /// # Panics
    ///
    /// If the token is not below `V`, or the stepper is for rows.
    pub fn step<'s>(&self, token: usize, state: &'s mut StepState) -> &'s [f32] {
        let (table, width) = match &self.tokens {
            Tokens::Projected(table) => (table, self.layers[0].gates),
            Tokens::Embedded { table, features } => (table, *features),
            Tokens::None => panic!("a stepper of rows was given a token"),
        };
        let count = table.len() / width;
        assert!(token < count, "token {token} must be in 0..V = 0..{count}");
        self.run(&table[token * width..][..width], state)
    }

    /// Reads a row of each sequence, `[N, I]`; returns the hidden states of the last layer, `[N, H]`.
    ///
    /// # Panics
    ///
    /// If the numbers of rows in the input and in the state differ, or the stepper is for tokens.
    pub fn step_rows<'s>(&self, x: &[f32], state: &'s mut StepState) -> &'s [f32] {
        assert!(matches!(self.tokens, Tokens::None), "a stepper of tokens was given rows");
        self.run(x, state)
    }

    fn run<'s>(&self, x: &[f32], state: &'s mut StepState) -> &'s [f32] {
        assert_eq!(self.layers.len(), state.layers.len(), "layers of the network and of the state");
        let mut below = x;
        for (layer, state) in self.layers.iter().zip(&mut state.layers) {
            match &layer.input {
                Some(input) => input.apply(below, &mut state.gates),
                None => state.gates.copy_from_slice(below),
            }
            layer.cell.step(&mut state.gates, &mut state.hidden, &mut state.cell);
            below = &state.hidden;
        }
        state.layers.last().map_or(&[], |layer| &layer.hidden)
    }

    /// Converts the state of a batch, to continue from it.
    ///
    /// # Panics
    ///
    /// If the state does not have the layers of this network.
    pub fn state(&self, state: &State) -> StepState {
        let (found, wanted, rows) = (state.layers.len(), self.layers.len(), state.batch_size());
        assert!(found == wanted, "the state is of {found} layers, but the network has {wanted}");
        let layers = self.layers.iter().zip(&state.layers).map(|(layer, LayerState { hidden, cell })| StepLayer {
            gates: vec![0.0; rows * layer.gates],
            hidden: values(hidden.clone()),
            cell: cell.clone().map_or_else(|| vec![0.0; rows * layer.cell.memory()], values),
        });
        StepState { layers: layers.collect(), rows }
    }
}

impl StepState {
    /// The hidden state of a layer, `[N, H]`, and its cell state, `[N, H]`, which is a work buffer or empty for cells
    /// without one. None without such a layer.
    pub fn layer(&self, layer: usize) -> Option<(&[f32], &[f32])> {
        self.layers.get(layer).map(|layer| (&layer.hidden[..], &layer.cell[..]))
    }

    /// Selects these rows, in this order and with repetitions.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let select = |numbers: &[f32]| -> Vec<f32> {
            let width = numbers.len() / self.rows.max(1);
            rows.iter().flat_map(|&row| &numbers[row * width..][..width]).copied().collect()
        };
        let layers = self.layers.iter().map(|layer| StepLayer {
            gates: vec![0.0; layer.gates.len() / self.rows.max(1) * rows.len()],
            hidden: select(&layer.hidden),
            cell: select(&layer.cell),
        });
        Self { layers: layers.collect(), rows: rows.len() }
    }
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().expect("converted to f32")
}

#[cfg(all(test, feature = "flex"))]
mod tests;
