//! Regularisation of recurrent layers in training.
//!
//! ```text
//! locked dropout    x_t m / (1 - p)                 one mask m [B, I] for all time steps of a row
//! weight drop       W_hh M / (1 - p)                one mask M [G, H] for all time steps and rows
//! zoneout           h_t = z h_{t-1} + (1 - z) h'_t  z_i is 1 with the probability p, and p itself in evaluations
//! AR                α mean h_t²                     of the last layer, as it is passed on
//! TAR               β mean (h_t - h_{t-1})²         of the last layer, before its dropout
//! ```
//!
//! Locked (variational) dropout: Gal and Ghahramani 2016 (arXiv 1512.05287). Weight drop, AR and TAR (activation and
//! temporal activation regularisation): Merity et al. 2017 (arXiv 1708.02182, 1708.01009). Zoneout: Krueger et al. 2017
//! (arXiv 1606.01305); `h'_t` is what the cell computes, and the cell state has a probability of its own.
//!
//! Masks come from the device's generator, so that a seeded run repeats them. A mask of weights or of rows leaves the
//! native operations as they are; zoneout runs them step by step, which is slower.

use burn::config::Config;
use burn::nn::DropoutConfig;
use burn::tensor::{Device, Tensor, TensorData};
use rekindle_kernels::pointwise::{dropout, dropout_of_rows};
use rekindle_kernels::rows::Lines;
use rekindle_kernels::{Input, Scan};

use crate::loss::LossParts;
use crate::weights::Values;
use crate::{Layer, LayerState, Recurrent, SequenceInput};

/// Probabilities of dropping something in training.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct Regularization {
    /// Locked dropout of the input.
    #[config(default = 0.0)]
    pub locked_input: f64,
    /// Locked dropout of the hidden states between layers.
    #[config(default = 0.0)]
    pub locked_hidden: f64,
    /// Locked dropout of the hidden states of the last layer, as the network returns them.
    #[config(default = 0.0)]
    pub locked_output: f64,
    /// Dropout of the recurrent weights.
    #[config(default = 0.0)]
    pub weight_drop: f64,
    /// Zoneout of the hidden state.
    #[config(default = 0.0)]
    pub zoneout: f64,
    /// Zoneout of the cell state.
    #[config(default = 0.0)]
    pub zoneout_cell: f64,
}

/// Penalties on the hidden states of the last layer, which are added to a training loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalties {
    /// `α` of AR.
    pub activation: f64,
    /// `β` of TAR.
    pub slowness: f64,
}

/// The same of rows `[.., B, W]` of a batch.
fn dropped_rows<const D: usize>(p: f64, tensor: Tensor<D>) -> Tensor<D> {
    let rows = tensor.dims()[D - 2];
    if p > 0.0 { dropout_of_rows(&DropoutConfig::new(p).init(), tensor, Lines::TimeMajor { rows }) } else { tensor }
}

/// A tensor with each element 0 with the probability `p`, or else divided by that of being kept.
fn dropped<const D: usize>(p: f64, tensor: Tensor<D>) -> Tensor<D> {
    if p > 0.0 { dropout(&DropoutConfig::new(p).init(), tensor) } else { tensor }
}

/// A locked mask for rows of a width.
fn mask(p: f64, rows: usize, width: usize, device: &Device, like: burn::tensor::DType) -> Option<Tensor<3>> {
    (p > 0.0).then(|| dropped_rows(p, Tensor::ones([1, rows, width], (device, like))))
}

/// The locked masks of one sequence or loop; none outside of training.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    /// `[1, B, I]`
    input: Option<Tensor<3>>,
    /// `[1, B, D*H]`, one for each layer but the last.
    hidden: Vec<Option<Tensor<3>>>,
    /// `[1, B, D*H]`
    output: Option<Tensor<3>>,
}

impl Masks {
    /// The masks of `network` for a batch.
    pub fn of(network: &Recurrent, batch: usize) -> Self {
        let weight = network.layers[0].forward.matrix("weight_ih");
        let (device, dtype) = (weight.device(), weight.dtype());
        if !(network.dropout.training.is_enabled() && device.is_autodiff()) {
            return Self::default();
        }
        let Regularization { locked_input, locked_hidden, locked_output, .. } = network.regularization;
        let mask = |p, width| mask(p, batch, width, &device, dtype);
        let above = network.layers.len() - 1;
        Self {
            input: mask(locked_input, network.input_size()),
            hidden: (0..above).map(|_| mask(locked_hidden, network.output_size())).collect(),
            output: mask(locked_output, network.output_size()),
        }
    }

