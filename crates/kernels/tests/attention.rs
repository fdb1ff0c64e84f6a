//! Attention and the output layer's loss, beside the same in tensor operations, and by finite differences.
#![cfg(any(feature = "flex", feature = "ndarray"))]

use burn::prelude::*;
use burn::tensor::DType;
use rekindle_kernels::attention::{Memory, Score};
use rekindle_kernels::smoothed;
use rekindle_testing::{Numbers, assert_close, cpus, devices, on_threads, values};
use rstest::rstest;

/// What a loss depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Loss {
    Contexts,
    Weights,
    Both,
}

/// Queries, vectors, keys and the value.
type Inputs = (Tensor<3>, Tensor<3>, Tensor<3>, Tensor<2>);

type Make = fn(Tensor<3>, Score, Option<&[usize]>) -> Memory;

fn inputs([batch, time, positions, width, query]: [usize; 5], device: &Device) -> Inputs {
    let mut numbers = Numbers::new(1);
    let mut random = |shape: [usize; 3]| numbers.uniform(shape, -1.0..1.0, device);
    (
        random([batch, time, query]),
        random([batch, positions, width]),
        random([batch, positions, query]),
        numbers.uniform([query, 1], -1.0..1.0, device),
    )
}

/// Asserts that each list is close to the wanted one.
fn assert_all_close(seen: &[Vec<f64>], wanted: &[Vec<f64>], tolerance: f64, device: &Device) {
    assert_eq!(seen.len(), wanted.len(), "{device:?}");
    for (number, (seen, wanted)) in seen.iter().zip(wanted).enumerate() {
        assert_close(&format!("output {number}, {device:?}"), seen, wanted, tolerance);
    }
}

/// A loss over `steps` uses of one memory, with the contexts, the weights and the gradients of all inputs.
fn run(
    inputs: &Inputs,
    additive: bool,
    lengths: Option<&[usize]>,
    steps: usize,
    loss: Loss,
    make: Make,
) -> Vec<Vec<f64>> {
    let (queries, vectors, keys, value) = inputs;
    let queries = queries.clone().require_grad();
    let (vectors, keys, value) =
        (vectors.clone().require_grad(), keys.clone().require_grad(), value.clone().require_grad());
    let score = match additive {
        true => Score::Additive { keys: keys.clone() * 1.5, value: value.clone() },
        false => Score::Dot { scale: 0.7 },
    };
    let memory = make(vectors.clone().swap_dims(0, 1).swap_dims(0, 1) * 1.1, score, lengths);
    let mut total = Tensor::zeros([1], (&queries.device(), queries.dtype()));
    let mut outputs = Vec::new();
    for step in 0..steps {
        let (contexts, weights) = memory.attend(queries.clone() * (1.0 + step as f64));
        outputs.extend([values(contexts.clone()), values(weights.clone())]);
        let part = match loss {
            Loss::Contexts => contexts.sin().sum(),
            Loss::Weights => (weights.square() * 3.0).sum(),
            Loss::Both => contexts.sin().sum() + (weights.square() * 3.0).sum(),
        };
        total = total + part;
    }
    let gradients = total.backward();
    // The weights of additive attention do not depend on the vectors.
    let vectors = vectors.grad(&gradients).unwrap_or_else(|| inputs.1.zeros_like().inner());
    outputs.extend([values(queries.grad(&gradients).unwrap()), values(vectors)]);
    if additive {
        outputs.extend([values(keys.grad(&gradients).unwrap()), values(value.grad(&gradients).unwrap())]);
    }
    outputs
}

/// Rows, queries a row, vectors, their width, and the queries' own.
#[rstest]
#[case::one([1, 1, 1, 1, 1], None)]
#[case::odd([3, 2, 5, 7, 7], Some(vec![5, 1, 3]))]
#[case::long([4, 9, 33, 40, 40], Some(vec![33, 20, 1, 32]))]
#[case::on_all_threads([16, 12, 20, 64, 64], None)]
fn attention_is_that_of_tensor_operations(
    #[case] sizes: [usize; 5],
    #[case] lengths: Option<Vec<usize>>,
    #[values(false, true)] additive: bool,
    #[values(1, 3)] steps: usize,
    #[values(Loss::Contexts, Loss::Weights, Loss::Both)] loss: Loss,
) {
    for device in cpus() {
        let inputs = inputs(sizes, &device.clone().autodiff());
        let run = |make: Make| run(&inputs, additive, lengths.as_deref(), steps, loss, make);
        let (native, composed) = (run(Memory::new), run(Memory::composed));
        assert_all_close(&native, &composed, 5e-5, &device);
    }
}

#[rstest]
fn no_bit_depends_on_the_threads(#[values(false, true)] additive: bool) {
    for device in cpus() {
        let inputs = inputs([16, 12, 20, 64, 64], &device.autodiff());
        let run = || run(&inputs, additive, None, 2, Loss::Both, Memory::new);
        assert_eq!(on_threads(1, run), on_threads(3, run));
    }
}

/// The keys of additive attention may be narrower than the vectors.
#[test]
fn queries_may_have_another_width_than_the_vectors() {
    for device in devices() {
        let inputs = inputs([2, 3, 4, 5, 6], &device.clone().autodiff());
        let run = |make: Make| run(&inputs, true, Some(&[4, 2]), 1, Loss::Both, make);
        assert_all_close(&run(Memory::new), &run(Memory::composed), 5e-5, &device);
    }
}

