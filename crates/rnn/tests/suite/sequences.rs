//! What a sequence means: steps, chunks, padding, direction.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rekindle_rnn::{Cell, Direction, Recurrent, RecurrentConfig, Scan, SequenceInput, StepInput};
use rekindle_testing::{Numbers, values};
use rstest::rstest;

#[cfg(feature = "flex")]
use crate::devices::flex;
#[cfg(feature = "ndarray")]
use crate::devices::ndarray;

/// Covers sums that backends split into vector lanes with a rest.
const INPUT: usize = 7;
const HIDDEN: usize = 17;
const TIME: usize = 6;

fn network(cell: Cell, device: &Device) -> Recurrent {
    RecurrentConfig::new(INPUT, HIDDEN, cell).with_num_layers(2).init_with(&mut StdRng::seed_from_u64(1), device)
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Numbers::new(1).normal(shape, 0.0, 1.0, device)
}

/// `[B, T, H]` or `[B, T, I]` at one time, `[B, ...]`.
fn at(sequence: &Tensor<3>, time: usize) -> Tensor<2> {
    sequence.clone().narrow(1, time, 1).squeeze_dim(1)
}

fn assert_equal<const D: usize>(found: &Tensor<D>, wanted: &Tensor<D>) {
    found.to_data().assert_eq(&wanted.to_data(), true);
}