    /// A time-major input, masked.
    pub fn input(&self, input: SequenceInput, features: usize) -> SequenceInput {
        let Some(mask) = &self.input else { return input };
        let [time, batch] = input.outer_dims();
        let rows = match input {
            SequenceInput::Dense(rows) => rows,
            SequenceInput::Embedded { table, tokens } => {
                table.select(0, tokens.reshape([time * batch])).reshape([time, batch, features])
            }
            SequenceInput::OneHot { tokens } => {
                let ones: Tensor<3> = tokens.unsqueeze_dim::<3>(2).equal(positions(features, &mask.device())).float();
                ones.cast(mask.dtype())
            }
        };
        SequenceInput::Dense(rows * mask.clone())
    }

    /// The first columns of a time-major input, masked.
    pub fn known(&self, rows: Tensor<3>) -> Tensor<3> {
        match &self.input {
            Some(mask) => {
                let width = rows.dims()[2];
                rows * mask.clone().narrow(2, 0, width)
            }
            None => rows,
        }
    }

    /// Columns `from..to` of a step's input `[B, to - from]`, masked.
    pub fn columns(&self, rows: Tensor<2>, from: usize) -> Tensor<2> {
        let Some(mask) = &self.input else { return rows };
        let width = rows.dims()[1];
        rows * mask.clone().narrow(2, from, width).squeeze_dim(0)
    }

    /// The hidden states of a layer, as the one above reads them.
    pub fn hidden(&self, layer: usize, hidden: Tensor<3>) -> Tensor<3> {
        match self.hidden.get(layer) {
            Some(Some(mask)) => hidden * mask.clone(),
            _ => hidden,
        }
    }

    /// The hidden states of the last layer.
    pub fn output(&self, hidden: Tensor<3>) -> Tensor<3> {
        match &self.output {
            Some(mask) => hidden * mask.clone(),
            None => hidden,
        }
    }
}

/// `0..width`, `[1, 1, V]`.
fn positions(width: usize, device: &Device) -> Tensor<3, burn::tensor::Int> {
    let numbers: Vec<i64> = (0..width as i64).collect();
    Tensor::from_data(TensorData::new(numbers, [1, 1, width]), device)
}

impl Penalties {
    /// Whether there are any.
    pub fn any(&self) -> bool {
        self.activation > 0.0 || self.slowness > 0.0
    }

    /// Each of them as a mean, for hidden states `[T, B, H]` before and after their dropout. Steps past the length of a
    /// row do not count.
    pub(crate) fn of(self, raw: Tensor<3>, dropped: Tensor<3>, lengths: Option<&[usize]>) -> LossParts {
        let [time, batch, width] = raw.dims();
        let steps: usize = lengths.map_or(time * batch, |lengths| lengths.iter().sum());
        let mut parts = LossParts::default();
        let mean = |weight: f64, values: Option<Tensor<3>>, steps: usize| {
            let count = (steps * width) as f64;
            let mean = match values {
                Some(values) if steps > 0 => values.square().sum() * (weight / count),
                _ => Tensor::zeros([1], (&raw.device(), raw.dtype())),
            };
            LossParts::of(mean, count)
        };
        let within = |values: Tensor<3>, after: usize| match lengths {
            Some(lengths) => {
                let mask = valid(values.dims()[0], after, lengths, &values);
                values * mask
            }
            None => values,
        };
        if self.activation > 0.0 {
            parts = parts.and(mean(self.activation, Some(within(dropped, 0)), steps));
        }
        let changes = |length: usize| length.saturating_sub(1);
        let changes = lengths.map_or(batch * changes(time), |lengths| lengths.iter().copied().map(changes).sum());
        if self.slowness > 0.0 {
            let change = |time: usize| raw.clone().narrow(0, 1, time - 1) - raw.clone().narrow(0, 0, time - 1);
            parts = parts.and(mean(self.slowness, (time > 1).then(|| within(change(time), 1)), changes));
        }
        parts
    }
}

