//! Tokens give the numbers and the gradients of the dense rows that they stand
//! for.

use burn::tensor::{Device, Int, Tensor, TensorData, Tolerance};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rekindle_rnn::{Cell, Recurrent, RecurrentConfig, SequenceInput};
use rekindle_testing::assert_close;
use rstest::rstest;

#[cfg(feature = "flex")]
use crate::devices::flex;
#[cfg(feature = "ndarray")]
use crate::devices::ndarray;

const BATCH: usize = 3;
const HIDDEN: usize = 6;
const VOCABULARY: usize = 10;

/// The routes add the same numbers in other orders: a few roundings of f32
/// numbers, and gradients here are of size 10 at most.
const TOLERANCE: f64 = 1e-5;

fn tokens(time: usize, device: &Device) -> Tensor<2, Int> {
    let values: Vec<i64> = (0..BATCH * time).map(|i| (i * i % VOCABULARY) as i64).collect();
    Tensor::from_data(TensorData::new(values, [BATCH, time]), device)
}

/// `[B, T, V]`.
fn one_hot(tokens: &Tensor<2, Int>) -> Tensor<3> {
    tokens.clone().one_hot(VOCABULARY).float()
}

/// Output and gradient of the input weights and of `leaf`.
fn run(network: &Recurrent, input: SequenceInput, leaf: Option<&Tensor<2>>) -> Vec<TensorData> {
    let (output, _) = network.forward(input, None, None);
    let weights = Tensor::from_data(
        TensorData::new(
            (0..output.shape().num_elements()).map(|i| (i as f32).sin()).collect::<Vec<_>>(),
            output.dims(),
        ),
        &output.device(),
    );
    let gradients = (output.clone() * weights).sum().backward();
    let weight = network.layers[0].forward.matrix("weight_ih");
    let gradient = |tensor: &Tensor<2>| tensor.grad(&gradients).expect("leaves get gradients").to_data();
    let mut found = vec![output.to_data(), gradient(&weight)];
    found.extend(leaf.map(gradient));
    found
}

#[track_caller]
fn assert_all_close(found: &[TensorData], wanted: &[TensorData]) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found.shape(), wanted.shape());
        let [found, wanted] = [found, wanted].map(|data| data.iter::<f64>().collect::<Vec<_>>());
        assert_close("tokens", &found, &wanted, TOLERANCE);
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn one_hot_tokens_are_one_hot_rows(
    #[case] device: Device,
    // Fewer positions than symbols, and more: both routes of the projection.
    #[values(2, 8)] time: usize,
) {
    let device = device.autodiff();
    for cell in Cell::ALL {
        let network = RecurrentConfig::new(VOCABULARY, HIDDEN, cell).init_with(&mut StdRng::seed_from_u64(3), &device);
        let tokens = tokens(time, &device);
        let dense = run(&network, one_hot(&tokens).into(), None);
        let found = run(&network, SequenceInput::OneHot { tokens }, None);
        assert_all_close(&found, &dense);
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn embedded_tokens_are_rows_of_the_table(#[case] device: Device, #[values(2, 8)] time: usize) {
    let device = device.autodiff();
    let features = 5;
    for cell in Cell::ALL {
        let network = RecurrentConfig::new(features, HIDDEN, cell).init_with(&mut StdRng::seed_from_u64(4), &device);
        let tokens = tokens(time, &device);
        let table = || {
            let values: Vec<f32> = (0..VOCABULARY * features).map(|i| (i as f32).cos()).collect();
            Tensor::<2>::from_data(TensorData::new(values, [VOCABULARY, features]), &device).require_grad()
        };
        let leaf = table();
        let rows = one_hot(&tokens).matmul(leaf.clone().unsqueeze());
        let dense = run(&network, rows.into(), Some(&leaf));
        let leaf = table();
        let embedded = SequenceInput::Embedded { table: leaf.clone(), tokens };
        let found = run(&network, embedded, Some(&leaf));
        assert_all_close(&found, &dense);
    }
}

/// A table with more rows than there are tokens, of which few are distinct.
#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn repeated_tokens_of_a_large_table_are_rows_of_the_table(
    #[case] device: Device,
    #[values(true, false)] trained: bool,
) {
    let device = if trained { device.autodiff() } else { device };
    let (rows, features, [time, batch]) = (500, 5, [40, 3]);
    for cell in [Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MogrifierLstm] {
        let config = RecurrentConfig::new(features, HIDDEN, cell).with_bidirectional(true);
        let network = config.init_with(&mut StdRng::seed_from_u64(6), &device);
        let ids: Vec<i32> = (0..time * batch).map(|i| (i * i % 7 * 71) as i32).collect();
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(ids.clone(), [time, batch]), &device);
        let values: Vec<f32> = (0..rows * features).map(|i| (i as f32).cos()).collect();
        let run = |embedded: bool| {
            let table = Tensor::<2>::from_data(TensorData::new(values.clone(), [rows, features]), &device);
            let table = if trained { table.require_grad() } else { table };
            let flat = tokens.clone().reshape([time * batch]);
            let input = match embedded {
                true => SequenceInput::Embedded { table: table.clone(), tokens: tokens.clone() },
                false => table.clone().select(0, flat).reshape([time, batch, features]).into(),
            };
            let (hidden, _) = network.forward_time_major(input, None, None);
            let gradient = trained.then(|| table.grad(&hidden.clone().sum().backward()).unwrap().into_data());
            (hidden.into_data(), gradient)
        };
        let ((hidden, gradient), (wanted, wanted_gradient)) = (run(true), run(false));
        assert_eq!(hidden, wanted, "{cell}");
        if let Some((gradient, wanted)) = gradient.zip(wanted_gradient) {
            // The gradients of a row are added in another order.
            gradient.assert_approx_eq::<f32>(&wanted, Tolerance::absolute(1e-4));
        }
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn tokens_reach_both_directions(#[case] device: Device) {
    let device = device.autodiff();
    let network = RecurrentConfig::new(VOCABULARY, HIDDEN, Cell::Gru)
        .with_bidirectional(true)
        .with_num_layers(2)
        .init_with(&mut StdRng::seed_from_u64(5), &device);
    let tokens = tokens(6, &device);
    let dense = run(&network, one_hot(&tokens).into(), None);
    let found = run(&network, SequenceInput::OneHot { tokens }, None);
    assert_all_close(&found, &dense);
}
