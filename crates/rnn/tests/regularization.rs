//! Locked dropout, weight drop, zoneout, AR and TAR. Burn's random numbers are shared by all threads of a process:
//! these tests have a program of their own and run one at a time.
#![cfg(feature = "flex")]

use std::sync::Mutex;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::DropoutConfig;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rekindle_kernels::pointwise::dropout;
use rekindle_rnn::{Cell, Penalties, Recurrent, RecurrentConfig, Regularization, SequenceInput, State};
use rekindle_testing::{Numbers, assert_close, values};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const SEED: u64 = 5;

fn all() -> Regularization {
    Regularization {
        locked_input: 0.3,
        locked_hidden: 0.4,
        locked_output: 0.2,
        weight_drop: 0.5,
        zoneout: 0.25,
        zoneout_cell: 0.35,
    }
}

fn network(cell: Cell, layers: usize, regularization: Regularization, device: &Device) -> Recurrent {
    let config = RecurrentConfig::new(4, 6, cell).with_num_layers(layers).with_regularization(regularization);
    config.init_with(&mut StdRng::seed_from_u64(1), device)
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Numbers::new(1).uniform(shape, -1.0..1.0, device)
}

/// The values of all parameters in double precision, as one list.
struct Flat(Vec<f64>);

impl ModuleVisitor for Flat {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.extend(values(param.val()));
    }
}

/// Replaces all parameters by these numbers, in double precision.
struct Fill<'a> {
    numbers: &'a [f64],
}

impl ModuleMapper for Fill<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let (here, rest) = self.numbers.split_at(shape.iter().product());
        self.numbers = rest;
        let data = TensorData::new(here.to_vec(), shape);
        let filled = Tensor::from_data(data, (&tensor.device(), DType::F64)).require_grad();
        Param::from_mapped_value(id, filled, mapper)
    }
}

/// The gradients of all parameters, as one list.
struct Gradients<'a> {
    gradients: &'a burn::tensor::Gradients,
    found: Vec<f64>,
}

impl ModuleVisitor for Gradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.extend(values(param.val().grad(self.gradients).expect("a gradient of every parameter")));
    }
}

/// Every mask at once, in double precision: the gradients are the differences of the loss.
#[test]
fn gradients_are_the_differences_of_the_loss() {
    let _alone = ONE_AT_A_TIME.lock();
    let device = Device::flex().autodiff();
    let penalties = Penalties { activation: 0.7, slowness: 1.3 };
    for (cell, bidirectional, lengths) in [
        (Cell::Lstm, false, None),
        (Cell::Lstm, true, Some(vec![3, 1, 2])),
        (Cell::Gru, false, Some(vec![2, 3, 3])),
        (Cell::Rnn, false, None),
    ] {
        let regularization = Regularization { zoneout_cell: if cell == Cell::Lstm { 0.35 } else { 0.0 }, ..all() };
        let config = RecurrentConfig::new(2, 3, cell).with_num_layers(2).with_bidirectional(bidirectional);
        let network = config.with_regularization(regularization).init_with(&mut StdRng::seed_from_u64(2), &device);
        let mut at = Flat(Vec::new());
        network.visit(&mut at);
        let input = random([3, 3, 2], &device).cast(DType::F64);
        let run = |numbers: &[f64]| {
            device.seed(SEED);
            let network = network.clone().map(&mut Fill { numbers });
            let (hidden, state, penalty) =
                network.forward_penalized(input.clone(), None, lengths.as_deref(), penalties);
            let weights = random(hidden.dims(), &device).cast(DType::F64);
            let last = state.stacked_hidden().square().sum();
            ((hidden * weights).sum() + last + penalty.sum(), network)
        };
        let (loss, of) = run(&at.0);
        let gradients = loss.backward();
        let mut found = Gradients { gradients: &gradients, found: Vec::new() };
        of.visit(&mut found);
        let step = 1e-5;
        for i in 0..at.0.len() {
            let loss = |steps: f64| {
                let mut moved = at.0.clone();
                moved[i] += steps * step;
                run(&moved).0.into_scalar::<f64>()
            };
            let wanted = (8.0 * (loss(1.0) - loss(-1.0)) - (loss(2.0) - loss(-2.0))) / (12.0 * step);
            let found = found.found[i];
            assert!((found - wanted).abs() <= 1e-8 * wanted.abs().max(1.0), "{cell} {i}: {found} for {wanted}");
        }
    }
}

