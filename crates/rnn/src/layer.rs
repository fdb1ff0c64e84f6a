//! A single layer of any cell.

use std::fmt;

use burn::config::Config;
use burn::module::{Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_kernels::Scan;

use crate::init::device_rng;
use crate::weights::{Sizes, Values, Weight};
use crate::{Cell, Initialization, LayerState, Regularization, SequenceInput, StepInput};

/// Configuration of a [`Layer`].
#[derive(Config, Debug)]
pub struct LayerConfig {
    /// `I`: features per step.
    pub input_size: usize,
    /// `H`: size of the hidden state.
    pub hidden_size: usize,
    /// The cell.
    pub cell: Cell,
    /// Whether the layer has biases.
    #[config(default = true)]
    pub bias: bool,
    /// The initialisation of the weights.
    #[config(default = "Initialization::default()")]
    pub init: Initialization,
    /// Dropout probabilities in training; a layer has that of its recurrent weights, and zoneout.
    #[config(default = "Regularization::new()")]
    pub regularization: Regularization,
}

impl LayerConfig {
    /// A layer with weights drawn from the generator of [`Device::seed`].
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> Layer {
        self.init_with(&mut device_rng(device), device)
    }

    /// A layer with weights drawn from a random stream, the same on every
    /// backend.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init_with<R: Rng + ?Sized>(&self, rng: &mut R, device: &Device) -> Layer {
        assert!(self.input_size > 0, "the input size must be at least 1");
        assert!(self.hidden_size > 0, "the hidden size must be at least 1");
        let sizes = Sizes { input: self.input_size, hidden: self.hidden_size, gates: self.cell.gates() };
        let weights = self.cell.definition().weights(self.bias).map(|shape| {
            let draw = || self.init.draw(shape, sizes, self.cell.definition().forget_gate, rng);
            (shape.name, Weight::new(shape, sizes, draw, device))
        });
        let Regularization { weight_drop, zoneout, zoneout_cell, .. } = self.regularization;
        Layer {
            cell: self.cell,
            weights: weights.collect(),
            stacked: false,
            weight_drop,
            zoneout: [zoneout, zoneout_cell],
        }
    }
}

/// One recurrent layer in one direction: a cell and its weights, with PyTorch's layout and names.
///
/// Every cell has `weight_ih` `[G, I]` and, unless biases are disabled, `bias_ih` `[G]`; those with a [recurrent
/// product](Cell::has_recurrent_product) also have `weight_hh` `[G, H]` and `bias_hh` `[G]`. Gate rows are in the
/// order of the cell's equations; [`Cell::weight_names`] lists the weights of each.
#[derive(Clone, Debug)]
pub struct Layer {
    cell: Cell,
    weights: Vec<(&'static str, Weight)>,
    /// Whether the paths of parameters in a record include the name of the cell, as in a
    /// [`Recurrent`](crate::Recurrent) network: `layers.0.forward.Lstm.weight_ih`.
    stacked: bool,
    /// Dropout probability of the recurrent weights in training.
    pub(crate) weight_drop: f64,
    /// Zoneout of the hidden state and of the cell state.
    pub(crate) zoneout: [f64; 2],
}

impl Layer {
    /// This layer, with its own dropout, and the weights of `source`.
    ///
    /// # Panics
    ///
    /// When the layers differ in cell or sizes.
    pub(crate) fn with_weights_of(self, source: &Self) -> Self {
        let sizes = |layer: &Self| (layer.cell, layer.input_size(), layer.hidden_size());
        assert!(sizes(&self) == sizes(source), "{:?} and {:?}", sizes(&self), sizes(source));
        Self { weights: source.weights.clone(), ..self }
    }

