//! A stack of recurrent layers.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_kernels::layout::concatenate;
use rekindle_kernels::pointwise::dropout_of_rows;
use rekindle_kernels::rows::Lines;
use rekindle_kernels::{Direction, Scan};

use crate::init::device_rng;
use crate::loss::LossParts;
use crate::regularization::Masks;
use crate::{
    Cell, Initialization, Layer, LayerConfig, LayerState, Penalties, Regularization, SequenceInput, State, StepInput,
};

/// Configuration of a [`Recurrent`] network.
#[derive(Config, Debug)]
pub struct RecurrentConfig {
    /// `I`: features per step; the vocabulary size for one-hot tokens.
    pub input_size: usize,
    /// `H`: size of the hidden state of each layer.
    pub hidden_size: usize,
    /// The cell.
    pub cell: Cell,
    /// `L`: number of layers, each of which reads the hidden states of the previous one.
    #[config(default = 1)]
    pub num_layers: usize,
    /// Whether each layer also reads the sequence in reverse, and outputs the concatenated hidden
    /// states of both directions.
    #[config(default = false)]
    pub bidirectional: bool,
    /// Dropout probability of the hidden states between layers in training; as in PyTorch, not
    /// after the last one.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Whether the layers have biases.
    #[config(default = true)]
    pub bias: bool,
    /// The initialisation of the weights.
    #[config(default = "Initialization::default()")]
    pub init: Initialization,
    /// More dropout in training.
    #[config(default = "Regularization::new()")]
    pub regularization: Regularization,
}

impl RecurrentConfig {
    /// A network with weights drawn from the generator of [`Device::seed`].
    ///
    /// # Panics
    ///
    /// As [`init_with`](Self::init_with).
    pub fn init(&self, device: &Device) -> Recurrent {
        self.init_with(&mut device_rng(device), device)
    }

    /// A network with weights drawn from a random stream, on the host, so that
    /// they are the same on every backend.
    ///
    /// # Panics
    ///
    /// If a size or the number of layers is 0, or the dropout is not in
    /// `[0, 1)`.
    pub fn init_with<R: Rng + ?Sized>(&self, rng: &mut R, device: &Device) -> Recurrent {
        assert!(self.num_layers > 0, "a network needs at least 1 layer");
        let directions = if self.bidirectional { 2 } else { 1 };
        let layers = (0..self.num_layers)
            .map(|index| {
                let input_size = match index {
                    0 => self.input_size,
                    _ => directions * self.hidden_size,
                };
                StackedLayer {
                    forward: self.layer(input_size, rng, device),
                    reverse: self.bidirectional.then(|| self.layer(input_size, rng, device)),
                }
            })
            .collect();
        let dropout = DropoutConfig::new(self.dropout).init();
        Recurrent { layers, dropout, regularization: self.regularization }
    }

    fn layer<R: Rng + ?Sized>(&self, input_size: usize, rng: &mut R, device: &Device) -> Layer {
        let config = LayerConfig::new(input_size, self.hidden_size, self.cell);
        let config = config.with_bias(self.bias).with_init(self.init.clone());
        config.with_regularization(self.regularization).init_with(rng, device).stacked()
    }
}

/// One level of a [`Recurrent`] network.
#[derive(Module, Debug)]
pub struct StackedLayer {
    /// Reads the sequence forward.
    pub forward: Layer,
    /// Reads it in reverse, in a bidirectional network.
    pub reverse: Option<Layer>,
}

impl StackedLayer {
    /// Runs a time-major sequence, with the initial states of the directions from `states`; appends
    /// their final states to `last`.
    fn sequence(
        &self,
        input: SequenceInput,
        lengths: Option<&[usize]>,
        states: &mut impl Iterator<Item = Option<LayerState>>,
        last: &mut Vec<LayerState>,
    ) -> Tensor<3> {
        let mut run = |layer: &Layer, input, direction| {
            let lengths = lengths.map(<[usize]>::to_vec);
            let (hidden, state) =
                layer.sequence(input, states.next().flatten(), &Scan { direction, lengths, ..Scan::default() });
            last.push(state);
            hidden
        };
        let Some(reverse) = &self.reverse else {
            return run(&self.forward, input, Direction::Forward);
        };
        let ahead = run(&self.forward, input.clone(), Direction::Forward);
        let back = run(reverse, input, Direction::Reverse);
        concatenate([ahead, back], 2)
    }
}

