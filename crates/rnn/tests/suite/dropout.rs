//! Dropout stands between the layers, in training only.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rekindle_rnn::{Cell, Recurrent, RecurrentConfig};
use rekindle_testing::Numbers;
use rstest::rstest;

#[cfg(feature = "flex")]
use crate::devices::flex;
#[cfg(feature = "ndarray")]
use crate::devices::ndarray;

fn network(layers: usize, dropout: f64, device: &Device) -> Recurrent {
    RecurrentConfig::new(4, 30, Cell::Gru)
        .with_num_layers(layers)
        .with_dropout(dropout)
        .init_with(&mut StdRng::seed_from_u64(9), device)
}

fn input(device: &Device) -> Tensor<3> {
    Numbers::new(1).uniform([2, 5, 4], 0.0..1.0, device)
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn dropout_changes_only_the_layers_above_the_first(#[case] device: Device) {
    let device = device.autodiff();
    let input = input(&device);
    let run = |dropout| network(2, dropout, &device).forward(input.clone(), None, None);
    let (kept, kept_state) = run(0.0);
    let (dropped, dropped_state) = run(0.5);
    let hidden = |state: &rekindle_rnn::State, layer: usize| state.layers[layer].hidden.to_data();
    assert_eq!(hidden(&dropped_state, 0), hidden(&kept_state, 0));
    assert_ne!(hidden(&dropped_state, 1), hidden(&kept_state, 1));
    // After the last layer nothing is dropped: a GRU's state is never quite 0.
    let smallest: f32 = dropped.abs().min().into_scalar();
    assert!(smallest > 0.0);
    assert!(kept.abs().min().into_scalar::<f32>() > 0.0);
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn a_single_layer_drops_nothing(#[case] device: Device) {
    let device = device.autodiff();
    let input = input(&device);
    let run = |dropout| network(1, dropout, &device).forward(input.clone(), None, None).0;
    assert_eq!(run(0.5).to_data(), run(0.0).to_data());
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn a_validated_network_drops_nothing(#[case] device: Device) {
    let input = input(&device);
    let training = network(3, 0.5, &device.clone().autodiff());
    let (found, _) = training.valid().forward(input.clone(), None, None);
    let (wanted, _) = network(3, 0.0, &device).forward(input, None, None);
    assert_eq!(found.to_data(), wanted.to_data());
}