#[test]
fn a_locked_mask_is_the_same_at_every_time_step() {
    let _alone = ONE_AT_A_TIME.lock();
    let device = Device::flex().autodiff();
    let with = |regularization| network(Cell::Rnn, 2, regularization, &device);
    let (time, batch) = (5, 40);
    let input = random([time, batch, 4], &device);
    device.seed(SEED);
    let output = Regularization { locked_output: 0.3, ..Regularization::new() };
    let (hidden, state) = with(output).forward_time_major(input.clone(), None, None);
    let (plain, of_plain) = with(Regularization::new()).forward_time_major(input.clone(), None, None);
    let factors: Vec<f64> = values(hidden).iter().zip(values(plain)).map(|(a, b)| a / b).collect();
    let (first, width) = (&factors[..batch * 6], batch * 6);
    for factors in factors.chunks(width) {
        assert_close("factors", factors, first, 1e-5);
    }
    let kept = first.iter().filter(|factor| **factor > 0.0).count() as f64 / width as f64;
    assert!((kept - 0.7).abs() < 0.1, "{kept}");
    assert!(first.iter().all(|factor| *factor == 0.0 || (factor - 1.0 / 0.7).abs() < 1e-5));
    // The state is not masked, so that the next chunk goes on from it.
    assert_close("state", &values(state.stacked_hidden()), &values(of_plain.stacked_hidden()), 0.0);
    // A masked input is that of a network whose input was masked by hand, and other rows have other masks.
    device.seed(SEED);
    let of_input = Regularization { locked_input: 0.5, ..Regularization::new() };
    let (masked, _) = with(of_input).forward_time_major(input.clone(), None, None);
    device.seed(SEED);
    let mask = dropout(&DropoutConfig::new(0.5).init(), Tensor::<3>::ones([1, batch, 4], &device));
    let (by_hand, _) = with(Regularization::new()).forward_time_major(input * mask.clone(), None, None);
    assert_close("masked input", &values(masked), &values(by_hand), 0.0);
    let mask = values(mask);
    assert!(mask.chunks(4).any(|row| row != &mask[..4]));
}

#[test]
fn embedded_and_one_hot_tokens_are_masked_as_their_rows() {
    let _alone = ONE_AT_A_TIME.lock();
    let device = Device::flex().autodiff();
    let regularization = Regularization { locked_input: 0.5, ..Regularization::new() };
    let network = network(Cell::Gru, 1, regularization, &device);
    let tokens = Tensor::<2, Int>::from_data([[0, 3, 1], [2, 2, 0]], &device);
    let table = random([5, 4], &device);
    let rows = |table: Tensor<2>| table.select(0, tokens.clone().reshape([6])).reshape([2, 3, 4]);
    let identity = Tensor::<2>::eye(4, &device);
    let run = |input: SequenceInput| {
        device.seed(SEED);
        values(network.forward_time_major(input, None, None).0)
    };
    let embedded = SequenceInput::Embedded { table: table.clone(), tokens: tokens.clone() };
    assert_close("embedded", &run(embedded), &run(rows(table).into()), 1e-6);
    let one_hot = SequenceInput::OneHot { tokens: tokens.clone() };
    assert_close("one-hot", &run(one_hot), &run(rows(identity).into()), 1e-6);
}

