//! The operations around a recurrence: native code is its composed twin, with its gradients.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::prelude::*;
use burn::tensor::{DType, TensorCreationOptions};
use rekindle_kernels::adam::{self, Decay, Step};
use rekindle_kernels::{cross_entropy, linear};
use rekindle_testing::{Numbers, assert_close, cpus, devices, values};
use rstest::rstest;

/// Numbers of rows, features in and features out: one of each, odd ones, and more than one thread's share.
const SIZES: [[usize; 3]; 4] = [[1, 1, 1], [3, 5, 7], [40, 33, 129], [300, 65, 70]];

type Linear = fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>;

#[rstest]
fn a_linear_map_is_its_composed_twin(#[values(false, true)] turned: bool, #[values(false, true)] with_bias: bool) {
    for device in devices() {
        for [count, width_in, width_out] in SIZES {
            let device = device.clone().autodiff();
            let mut numbers = Numbers::new(1);
            let bias = numbers.uniform([width_out], -2.0..2.0, &device).require_grad();
            let mut random = |shape: [usize; 2]| numbers.uniform::<2>(shape, -2.0..2.0, &device);
            // Turned: a view of what Burn's own layer holds, and rows that are a view as well.
            let shape = |shape: [usize; 2]| if turned { [shape[1], shape[0]] } else { shape };
            let [rows, weight] = [[count, width_in], [width_out, width_in]].map(|of| random(shape(of)).require_grad());
            let upstream = random([count, width_out]);
            let run = |map: Linear| {
                let view = |leaf: &Tensor<2>| if turned { leaf.clone().transpose() } else { leaf.clone() };
                let output = map(view(&rows), view(&weight), with_bias.then(|| bias.clone()));
                let gradients = (output.clone() * upstream.clone()).sum().backward();
                let bias_gradient = bias.grad(&gradients).map(values);
                let [rows, weight] = [&rows, &weight].map(|leaf| values(leaf.grad(&gradients).unwrap()));
                (values(output), rows, weight, bias_gradient.unwrap_or_default())
            };
            let (native, twin) = (run(linear::linear), run(linear::composed));
            let what = format!("{device:?}, {count} x {width_in} to {width_out}");
            // Sums of up to 300 products of order 1, in another order.
            assert_close(&what, &native.0, &twin.0, 1e-5);
            assert_close(&format!("{what}, rows"), &native.1, &twin.1, 1e-5);
            assert_close(&format!("{what}, weight"), &native.2, &twin.2, 1e-5);
            assert_close(&format!("{what}, bias"), &native.3, &twin.3, 1e-5);
            assert_eq!(native.3.len(), if with_bias { width_out } else { 0 }, "{what}");
        }
    }
}

#[test]
#[cfg(feature = "native-cpu")]
#[should_panic(expected = "`rows` must be [N, I] = [N, 3], got [2, 4]")]
fn rows_that_do_not_fit_are_named() {
    let device = &cpus()[0];
    linear::linear(Tensor::zeros([2, 4], device), Tensor::zeros([5, 3], device), None);
}

/// The target of each row.
fn targets(rows: usize, vocabulary: usize, device: &Device) -> Tensor<1, Int> {
    let targets = (0..rows).map(|row| (row * 7 % vocabulary) as i64).collect();
    Tensor::from_data(TensorData::new(targets, [rows]), device)
}

type Loss = fn(Tensor<2>, Tensor<1, Int>) -> Tensor<1>;

#[test]
fn cross_entropy_is_its_composed_twin() {
    for device in devices() {
        let device = device.autodiff();
        for [rows, vocabulary] in [[1, 1], [3, 5], [65, 16], [300, 67]] {
            // Large scores: the largest is subtracted before the exponential.
            let mut numbers = Numbers::new(2);
            let logits = numbers.uniform([vocabulary, rows], -20.0..140.0, &device).require_grad();
            let upstream = numbers.uniform([rows], -2.0..2.0, &device);
            let run = |loss: Loss| {
                let losses = loss(logits.clone().transpose(), targets(rows, vocabulary, &device));
                let gradients = (losses.clone() * upstream.clone()).sum().backward();
                (values(losses), values(logits.grad(&gradients).unwrap()))
            };
            let (native, twin) = (run(cross_entropy::cross_entropy), run(cross_entropy::composed));
            let what = format!("{device:?}, {rows} x {vocabulary}");
            // A few roundings of 6e-8 each, beside the size of the number.
            assert_close(&what, &native.0, &twin.0, 2e-6);
            assert_close(&format!("{what}, gradient"), &native.1, &twin.1, 2e-6);
            let inner = logits.clone().transpose().inner();
            let without = cross_entropy::cross_entropy(inner, targets(rows, vocabulary, &device.clone().inner()));
            assert_eq!(native.0, values(without), "{what}, without gradients");
        }
    }
}