/// A stack of recurrent layers, in one or both directions, with dropout
/// between the layers.
///
/// `D` below is 2 for a bidirectional network, else 1.
#[derive(Module, Debug)]
pub struct Recurrent {
    /// The layers, from the input on.
    pub layers: Vec<StackedLayer>,
    /// Applied between the layers.
    pub dropout: Dropout,
    /// More dropout in training.
    #[module(skip)]
    pub regularization: Regularization,
}

impl Recurrent {
    /// Runs the network over **batch-first** sequences.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`, or tokens `[B, T]`
    /// - state: one entry per layer and direction; zeros if none is given
    /// - lengths: the valid steps of each row, in `1..=T`; all `T` if none are given. Past its
    ///   length a row outputs 0, keeps its state and gets no gradient.
    /// - returns the hidden states of the last layer, `[B, T, D*H]`, and the
    ///   final state of every layer
    ///
    /// # Panics
    ///
    /// If the input, the state or the lengths do not fit.
    pub fn forward(
        &self,
        input: impl Into<SequenceInput>,
        state: Option<State>,
        lengths: Option<&[usize]>,
    ) -> (Tensor<3>, State) {
        let input = input.into().swap_batch_and_time();
        let (hidden, state) = self.forward_time_major(input, state, lengths);
        (hidden.swap_dims(0, 1), state)
    }