#[test]
fn dropped_weights_are_those_of_one_mask_for_the_sequence() {
    let _alone = ONE_AT_A_TIME.lock();
    let device = Device::flex().autodiff();
    let regularization = Regularization { weight_drop: 0.4, ..Regularization::new() };
    for cell in [Cell::Lstm, Cell::Gru, Cell::LayerNormLstm, Cell::Rnn] {
        let network = network(cell, 1, regularization, &device);
        let input = random([7, 3, 4], &device);
        device.seed(SEED);
        let (found, _) = network.forward_time_major(input.clone(), None, None);
        let mut by_hand = network.clone();
        device.seed(SEED);
        let mask = DropoutConfig::new(0.4).init();
        let layer = &mut by_hand.layers[0].forward;
        let dropped = dropout(&mask, layer.matrix("weight_hh")).detach();
        let weights = layer.matrix_mut("weight_hh");
        // Weights that need no gradient are not dropped again.
        *weights = Param::initialized(weights.id, dropped.clone());
        let dropped = values(dropped);
        assert!(dropped.contains(&0.0));
        let (wanted, _) = by_hand.forward_time_major(input, None, None);
        assert_close("dropped weights", &values(found), &values(wanted), 0.0);
    }
}

#[test]
fn a_loop_has_the_masks_of_a_sequence() {
    let _alone = ONE_AT_A_TIME.lock();
    let device = Device::flex().autodiff();
    let regularization = Regularization { zoneout: 0.0, zoneout_cell: 0.0, ..all() };
    for cell in [Cell::Lstm, Cell::Gru, Cell::Rnn] {
        let network = network(cell, 2, regularization, &device);
        let input = random([4, 3, 4], &device);
        device.seed(SEED);
        let (whole, _) = network.forward_time_major(input.clone(), None, None);
        for known in [4, 3] {
            device.seed(SEED);
            let rest = |t: usize| (known < 4).then(|| input.clone().narrow(0, t, 1).narrow(2, known, 4 - known));
            let (steps, read) = network.unrolled(input.clone().narrow(2, 0, known));
            let mut state: State = network.zero_state(3, &device);
            for (t, word) in read.into_iter().enumerate() {
                let (hidden, after) = steps.step(word, rest(t).map(|rest| rest.squeeze_dim(0)), state);
                state = after;
                assert_close("a step", &values(hidden), &values(whole.clone().narrow(0, t, 1)), 1e-5);
            }
        }
    }
}

#[test]
fn zoneout_keeps_units_in_training_and_mixes_them_in_evaluations() {
    let _alone = ONE_AT_A_TIME.lock();
    let zoneout = Regularization { zoneout: 0.25, zoneout_cell: 0.5, ..Regularization::new() };
    let plain = Device::flex();
    let (of_plain, zoned) =
        (network(Cell::Lstm, 1, Regularization::new(), &plain), network(Cell::Lstm, 1, zoneout, &plain));
    let input = random([6, 3, 4], &plain);
    let (hidden, state) = zoned.forward_time_major(input.clone(), None, None);
    let mut by_hand = of_plain.zero_state(3, &plain);
    for t in 0..6 {
        let row: Tensor<2> = input.clone().narrow(0, t, 1).squeeze_dim(0);
        let (_, next) = of_plain.step(row, by_hand.clone());
        let (before, after) = (by_hand.layers.remove(0), next.layers[0].clone());
        let mix = |p: f64, before: Tensor<2>, after: Tensor<2>| before * p + after * (1.0 - p);
        let cell = before.cell.zip(after.cell).map(|(before, after)| mix(0.5, before, after));
        by_hand.layers.push(rekindle_rnn::LayerState { hidden: mix(0.25, before.hidden, after.hidden), cell });
        assert_close("hidden states", &values(hidden.clone().narrow(0, t, 1)), &values(by_hand.stacked_hidden()), 1e-6);
    }
    assert_close("cell state", &values(state.stacked_cell().unwrap()), &values(by_hand.stacked_cell().unwrap()), 1e-6);
    let (trace, _) = zoned.trace(input.clone(), None);
    let cells = trace[0].trace.cell.clone().unwrap();
    assert_close("traced cell state", &values(cells.narrow(0, 5, 1)), &values(by_hand.stacked_cell().unwrap()), 1e-5);
    assert!(zoned.stepper(None).is_none() && of_plain.stepper(None).is_some());
    // In training a unit keeps its value, or takes the new one.
    let training = Device::flex().autodiff();
    let (of_plain, zoned) = (
        network(Cell::Rnn, 1, Regularization::new(), &training),
        network(Cell::Rnn, 1, Regularization { zoneout: 0.25, ..Regularization::new() }, &training),
    );
    let batch = 200;
    let input = random([2, batch, 4], &training);
    training.seed(SEED);
    let (hidden, _) = zoned.forward_time_major(input.clone(), None, None);
    let first: Tensor<2> = hidden.clone().narrow(0, 0, 1).squeeze_dim(0);
    let state = State { layers: vec![rekindle_rnn::LayerState { hidden: first.clone(), cell: None }] };
    let (new, _) = of_plain.step(input.narrow(0, 1, 1).squeeze_dim::<2>(0), state);
    let second = values(hidden.narrow(0, 1, 1));
    let mut kept = 0;
    for ((found, old), new) in second.iter().zip(values(first)).zip(values(new)) {
        let (is_old, is_new) = ((found - old).abs() < 1e-6, (found - new).abs() < 1e-6);
        assert!(is_old || is_new, "{found}: {old} or {new}");
        kept += usize::from(is_old && !is_new);
    }
    let share = kept as f64 / (batch * 6) as f64;
    assert!((share - 0.25).abs() < 0.05, "{share}");
}