    /// The layer as part of a stack, with the name of the cell in the paths of its parameters.
    pub(crate) fn stacked(self) -> Self {
        Self { stacked: true, ..self }
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// The weights by name, in the order in which they are stored.
    pub fn weights(&self) -> impl Iterator<Item = (&'static str, &Weight)> {
        self.weights.iter().map(|(name, weight)| (*name, weight))
    }

    /// The weights by name, mutable.
    pub fn weights_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Weight)> {
        self.weights.iter_mut().map(|(name, weight)| (*name, weight))
    }

    /// The value of a matrix.
    ///
    /// # Panics
    ///
    /// If the cell has no matrix of this name.
    pub fn matrix(&self, name: &str) -> Tensor<2> {
        match self.weight(name) {
            Some(Weight::Matrix(matrix)) => matrix.val(),
            _ => panic!("{} has no matrix {name}", self.cell),
        }
    }

    /// A matrix, mutable.
    ///
    /// # Panics
    ///
    /// If the cell has no matrix of this name.
    pub fn matrix_mut(&mut self, name: &str) -> &mut Param<Tensor<2>> {
        let cell = self.cell;
        match self.weights_mut().find(|(other, _)| *other == name) {
            Some((_, Weight::Matrix(matrix))) => matrix,
            _ => panic!("{cell} has no matrix {name}"),
        }
    }

    /// The value of a vector, if the layer has one of this name.
    pub fn vector(&self, name: &str) -> Option<Tensor<1>> {
        match self.weight(name)? {
            Weight::Vector(vector) => Some(vector.val()),
            Weight::Matrix(_) => None,
        }
    }

    fn weight(&self, name: &str) -> Option<&Weight> {
        self.weights().find(|(other, _)| *other == name).map(|(_, weight)| weight)
    }

    /// All weights as tensors.
    pub(crate) fn values(&self) -> Values<'_> {
        Values { layer: self, weight_hh: None }
    }

    /// `[G, I]`.
    fn input_weight(&self) -> &Param<Tensor<2>> {
        match &self.weights[0] {
            (_, Weight::Matrix(weight_ih)) => weight_ih,
            (name, Weight::Vector(_)) => unreachable!("{name} stands before weight_ih"),
        }
    }

    /// `I`: features per step.
    pub fn input_size(&self) -> usize {
        self.input_weight().lazy_shape()[1]
    }

    /// `H`: size of the hidden state.
    pub fn hidden_size(&self) -> usize {
        self.input_weight().lazy_shape()[0] / self.cell.gates()
    }

    /// The probability that a unit keeps its hidden state in training, and that it keeps its cell state.
    pub fn zoneout(&self) -> [f64; 2] {
        self.zoneout
    }

    /// The initial state of a new sequence.
    pub fn zero_state(&self, batch: usize, device: &Device) -> LayerState {
        let shape = [batch, self.hidden_size()];
        LayerState::zeros(self.cell.has_cell_state(), shape, &self.input_weight().val(), device)
    }

    /// Runs the layer over a **time-major** sequence.
    ///
    /// # Shapes
    ///
    /// - input: `[T, B, I]`, or tokens `[T, B]`
    /// - state: `[B, H]`; zeros if none is given
    /// - returns the hidden states `[T, B, H]` and the final state; for `T` or `B` of 0, none and the given state
    ///
    /// # Panics
    ///
    /// If the input, the state or the lengths do not fit the layer.
    pub fn sequence(&self, input: SequenceInput, state: Option<LayerState>, scan: &Scan) -> (Tensor<3>, LayerState) {
        self.sequence_with(input, state, &self.dropped_values(), scan)
    }

    /// The same with these weights.
    pub(crate) fn sequence_with(
        &self,
        input: SequenceInput,
        state: Option<LayerState>,
        weights: &Values<'_>,
        scan: &Scan,
    ) -> (Tensor<3>, LayerState) {
        let (features, wanted) = (input.features(), self.input_size());
        assert!(
            features.is_none_or(|features| features == wanted),
            "the input has {} features a step, but the layer takes {wanted}",
            features.unwrap_or_default()
        );
        let cell = self.cell.definition();
        let [time, batch] = input.outer_dims();
        let state = state.unwrap_or_else(|| self.zero_state(batch, &self.input_weight().device()));
        if time == 0 || batch == 0 {
            let options = (&state.hidden.device(), state.hidden.dtype());
            return (Tensor::zeros([time, batch, self.hidden_size()], options), state);
        }
        let input = (cell.project)(input, weights);
        if self.is_zoned() {
            return self.zoned_sequence(input, state, weights, scan);
        }
        (cell.sequence)(input, state, weights, scan)
    }