#[test]
fn cross_entropy_leaves_the_scores_that_others_hold() {
    for device in devices() {
        let logits = Numbers::new(3).uniform([9, 5], -2.0..2.0, &device);
        let before = values(logits.clone());
        cross_entropy::cross_entropy(logits.clone(), targets(9, 5, &device));
        assert_eq!(values(logits), before, "{device:?}");
    }
}

#[test]
fn a_score_that_is_no_number_makes_the_loss_none() {
    for device in devices() {
        let logits = Tensor::<2>::from_floats([[0.0, f32::NAN, 1.0], [0.0, 1.0, 2.0]], &device);
        let losses = values(cross_entropy::cross_entropy(logits, targets(2, 3, &device)));
        assert!(losses[0].is_nan() && losses[1].is_finite(), "{device:?}: {losses:?}");
    }
}

#[test]
#[cfg(feature = "native-cpu")]
#[should_panic(expected = "`targets[1]` must be in 0..V = 0..3, got 7")]
fn a_target_without_a_column_is_named() {
    let device = &cpus()[0];
    let targets = Tensor::from_data(TensorData::from([0i64, 7]), device);
    cross_entropy::cross_entropy(Tensor::zeros([2, 3], device), targets);
}

/// Central differences of the mean of what `of` gives, by each number of `input`.
fn differences(input: &Tensor<2>, of: impl Fn(Tensor<2>) -> Tensor<1>) -> Vec<f64> {
    let ([rows, columns], step) = (input.dims(), 1e-5);
    let at = |index: usize, by: f64| {
        let mut numbers = values(input.clone());
        numbers[index] += by;
        let options = TensorCreationOptions::from((&input.device(), input.dtype()));
        let moved = Tensor::<2>::from_data(TensorData::new(numbers, [rows, columns]), options);
        values(of(moved).mean())[0]
    };
    (0..rows * columns).map(|index| (at(index, step) - at(index, -step)) / (2.0 * step)).collect()
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for device in cpus() {
        let device = device.autodiff();
        let mut numbers = Numbers::new(4);
        let mut wide = |shape: [usize; 2]| numbers.uniform::<2>(shape, -2.0..2.0, (&device, DType::F64));
        let (rows, weight) = (wide([4, 3]), wide([6, 3]));
        let loss = |weight: Tensor<2>| {
            cross_entropy::cross_entropy(linear::linear(rows.clone(), weight, None), targets(4, 6, &device))
        };
        let leaf = weight.clone().detach().require_grad();
        let gradient = values(leaf.grad(&loss(leaf.clone()).mean().backward()).unwrap());
        // A central difference with a step of 1e-5 is off by about 1e-10, and by 2e-16 / 1e-5 of rounding.
        assert_close(&format!("{device:?}"), &gradient, &differences(&weight, loss), 1e-8);
    }
}

type AdamStep = fn(Tensor<2>, Tensor<2>, [Tensor<2>; 2], &Step) -> (Tensor<2>, [Tensor<2>; 2]);

#[rstest]
fn a_step_of_adam_is_its_composed_twin(
    #[values(Decay::Gradient(0.0), Decay::Gradient(0.1), Decay::Weight(0.1))] decay: Decay,
) {
    for device in devices() {
        // More than one thread's share, and a gradient that is a view.
        let mut numbers = Numbers::new(5);
        let mut random = |shape: [usize; 2]| numbers.uniform::<2>(shape, -2.0..2.0, &device);
        let (start, gradients) = (random([130, 257]), [(); 3].map(|()| random([257, 130])));
        let run = |step: AdamStep| {
            let mut parameter = start.clone();
            let mut moments = [start.zeros_like(), start.zeros_like()];
            for (index, gradient) in gradients.iter().enumerate() {
                let constants =
                    Step { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, decay, learning_rate: 0.01, time: index + 1 };
                (parameter, moments) = step(parameter, gradient.clone().transpose(), moments, &constants);
            }
            let [m, v] = moments;
            [parameter, m, v].map(values)
        };
        let (native, twin) = (run(adam::step), run(adam::composed));
        // Not one rounding differs.
        assert!(native == twin, "{device:?}");
    }
}