#[test]
fn nothing_is_dropped_outside_of_training_or_of_a_frozen_network() {
    let _alone = ONE_AT_A_TIME.lock();
    let regularization = Regularization { zoneout: 0.0, zoneout_cell: 0.0, ..all() };
    let penalties = Penalties { activation: 1.0, slowness: 1.0 };
    for (device, freeze) in [(Device::flex(), false), (Device::flex().autodiff(), true)] {
        let mut networks = [Regularization::new(), regularization].map(|with| network(Cell::Lstm, 2, with, &device));
        if freeze {
            networks = networks.map(Module::freeze);
        }
        let input = random([4, 3, 4], &device);
        let [plain, other] = networks.map(|network| {
            let (hidden, _, penalty) = network.forward_penalized(input.clone(), None, None, penalties);
            assert!(penalty.parts().is_empty());
            values(hidden)
        });
        assert_eq!(plain, other);
    }
}

#[test]
fn penalties_are_means_over_the_steps_of_rows() {
    let _alone = ONE_AT_A_TIME.lock();
    let device = Device::flex().autodiff();
    let network = network(Cell::Gru, 1, Regularization::new(), &device);
    let input = random([4, 2, 4], &device);
    let lengths = [4, 2];
    let of = |activation, slowness| {
        let penalties = Penalties { activation, slowness };
        let (hidden, _, penalty) = network.forward_penalized(input.clone(), None, Some(&lengths), penalties);
        (values(hidden), penalty.sum().into_scalar::<f64>())
    };
    let (hidden, activation) = of(2.0, 0.0);
    let (_, slowness) = of(0.0, 3.0);
    let at = |t: usize, b: usize, i: usize| hidden[(t * 2 + b) * 6 + i];
    let (mut squares, mut changes) = (0.0, 0.0);
    for (b, &length) in lengths.iter().enumerate() {
        for (t, i) in (0..length).flat_map(|t| (0..6).map(move |i| (t, i))) {
            squares += at(t, b, i).powi(2);
            changes += if t > 0 { (at(t, b, i) - at(t - 1, b, i)).powi(2) } else { 0.0 };
        }
    }
    // Six steps with a hidden state, four changes, six units.
    assert!((activation - 2.0 * squares / 36.0).abs() < 1e-6, "{activation}");
    assert!((slowness - 3.0 * changes / 24.0).abs() < 1e-6, "{slowness}");
}
