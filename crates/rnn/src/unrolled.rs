//! A network inside a loop over time steps.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rekindle_kernels::pointwise::dropout_of_rows;
use rekindle_kernels::rows::Lines;
use rekindle_kernels::unrolled::{LayerWeight, Repeated, unbind};
use rekindle_kernels::{Input, Scan};

use crate::regularization::Masks;
use crate::weights::Values;
use crate::{Layer, LayerState, Recurrent, State, StepInput};

/// A [`Recurrent`] network that runs step by step in one loop, where part of each step's input
/// depends on the previous state, as in a decoder with attention.
///
/// The results are those of [`Recurrent::step`], up to the order of sums, and bit-identical without
/// gradients. It does less work: an LSTM or a vanilla layer multiplies the part of the input that
/// is known before the loop at once, and the gradients of its weights are one product per loop,
/// instead of a product and a sum of matrices per step.
///
/// Created by [`Recurrent::unrolled`]. Create a new one for each loop: it holds the present weights.
pub struct Unrolled<'n> {
    network: &'n Recurrent,
    layers: Vec<LoopLayer<'n>>,
    /// Drawn once for all steps.
    masks: Masks,
    /// Features that are known before the loop.
    known: usize,
}

/// The part of a step's input that is known before the loop.
#[derive(Clone, Debug)]
pub struct KnownInput(Tensor<2>);

impl Recurrent {
    /// Prepares the network for one loop over the steps of `known` `[T, B, K]`, the first `K` of
    /// the `I` features of a step. Returns it with the known input of each step.
    ///
    /// # Panics
    ///
    /// If the network is bidirectional, because its reverse direction would need the future; if `K`
    /// is more than `I`.
    pub fn unrolled(&self, known: Tensor<3>) -> (Unrolled<'_>, Vec<KnownInput>) {
        self.assert_steps();
        let [time, batch, width] = known.dims();
        let features = self.input_size();
        assert!(width <= features, "{width} features are known, but the network takes {features}");
        // Without a backward pass or a step, this saves no work.
        let trains = time * batch > 0 && self.devices().iter().any(Device::is_autodiff);
        let masks = Masks::of(self, batch);
        let known = masks.known(known);
        let layers = self.layers.iter().enumerate().map(|(index, level)| {
            let layer = &level.forward;
            let known = if index == 0 { width } else { 0 };
            let values = layer.dropped_values();
            let split = trains && layer.cell().definition().adds_products;
            let weights = if split { OfLoop::Split(LoopWeights::new(values, known)) } else { OfLoop::Whole(values) };
            LoopLayer { layer, weights }
        });
        let network = Unrolled { layers: layers.collect(), network: self, masks, known: width };
        let known = network.layers[0].know(known).into_iter().map(KnownInput).collect();
        (network, known)
    }
}

impl Unrolled<'_> {
    /// Runs the next step.
    ///
    /// # Shapes
    ///
    /// - rest: `[B, I - K]`, the features after the known ones; none if all are known
    /// - returns the hidden state of the last layer, `[B, H]`, and the state
    ///
    /// # Panics
    ///
    /// If the input or the state does not fit.
    pub fn step(&self, known: KnownInput, rest: Option<Tensor<2>>, state: State) -> (Tensor<2>, State) {
        let mut known = Some(known.0);
        let mut rest = rest.map(|rest| self.masks.columns(rest, self.known));
        let mut after = Vec::with_capacity(self.layers.len());
        for (layer, state) in self.layers.iter().zip(self.network.layer_states(Some(state))) {
            let state = layer.step(known.take(), rest, state.expect("a state was given"));
            let hidden = state.hidden.clone();
            after.push(state);
            if after.len() == self.layers.len() {
                return (self.masks.output(hidden.unsqueeze_dim(0)).squeeze_dim(0), State { layers: after });
            }
            let rows = hidden.dims()[0];
            let hidden = dropout_of_rows(&self.network.dropout, hidden, Lines::TimeMajor { rows }).unsqueeze_dim(0);
            rest = Some(self.masks.hidden(after.len() - 1, hidden).squeeze_dim(0));
        }
        unreachable!("a network has at least one layer")
    }
}

/// A layer in a loop.
struct LoopLayer<'n> {
    layer: &'n Layer,
    weights: OfLoop<'n>,
}