#[test]
fn rows_are_selected_with_their_lengths() {
    for device in devices() {
        let (queries, vectors, keys, value) = inputs([3, 2, 4, 5, 5], &device);
        for score in [Score::Dot { scale: 1.0 }, Score::Additive { keys, value }] {
            let memory = Memory::new(vectors.clone(), score, Some(&[4, 1, 2]));
            let (_, all) = memory.attend(queries.clone());
            let rows = Tensor::from_data([2, 0, 2], &device);
            let (_, selected) = memory.select_rows(&[2, 0, 2]).attend(queries.clone().select(0, rows.clone()));
            assert_close(&format!("{device:?}"), &values(selected), &values(all.select(0, rows)), 1e-6);
        }
    }
}

/// The slopes of the tensor operations, which the native code is compared with, in `f64`.
#[rstest]
fn gradients_are_slopes(#[values(false, true)] additive: bool) {
    for device in cpus() {
        let device = device.autodiff();
        let cast = |tensor: Tensor<3>| tensor.cast(DType::F64);
        let (queries, vectors, keys, value) = inputs([2, 2, 3, 4, 4], &device);
        let (queries, vectors, keys) = (cast(queries), cast(vectors), cast(keys));
        let value = value.cast(DType::F64);
        let loss = |queries: &Tensor<3>, vectors: &Tensor<3>| {
            let score = match additive {
                true => Score::Additive { keys: keys.clone(), value: value.clone() },
                false => Score::Dot { scale: 0.7 },
            };
            let (contexts, weights) = Memory::new(vectors.clone(), score, Some(&[3, 2])).attend(queries.clone());
            contexts.sin().sum() + weights.square().sum()
        };
        let leaves = (queries.clone().require_grad(), vectors.clone().require_grad());
        let gradients = loss(&leaves.0, &leaves.1).backward();
        let found = [values(leaves.0.grad(&gradients).unwrap()), values(leaves.1.grad(&gradients).unwrap())];
        let shift = |tensor: &Tensor<3>, index: usize, by: f64| {
            let mut numbers = values(tensor.clone());
            numbers[index] += by;
            Tensor::<3>::from_data(TensorData::new(numbers, tensor.dims()), (&device, DType::F64))
        };
        for (index, gradient) in found[0].iter().enumerate() {
            let at = |by| values(loss(&shift(&queries, index, by), &vectors))[0];
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - gradient).abs() < 1e-7, "query {index}: {gradient}, slope {slope}");
        }
        for (index, gradient) in found[1].iter().enumerate() {
            let at = |by| values(loss(&queries, &shift(&vectors, index, by)))[0];
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - gradient).abs() < 1e-7, "vector {index}: {gradient}, slope {slope}");
        }
    }
}

#[test]
#[should_panic(expected = "`lengths[1]` must be in 1..=S = 1..=4, got 5")]
fn a_length_that_does_not_fit_is_named() {
    let device = cpus().remove(0);
    Memory::new(Tensor::ones([2, 4, 3], &device), Score::Dot { scale: 1.0 }, Some(&[4, 5]));
}

#[test]
#[should_panic(expected = "`queries` must be [B, T, F] = [2, T, 3], got [2, 1, 4]")]
fn queries_that_do_not_fit_are_named() {
    let device = cpus().remove(0);
    let memory = Memory::new(Tensor::ones([2, 4, 3], &device), Score::Dot { scale: 1.0 }, None);
    memory.attend(Tensor::ones([2, 1, 4], &device));
}

/// The loss and the gradients of an output layer, `upstream` times.
fn output_loss(
    [rows, width, vocabulary]: [usize; 3],
    epsilon: f64,
    device: &Device,
    loss: fn(Tensor<2>, Tensor<2>, Tensor<1>, Tensor<1, Int>, f64) -> Tensor<1>,
) -> Vec<Vec<f64>> {
    // The same at each call: the seed of a device is that of other tests too.
    let numbers =
        |count: usize, step: usize| -> Vec<f32> { (0..count).map(|i| (i * step % 97) as f32 / 48.0 - 1.0).collect() };
    let matrix = |rows: usize, columns: usize, step| {
        Tensor::<2>::from_data(TensorData::new(numbers(rows * columns, step), [rows, columns]), device)
    };
    let bias = Tensor::<1>::from_data(&numbers(vocabulary, 59)[..], device);
    let leaves = (matrix(rows, width, 37), matrix(vocabulary, width, 41), bias);
    let leaves = (leaves.0.require_grad(), leaves.1.require_grad(), leaves.2.require_grad());
    let targets: Vec<i64> = (0..rows).map(|row| (row * 7 % vocabulary) as i64).collect();
    let targets = Tensor::<1, Int>::from_data(&targets[..], device);
    let value = loss(leaves.0.clone() * 2.0, leaves.1.clone(), leaves.2.clone(), targets, epsilon);
    let gradients = (value.clone() * 1.7).backward();
    vec![
        values(value),
        values(leaves.0.grad(&gradients).unwrap()),
        values(leaves.1.grad(&gradients).unwrap()),
        values(leaves.2.grad(&gradients).unwrap()),
    ]
}

#[rstest]
#[case::one([1, 1, 1])]
#[case::odd([7, 5, 11])]
#[case::on_all_threads([300, 64, 700])]
#[case::in_parts([40, 3, 70_000])]
fn the_loss_of_an_output_layer_is_that_of_tensor_operations(
    #[case] sizes: [usize; 3],
    #[values(0.0, 0.1)] epsilon: f64,
) {
    for device in cpus() {
        let device = device.autodiff();
        let native = output_loss(sizes, epsilon, &device, smoothed::loss);
        let composed = output_loss(sizes, epsilon, &device, smoothed::composed);
        assert_all_close(&native, &composed, 2e-5, &device);
        let run = || output_loss(sizes, epsilon, &device, smoothed::loss);
        assert_eq!(on_threads(1, run), on_threads(3, run), "{device:?}");
    }
}