/// One path through the arithmetic against another that may add in another
/// order: a few roundings of f32 numbers of size 1 over six steps.
#[track_caller]
fn assert_close<const D: usize>(found: &Tensor<D>, wanted: &Tensor<D>) {
    rekindle_testing::assert_close("hidden states", &values(found.clone()), &values(wanted.clone()), 1e-5);
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn steps_give_the_bits_of_the_sequence(#[case] device: Device, #[values(1, 5)] batch: usize) {
    for cell in Cell::ALL {
        let network = network(cell, &device);
        let input = random([batch, TIME, INPUT], &device);
        let (wanted, last) = network.forward(input.clone(), None, None);
        let mut state = network.zero_state(batch, &device);
        for time in 0..TIME {
            let (hidden, next) = network.step(at(&input, time), state);
            assert_equal(&hidden, &at(&wanted, time));
            state = next;
        }
        assert_eq!(state.to_data(), last.to_data());
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn token_steps_give_the_bits_of_the_sequence(
    #[case] device: Device,
    #[values(false, true)] one_hot: bool,
    // Fewer positions than symbols, and more: both routes of the projection.
    #[values(2, 31)] time: usize,
    #[values(1, 2)] batch: usize,
) {
    for cell in Cell::ALL {
        let (vocabulary, embedding) = (11, 130);
        let config = match one_hot {
            true => RecurrentConfig::new(vocabulary, HIDDEN, cell),
            false => RecurrentConfig::new(embedding, HIDDEN, cell),
        };
        let network = config.init_with(&mut StdRng::seed_from_u64(2), &device);
        let table = random([vocabulary, embedding], &device);
        let tokens: Vec<i64> = (0..batch * time).map(|i| (i * 7 % vocabulary) as i64).collect();
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [batch, time]), &device);
        let (whole, _) = match one_hot {
            true => network.forward(SequenceInput::OneHot { tokens: tokens.clone() }, None, None),
            false => {
                let (table, tokens) = (table.clone(), tokens.clone());
                network.forward(SequenceInput::Embedded { table, tokens }, None, None)
            }
        };
        let mut state = network.zero_state(batch, &device);
        for t in 0..time {
            let tokens = tokens.clone().narrow(1, t, 1).squeeze_dim(1);
            let input = match one_hot {
                true => StepInput::OneHot { tokens },
                false => StepInput::Embedded { table: table.clone(), tokens },
            };
            let (hidden, next) = network.step(input, state);
            assert_equal(&hidden, &at(&whole, t));
            state = next;
        }
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn two_chunks_with_carried_state_are_one_sequence(#[case] device: Device) {
    for cell in Cell::ALL {
        let network = network(cell, &device);
        let input = random([3, TIME, INPUT], &device);
        let (wanted, last) = network.forward(input.clone(), None, None);
        let (first, state) = network.forward(input.clone().narrow(1, 0, 2), None, None);
        let state = state.detach();
        let (second, state) = network.forward(input.narrow(1, 2, TIME - 2), Some(state), None);
        assert_equal(&Tensor::cat(vec![first, second], 1), &wanted);
        assert_eq!(state.to_data(), last.to_data());
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn time_major_is_batch_first_with_axes_swapped(#[case] device: Device) {
    let network = network(Cell::Gru, &device);
    let input = random([3, TIME, INPUT], &device);
    let (wanted, _) = network.forward(input.clone(), None, None);
    let (found, _) = network.forward_time_major(input.swap_dims(0, 1), None, None);
    assert_equal(&found.swap_dims(0, 1), &wanted);
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn a_padded_row_is_its_own_short_sequence_followed_by_zeros(
    #[case] device: Device,
    #[values(false, true)] bidirectional: bool,
) {
    for cell in Cell::ALL {
        let network = RecurrentConfig::new(INPUT, HIDDEN, cell)
            .with_num_layers(2)
            .with_bidirectional(bidirectional)
            .init_with(&mut StdRng::seed_from_u64(3), &device);
        let lengths = [TIME, 2, 4];
        let input = random([3, TIME, INPUT], &device);
        let (padded, state) = network.forward(input.clone(), None, Some(&lengths));
        for (row, &length) in lengths.iter().enumerate() {
            let alone = input.clone().narrow(0, row, 1).narrow(1, 0, length);
            let (wanted, last) = network.forward(alone, None, None);
            let found = padded.clone().narrow(0, row, 1);
            assert_close(&found.clone().narrow(1, 0, length), &wanted);
            assert_close(&state.stacked_hidden().narrow(1, row, 1), &last.stacked_hidden());
            if length < TIME {
                let rest = found.narrow(1, length, TIME - length);
                assert_equal(&rest.zeros_like(), &rest);
            }
        }
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn reverse_over_padded_rows_starts_at_the_last_valid_step(#[case] device: Device) {
    for cell in Cell::ALL {
        let network = network(cell, &device);
        let layer = &network.layers[0].forward;
        let input = random([TIME, 2, INPUT], &device);
        let scan = Scan { direction: Direction::Reverse, lengths: Some(vec![3, TIME]), ..Scan::default() };
        let (found, last) = layer.sequence(input.clone().into(), None, &scan);

        let mirrored = input.narrow(0, 0, 3).narrow(1, 0, 1).flip([0]);
        let (wanted, wanted_last) = layer.sequence(mirrored.into(), None, &Scan::default());
        assert_close(&found.narrow(0, 0, 3).narrow(1, 0, 1), &wanted.flip([0]));
        assert_close(&last.hidden.narrow(0, 0, 1), &wanted_last.hidden);
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn bidirectional_is_forward_beside_reverse(#[case] device: Device) {
    let config = RecurrentConfig::new(INPUT, HIDDEN, Cell::Lstm).with_bidirectional(true);
    let network = config.init_with(&mut StdRng::seed_from_u64(4), &device);
    let layer = &network.layers[0];
    let reverse = layer.reverse.as_ref().expect("the network is bidirectional");
    let input = random([TIME, 2, INPUT], &device);
    let (found, state) = network.forward_time_major(input.clone(), None, None);

    let (ahead, ahead_last) = layer.forward.sequence(input.clone().into(), None, &Scan::default());
    let (back, back_last) = reverse.sequence(input.flip([0]).into(), None, &Scan::default());
    assert_equal(&found.clone().narrow(2, 0, HIDDEN), &ahead);
    assert_close(&found.narrow(2, HIDDEN, HIDDEN), &back.flip([0]));
    assert_equal(&state.layers[0].hidden, &ahead_last.hidden);
    assert_close(&state.layers[1].hidden, &back_last.hidden);
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn padded_steps_contribute_no_gradient(#[case] device: Device) {
    for cell in Cell::ALL {
        let device = device.clone().autodiff();
        let config = RecurrentConfig::new(INPUT, HIDDEN, cell).with_bidirectional(true);
        let network = config.init_with(&mut StdRng::seed_from_u64(5), &device);
        let input = random([2, TIME, INPUT], &device).require_grad();
        let (output, state) = network.forward(input.clone(), None, Some(&[2, TIME]));
        let loss = output.sum() + state.stacked_hidden().sum();
        let gradient = input.grad(&loss.backward()).expect("the input is a leaf");
        let padded = gradient.clone().narrow(0, 0, 1).narrow(1, 2, TIME - 2);
        assert_equal(&padded.zeros_like(), &padded);
        let valid: f32 = gradient.narrow(1, 0, 2).abs().min().into_scalar();
        assert!(valid > 0.0, "valid steps get gradients");
    }
}