/// The weights of a layer in a loop.
#[allow(clippy::large_enum_variant, reason = "there is one for each layer")]
enum OfLoop<'n> {
    /// Split for products that are computed at once.
    Split(LoopWeights<'n>),
    /// As they are: the layer simply runs its own steps.
    Whole(Values<'n>),
}

impl LoopLayer<'_> {
    /// The first argument of [`step`](Self::step) for each step of `known` `[T, B, K]`.
    fn know(&self, known: Tensor<3>) -> Vec<Tensor<2>> {
        match &self.weights {
            OfLoop::Split(weights) => weights.know(known),
            OfLoop::Whole(_) => unbind(known),
        }
    }

    /// The state after reading the known input and the `rest` `[B, I - K]`, at least one of them.
    fn step(&self, known: Option<Tensor<2>>, rest: Option<Tensor<2>>, state: LayerState) -> LayerState {
        let weights = match &self.weights {
            OfLoop::Split(weights) => weights,
            OfLoop::Whole(values) => {
                let input = StepInput::Dense(Tensor::cat(known.into_iter().chain(rest).collect(), 1));
                return self.layer.sequence_with(input.into(), Some(state), values, &Scan::default()).1;
            }
        };
        let input = weights.input(known, rest, &state.hidden);
        let cell = self.layer.cell().definition();
        if !self.layer.is_zoned() {
            return (cell.sequence)(input, state, &weights.values, &weights.scan).1;
        }
        let (_, after) = (cell.sequence)(input, state.clone(), &weights.values, &weights.scan);
        self.layer.zoned_state(state, after)
    }
}

/// The weights of a layer whose gates add the products with the input and with the previous hidden
/// state.
struct LoopWeights<'n> {
    /// `[K, G]`, if `K` is not 0.
    known: Option<Repeated<2>>,
    /// `[I - K, G]`, if `K` is not `I`.
    rest: Option<Repeated<2>>,
    /// `[H, G]`
    hidden: Repeated<2>,
    /// `[1, G]`
    bias: Option<Tensor<2>>,
    /// The weights for an operation that adds the product with `hidden`: `weight_hh` without its history.
    values: Values<'n>,
    scan: Scan,
}

impl<'n> LoopWeights<'n> {
    /// Splits the weights for `known` features that are known before the loop.
    fn new(mut values: Values<'n>, known: usize) -> Self {
        let weight_ih = values.matrix("weight_ih");
        let features = weight_ih.dims()[1];
        let weight_ih = LayerWeight::new(weight_ih);
        let columns = |from: usize, to: usize| (from < to).then(|| weight_ih.columns(from..to));
        let bias = (values.layer.cell().definition().input_bias)(&values).map(Tensor::unsqueeze);
        let hidden = LayerWeight::new(values.matrix("weight_hh")).whole();
        values.weight_hh = Some(hidden.matrix().transpose());
        Self { known: columns(0, known), rest: columns(known, features), hidden, bias, values, scan: Scan::of_loop() }
    }

    /// `W x + bias` for the known input of each step, `[T, B, K]` to `T` times `[B, G]`.
    fn know(&self, known: Tensor<3>) -> Vec<Tensor<2>> {
        let weight = self.known.as_ref().expect("features are known");
        let [time, batch, width] = known.dims();
        let rows = self.add_bias(weight.product(known.reshape([time * batch, width])));
        let [_, gates] = rows.dims();
        unbind(rows.reshape([time, batch, gates]))
    }

    /// A step's input, for an operation that adds `hidden` `[B, H]` times the recurrent matrix.
    fn input(&self, known: Option<Tensor<2>>, rest: Option<Tensor<2>>, hidden: &Tensor<2>) -> Input {
        let weight = || self.rest.as_ref().expect("the layer takes no features but those that are known");
        let projected = match (known, rest) {
            (Some(known), Some(rest)) => weight().add_product(known, rest),
            (Some(known), None) => known,
            (None, rest) => self.add_bias(weight().product(rest.expect("an input"))),
        };
        let projected = self.hidden.credit(hidden.clone(), projected);
        Input::Projected(projected.unsqueeze_dim(0))
    }

    fn add_bias(&self, rows: Tensor<2>) -> Tensor<2> {
        match &self.bias {
            Some(bias) => rows + bias.clone(),
            None => rows,
        }
    }
}