/// `[T, B, 1]`: 1 where step `t + after` is within the length of the row.
fn valid(time: usize, after: usize, lengths: &[usize], like: &Tensor<3>) -> Tensor<3> {
    let value = |t: usize| lengths.iter().map(move |&length| f32::from(u8::from(t + after < length)));
    let values: Vec<f32> = (0..time).flat_map(value).collect();
    let valid = TensorData::new(values, [time, lengths.len(), 1]);
    Tensor::from_data(valid, (&like.device(), like.dtype()))
}

impl Layer {
    /// The weights for one forward pass, the recurrent ones dropped in training.
    pub(crate) fn dropped_values(&self) -> Values<'_> {
        let mut values = self.values();
        if self.weight_drop > 0.0 && self.cell().definition().has_product {
            let weight_hh = values.matrix("weight_hh");
            if weight_hh.is_require_grad() {
                values.weight_hh = Some(dropped(self.weight_drop, weight_hh));
            }
        }
        values
    }

    /// Whether some of the state is kept from step to step.
    pub(crate) fn is_zoned(&self) -> bool {
        self.zoneout.iter().any(|&p| p > 0.0)
    }

    /// The state after a step with zoneout, from those `before` and `after` the cell's own step.
    pub(crate) fn zoned_state(&self, before: LayerState, after: LayerState) -> LayerState {
        let trained = self.matrix("weight_ih").is_require_grad();
        let mix = |p: f64, before: Tensor<2>, after: Tensor<2>| {
            if p == 0.0 {
                return after;
            }
            let change = after - before.clone();
            // A mask of 0 and 1, where 1 takes the new value.
            let taken = |change: Tensor<2>| {
                let mask = dropped_rows(p, Tensor::ones(change.dims(), (&change.device(), change.dtype())));
                change * mask * (1.0 - p)
            };
            before + if trained { taken(change) } else { change * (1.0 - p) }
        };
        let [of_hidden, of_cell] = self.zoneout;
        LayerState {
            hidden: mix(of_hidden, before.hidden, after.hidden),
            cell: before.cell.zip(after.cell).map(|(before, after)| mix(of_cell, before, after)),
        }
    }

    /// The cell state after a step with zoneout, outside of training.
    pub(crate) fn zoned_cell(&self, before: Tensor<2>, after: Tensor<2>) -> Tensor<2> {
        match self.zoneout[1] {
            0.0 => after,
            p => before.clone() + (after - before) * (1.0 - p),
        }
    }

    /// A sequence with zoneout: the cell's operation for each time step.
    pub(crate) fn zoned_sequence(
        &self,
        input: Input,
        mut state: LayerState,
        weights: &Values<'_>,
        scan: &Scan,
    ) -> (Tensor<3>, LayerState) {
        let [time, ..] = input.dims();
        let of_step = Scan::of_loop();
        let mut outputs = Vec::with_capacity(time);
        for t in crate::trace::in_order(time, scan.direction) {
            let (_, after) = (self.cell().definition().sequence)(at(&input, t), state.clone(), weights, &of_step);
            let after = self.zoned_state(state.clone(), after);
            let (output, after) = match &scan.lengths {
                Some(lengths) => within(t, lengths, state, after),
                None => (after.hidden.clone(), after),
            };
            outputs.push(output);
            state = after;
        }
        if scan.direction == rekindle_kernels::Direction::Reverse {
            outputs.reverse();
        }
        (Tensor::stack(outputs, 0), state)
    }
}

/// The input of step `t` alone.
fn at(input: &Input, t: usize) -> Input {
    match input {
        Input::Projected(rows) => Input::Projected(rows.clone().narrow(0, t, 1)),
        Input::Tokens { table, tokens } => {
            Input::Tokens { table: table.clone(), tokens: tokens.clone().narrow(0, t, 1) }
        }
    }
}

/// The output and the state of step `t`: rows past their length output 0 and keep their state.
fn within(t: usize, lengths: &[usize], before: LayerState, after: LayerState) -> (Tensor<2>, LayerState) {
    let values: Vec<f32> = lengths.iter().map(|&length| f32::from(u8::from(t < length))).collect();
    let like = (&after.hidden.device(), after.hidden.dtype());
    let valid = Tensor::<2>::from_data(TensorData::new(values, [lengths.len(), 1]), like);
    let keep = |before: Tensor<2>, after: Tensor<2>| before.clone() + (after - before) * valid.clone();
    let hidden = keep(before.hidden, after.hidden);
    let cell = before.cell.zip(after.cell).map(|(before, after)| keep(before, after));
    (hidden.clone() * valid.clone(), LayerState { hidden, cell })
}