    /// [`forward`](Self::forward) over **time-major** sequences: `[T, B, I]`,
    /// or tokens `[T, B]`, to `[T, B, D*H]`.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_time_major(
        &self,
        input: impl Into<SequenceInput>,
        state: Option<State>,
        lengths: Option<&[usize]>,
    ) -> (Tensor<3>, State) {
        let (_, hidden, state) = self.forward_with_raw(input, state, lengths);
        (hidden, state)
    }

    /// [`forward_time_major`](Self::forward_time_major), and the `penalties` on the hidden states of the last layer;
    /// none outside of training.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_penalized(
        &self,
        input: impl Into<SequenceInput>,
        state: Option<State>,
        lengths: Option<&[usize]>,
        penalties: Penalties,
    ) -> (Tensor<3>, State, LossParts) {
        let (raw, hidden, state) = self.forward_with_raw(input, state, lengths);
        let penalty = self.penalty(raw, hidden.clone(), lengths, penalties);
        (hidden, state, penalty)
    }

    /// The `penalties` on hidden states `[T, B, D*H]` of the last layer, before (`raw`) and after its dropout; none
    /// outside of training. Of row `b` the first `lengths[b]` time steps count, which may be none; all `T` if no
    /// lengths are given.
    pub fn penalty(
        &self,
        raw: Tensor<3>,
        hidden: Tensor<3>,
        lengths: Option<&[usize]>,
        penalties: Penalties,
    ) -> LossParts {
        let trains = self.dropout.training.is_enabled() && self.device().is_autodiff();
        let trains = trains && penalties.any() && raw.shape().num_elements() > 0;
        if trains { penalties.of(raw, hidden, lengths) } else { LossParts::default() }
    }

    /// [`forward_time_major`](Self::forward_time_major) with the hidden states of the last layer before and after its
    /// locked dropout, for [`penalty`](Self::penalty).
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_with_raw(
        &self,
        input: impl Into<SequenceInput>,
        state: Option<State>,
        lengths: Option<&[usize]>,
    ) -> (Tensor<3>, Tensor<3>, State) {
        let input = input.into();
        let mut states = self.layer_states(state).into_iter();
        let mut last = Vec::with_capacity(states.len());
        let masks = Masks::of(self, input.outer_dims()[1]);
        let (lowest, above) = self.layers.split_first().expect("a network has at least one layer");
        let input = masks.input(input, self.input_size()).with_distinct_rows();
        let mut hidden = lowest.sequence(input, lengths, &mut states, &mut last);
        for (below, layer) in above.iter().enumerate() {
            let rows = hidden.dims()[1];
            let hidden_below = dropout_of_rows(&self.dropout, hidden, Lines::TimeMajor { rows });
            let input = masks.hidden(below, hidden_below).into();
            hidden = layer.sequence(input, lengths, &mut states, &mut last);
        }
        (hidden.clone(), masks.output(hidden), State { layers: last })
    }

    /// Runs the network over one step: a sequence of length 1, with identical values.
    ///
    /// # Shapes
    ///
    /// - input: `[B, I]`, or tokens `[B]`
    /// - returns the hidden state of the last layer, `[B, H]`, and the state
    ///
    /// # Panics
    ///
    /// If the network is bidirectional, because its reverse direction would need the future; if the
    /// input or the state does not fit.
    pub fn step(&self, input: impl Into<StepInput>, state: State) -> (Tensor<2>, State) {
        self.assert_steps();
        let (hidden, state) = self.forward_time_major(input.into(), Some(state), None);
        (hidden.squeeze_dim(0), state)
    }

    pub(crate) fn assert_steps(&self) {
        assert!(
            !self.is_bidirectional(),
            "a bidirectional network cannot run step by step: its reverse direction starts at the \
             end of the sequence"
        );
    }

    /// The initial state of new sequences.
    pub fn zero_state(&self, batch: usize, device: &Device) -> State {
        let layers = self.directed_layers();
        State { layers: layers.map(|l| l.zero_state(batch, device)).collect() }
    }

    /// This network, with its own dropout, and the weights of `source`.
    ///
    /// # Panics
    ///
    /// When the networks differ in cell, layers, directions or sizes.
    pub fn with_weights_of(self, source: &Self) -> Self {
        let count = |network: &Self| network.directed_layers().count();
        assert!(count(&self) == count(source), "{} layers and {}", count(&self), count(source));
        let pairs = self.layers.into_iter().zip(&source.layers);
        let layers = pairs.map(|(layer, source)| StackedLayer {
            forward: layer.forward.with_weights_of(&source.forward),
            reverse: layer.reverse.zip(source.reverse.as_ref()).map(|(layer, source)| layer.with_weights_of(source)),
        });
        Self { layers: layers.collect(), ..self }
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.layers[0].forward.matrix("weight_ih").device()
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.layers[0].forward.cell()
    }

    /// `I`: features per step.
    pub fn input_size(&self) -> usize {
        self.layers[0].forward.input_size()
    }

    /// `H`: size of the hidden state of one layer in one direction.
    pub fn hidden_size(&self) -> usize {
        self.layers[0].forward.hidden_size()
    }

    /// `D*H`: width of the output of a step.
    pub fn output_size(&self) -> usize {
        let directions = if self.is_bidirectional() { 2 } else { 1 };
        directions * self.hidden_size()
    }

    /// Whether the sequence is also read in reverse.
    pub fn is_bidirectional(&self) -> bool {
        self.layers[0].reverse.is_some()
    }

    /// In the order of the state: layer 0, layer 0 reversed, layer 1, ...
    fn directed_layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().flat_map(|layer| std::iter::once(&layer.forward).chain(&layer.reverse))
    }

    pub(crate) fn layer_states(&self, state: Option<State>) -> Vec<Option<LayerState>> {
        let count = self.directed_layers().count();
        let Some(state) = state else {
            return vec![None; count];
        };
        assert!(
            state.layers.len() == count,
            "the state is of {} layers (each direction counted), but the network has {count}",
            state.layers.len()
        );
        state.layers.into_iter().map(Some).collect()
    }
}