    /// Runs the layer over one step: a sequence of length 1, with identical values.
    ///
    /// # Shapes
    ///
    /// - input: `[B, I]`, or tokens `[B]`
    /// - returns the hidden state `[B, H]` and the state
    ///
    /// # Panics
    ///
    /// If the input or the state does not fit the layer.
    pub fn step(&self, input: StepInput, state: LayerState) -> (Tensor<2>, LayerState) {
        let (hidden, state) = self.sequence(input.into(), Some(state), &Scan::default());
        (hidden.squeeze_dim(0), state)
    }

    fn map_weights(mut self, mut function: impl FnMut(&'static str, Weight) -> Weight) -> Self {
        let weights = std::mem::take(&mut self.weights).into_iter();
        self.weights = weights.map(|(name, weight)| (name, function(name, weight))).collect();
        self
    }
}

/// The kind of container that holds the weights, in the paths of parameters.
const CONTAINER: &str = "Struct:Layer";
/// The kind of container that holds the cell's name, in the paths of a network's parameters.
const STACKED: &str = "Enum:Layer";

/// Written by hand, because the weights have their own names.
impl Module for Layer {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        let record = self.cell.definition().record;
        if self.stacked {
            visitor.enter_module(record, STACKED);
        }
        for (name, weight) in &self.weights {
            visitor.enter_module(name, CONTAINER);
            match weight {
                Weight::Matrix(matrix) => matrix.visit(visitor),
                Weight::Vector(vector) => vector.visit(visitor),
            }
            visitor.exit_module(name, CONTAINER);
        }
        if self.stacked {
            visitor.exit_module(record, STACKED);
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let (record, stacked) = (self.cell.definition().record, self.stacked);
        if stacked {
            mapper.enter_module(record, STACKED);
        }
        let layer = self.map_weights(|name, weight| {
            mapper.enter_module(name, CONTAINER);
            let weight = match weight {
                Weight::Matrix(matrix) => Weight::Matrix(Module::map(matrix, mapper)),
                Weight::Vector(vector) => Weight::Vector(Module::map(vector, mapper)),
            };
            mapper.exit_module(name, CONTAINER);
            weight
        });
        if stacked {
            mapper.exit_module(record, STACKED);
        }
        layer
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        self.weights().fold(devices, |devices, (_, weight)| weight.collect_devices(devices))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_weights(|_, weight| weight.to_device(device))
    }

    fn fork(self, device: &Device) -> Self {
        self.map_weights(|_, weight| weight.fork(device))
    }

    fn train(self) -> Self {
        self.map_weights(|_, weight| weight.train())
    }

    fn valid(&self) -> Self {
        Self { weights: self.weights().map(|(name, weight)| (name, weight.valid())).collect(), ..*self }
    }

    fn materialize(self) -> Self {
        self.map_weights(|_, weight| weight.materialize())
    }
}

impl ModuleDisplayDefault for Layer {
    fn content(&self, content: Content) -> Option<Content> {
        let content = content.set_top_level_type(self.cell.name());
        let add = |content: Content, (name, weight): (&str, &Weight)| match weight {
            Weight::Matrix(matrix) => content.add(name, matrix),
            Weight::Vector(vector) => content.add(name, vector),
        };
        self.weights().fold(content, add).optional()
    }

    fn num_params(&self) -> usize {
        Module::num_params(self)
    }
}

impl ModuleDisplay for Layer {}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format(Default::default()))
    }
}
