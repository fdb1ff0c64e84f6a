//! The state: carried, reset, selected, stored.

use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rekindle_rnn::{Cell, Error, LayerState, RecurrentConfig, State};
use rekindle_testing::Numbers;
use rstest::rstest;

#[cfg(feature = "flex")]
use crate::devices::flex;
#[cfg(feature = "ndarray")]
use crate::devices::ndarray;

const HIDDEN: usize = 3;

/// Two layers of an LSTM over a batch of 4, no number 0.
fn state(device: &Device) -> State {
    let mut numbers = Numbers::new(1);
    let mut random = || numbers.uniform([4, HIDDEN], 0.5..1.5, device);
    let mut layer = || LayerState { hidden: random(), cell: Some(random()) };
    State { layers: vec![layer(), layer()] }
}

fn rows(tensor: &TensorData) -> Vec<Vec<f32>> {
    let values: Vec<f32> = tensor.iter().collect();
    values.chunks(HIDDEN).map(<[f32]>::to_vec).collect()
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn reset_rows_zeroes_its_rows_and_no_other(#[case] device: Device) {
    let before = state(&device);
    let after = before.clone().reset_rows(&[1, 3]);
    for (before, after) in before.to_data().iter().zip(after.to_data()) {
        let (before, after) = (rows(before), rows(&after));
        assert_eq!(after[0], before[0]);
        assert_eq!(after[1], [0.0; HIDDEN]);
        assert_eq!(after[2], before[2]);
        assert_eq!(after[3], [0.0; HIDDEN]);
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn reset_rows_clears_a_row_that_is_not_a_number(#[case] device: Device) {
    let broken = state(&device).map(|tensor| tensor.mul_scalar(f32::NAN));
    let clean = broken.reset_rows(&[0, 1, 2, 3]).stacked_hidden();
    assert_eq!(clean.abs().sum().into_scalar::<f32>(), 0.0);
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn select_rows_repeats_and_reorders(#[case] device: Device) {
    let before = state(&device);
    let after = before.clone().select_rows(&[2, 0, 2, 2, 1]);
    assert_eq!(after.batch_size(), 5);
    for (before, after) in before.to_data().iter().zip(after.to_data()) {
        let (before, after) = (rows(before), rows(&after));
        let wanted = [2, 0, 2, 2, 1].map(|row: usize| before[row].clone());
        assert_eq!(after, wanted);
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn no_gradient_flows_through_a_detached_state(#[case] device: Device) {
    let device = device.autodiff();
    let network = RecurrentConfig::new(2, HIDDEN, Cell::Lstm).init_with(&mut StdRng::seed_from_u64(3), &device);
    let input = |seed| Numbers::new(seed).uniform::<3>([1, 2, 2], 0.0..1.0, &device).require_grad();
    let (first, second) = (input(1), input(2));
    let (_, state) = network.forward(first.clone(), None, None);
    let (output, _) = network.forward(second.clone(), Some(state.detach()), None);
    let gradients = output.sum().backward();
    assert!(first.grad(&gradients).is_none());
    assert!(second.grad(&gradients).is_some());
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn stored_state_comes_back_to_the_bit(#[case] device: Device) {
    let before = state(&device).map(|tensor| tensor.cast(DType::F64));
    let after = State::from_data(before.to_data(), Cell::Lstm, &device).expect("the data is of an LSTM");
    assert_eq!(after.layers.len(), 2);
    assert!(after.layers.iter().all(|layer| layer.cell.is_some()));
    assert_eq!(after.to_data(), before.to_data());
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn stored_state_that_does_not_fit_is_an_error(#[case] device: Device) {
    let mut data = state(&device).to_data();
    let last = data.pop();
    let error = State::from_data(data.clone(), Cell::Lstm, &device);
    assert!(matches!(error, Err(Error::StateCount { found: 3, per_layer: 2, .. })));
    assert!(State::from_data(Vec::new(), Cell::Gru, &device).is_err());

    data.extend(last);
    data[2] = TensorData::new(vec![0.0_f32; 8], [4, 2]);
    let error = State::from_data(data, Cell::Lstm, &device).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "state tensor 2 has shape [4, 2], but [4, 3] is needed");
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn states_are_stacked_in_the_order_of_pytorch(#[case] device: Device) {
    let config = RecurrentConfig::new(2, HIDDEN, Cell::Lstm).with_num_layers(2).with_bidirectional(true);
    let network = config.init_with(&mut StdRng::seed_from_u64(4), &device);
    let input: Tensor<3> = Numbers::new(1).uniform([1, 4, 2], 0.0..1.0, &device);
    let (output, state) = network.forward(input, None, None);
    assert_eq!(state.stacked_hidden().dims(), [4, 1, HIDDEN]);
    assert_eq!(state.stacked_cell().map(|cell| cell.dims()), Some([4, 1, HIDDEN]));
    // The last layer's forward state stands at the end of the output, its
    // reverse state at the beginning.
    let at = |time, from| output.clone().narrow(1, time, 1).narrow(2, from, HIDDEN).to_data();
    let last = |index| state.stacked_hidden().narrow(0, index, 1).to_data();
    assert_eq!(last(2), at(3, 0));
    assert_eq!(last(3), at(0, HIDDEN));
}
