//! Kernels over many tensors are their composed twins, on every device.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::prelude::*;
use burn::tensor::DType;
use rekindle_kernels::adam::{self, Decay, Step, Steps};
use rekindle_kernels::cross_entropy;
use rekindle_kernels::lstm::{self, lstm};
use rekindle_kernels::norm::{Bound, Gradients};
use rekindle_kernels::{Input, Scan, sgd};
use rekindle_testing::{Numbers, assert_close, devices, values};
use rstest::rstest;

/// Lengths of tensors: one element, odd ones, more than a workgroup takes, and none.
const LENGTHS: [usize; 6] = [1, 7, 2048, 5001, 0, 257];

/// Gradients of `count` parameters, vectors and transposed matrices in turn; some elements are zero.
fn gradients(count: usize, device: &Device) -> (Vec<Tensor<1>>, Vec<Tensor<2>>) {
    let mut numbers = Numbers::new(1);
    let vectors = (0..count).step_by(2).map(|k| numbers.uniform([LENGTHS[k % LENGTHS.len()]], -2.0..2.0, device));
    let vectors = vectors.collect();
    let matrices = (1..count).step_by(2).map(|k| {
        let shape = [3 + k % 4, LENGTHS[k % LENGTHS.len()]];
        numbers.uniform::<2>(shape, -2.0..2.0, device).transpose()
    });
    (vectors, matrices.collect())
}

fn collected((vectors, matrices): &(Vec<Tensor<1>>, Vec<Tensor<2>>)) -> Gradients {
    let mut gradients = Gradients::new();
    vectors.iter().for_each(|vector| gradients.push(vector.clone()));
    matrices.iter().for_each(|matrix| gradients.push(matrix.clone()));
    gradients
}

#[rstest]
#[case(Bound::None)]
#[case(Bound::Value(0.5))]
#[case(Bound::TensorNorm(3.0))]
#[case(Bound::GlobalNorm(3.0))]
#[case(Bound::GlobalNorm(1e6))]
fn clipping_many_gradients_is_clipping_each(#[case] bound: Bound) {
    for device in devices() {
        // A kernel takes at most 32 tensors.
        for count in [1, 6, 41] {
            let all = gradients(count, &device);
            let (mut seen, norm) = collected(&all).clip(bound);
            let (mut wanted, wanted_norm) = collected(&all).clip_each(bound);
            let what = format!("{bound:?}, {count} gradients, {device:?}");
            // Sums of up to 50,000 squares, in another order.
            assert_close(&what, &values(norm), &values(wanted_norm), 1e-5);
            for _ in &all.0 {
                assert_close(&what, &values(seen.take::<1>()), &values(wanted.take::<1>()), 1e-5);
            }
            for matrix in &all.1 {
                let (seen, wanted) = (seen.take::<2>(), wanted.take::<2>());
                assert_eq!(seen.dims(), matrix.dims());
                assert_close(&what, &values(seen), &values(wanted), 1e-5);
            }
        }
    }
}

/// As [`assert_close`], of numbers of which some are wanted to be infinite or NaN.
fn assert_close_or_same(what: &str, seen: &[f64], wanted: &[f64]) {
    assert_eq!(seen.len(), wanted.len(), "{what}: length");
    let pairs = || seen.iter().copied().zip(wanted.iter().copied());
    for (seen, wanted) in pairs().filter(|(_, wanted)| !wanted.is_finite()) {
        assert!(seen == wanted || seen.is_nan() && wanted.is_nan(), "{what}: {seen}, wanted {wanted}");
    }
    let (seen, wanted): (Vec<f64>, Vec<f64>) = pairs().filter(|(_, wanted)| wanted.is_finite()).unzip();
    assert_close(what, &seen, &wanted, 1e-6);
}

#[rstest]
#[case(f32::NAN)]
#[case(f32::INFINITY)]
fn a_gradient_that_is_no_number_is_clipped_as_each_is(#[case] odd: f32) {
    for device in devices() {
        for bound in [Bound::TensorNorm(1.0), Bound::GlobalNorm(1.0)] {
            let all =
                (vec![Tensor::from_floats([1.0, odd, -3.0], &device), Tensor::from_floats([4.0], &device)], Vec::new());
            let (mut seen, norm) = collected(&all).clip(bound);
            let (mut wanted, wanted_norm) = collected(&all).clip_each(bound);
            let what = format!("{odd}, {bound:?}, {device:?}");
            assert_close_or_same(&what, &values(norm), &values(wanted_norm));
            for _ in 0..2 {
                assert_close_or_same(&what, &values(seen.take::<1>()), &values(wanted.take::<1>()));
            }
        }
        // A value that is no number is within no bound; an infinite one is.
        let all = (vec![Tensor::from_floats([odd, -9.0], &device)], Vec::new());
        let seen = values(collected(&all).clip(Bound::Value(2.0)).0.take::<1>());
        assert!(if odd.is_nan() { seen[0].is_nan() } else { seen[0] == 2.0 }, "{device:?}: {seen:?}");
        assert_eq!(seen[1], -2.0, "{device:?}");
    }
}

#[test]
fn gradients_of_other_element_types_are_clipped_too() {
    for device in rekindle_testing::cpus() {
        let mut gradients = Gradients::new();
        gradients.push(Tensor::<1>::from_floats([3.0, 4.0], &device).cast(DType::F64));
        let (mut clipped, norm) = gradients.clip(Bound::GlobalNorm(1.0));
        assert_close("norm", &values(norm), &[5.0], 1e-6);
        assert_close("clipped", &values(clipped.take::<1>()), &[0.6, 0.8], 1e-6);
    }
}

#[rstest]
#[case(Decay::Gradient(0.0))]
#[case(Decay::Gradient(0.1))]
#[case(Decay::Weight(0.1))]
fn steps_of_many_parameters_are_those_of_each(#[case] decay: Decay) {
    for device in devices() {
        let step = |k: usize| Step {
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            decay,
            // A parameter may be in a group with its own rate, and have joined later.
            learning_rate: 1e-2 * (1 + k % 3) as f64,
            time: 1 + k % 5,
        };
        let mut numbers = Numbers::new(2);
        let parameters: Vec<[Tensor<1>; 4]> = (0..41)
            .map(|k| {
                let mut tensor = || numbers.uniform([LENGTHS[k % LENGTHS.len()]], -2.0..2.0, &device);
                [tensor(), tensor(), tensor(), tensor().abs()]
            })
            .collect();
        let mut steps = Steps::new();
        let stepped: Vec<_> = parameters
            .iter()
            .cloned()
            .enumerate()
            .map(|(k, [parameter, gradient, m, v])| steps.step(parameter, gradient, [m, v], &step(k)))
            .collect();
        steps.run();
        for (k, ([parameter, gradient, m, v], (seen, moments))) in parameters.into_iter().zip(stepped).enumerate() {
            let before = values(parameter.clone());
            let (wanted, wanted_moments) = adam::composed(parameter.clone(), gradient, [m, v], &step(k));
            let what = format!("parameter {k}, {decay:?}, {device:?}");
            assert_close(&what, &values(seen), &values(wanted), 1e-6);
            for (seen, wanted) in moments.into_iter().zip(wanted_moments) {
                assert_close(&what, &values(seen), &values(wanted), 1e-6);
            }
            assert_eq!(values(parameter), before, "a tensor with another owner is left as it is: {what}");
        }
    }
}

#[rstest]
fn steps_of_sgd_are_those_of_each(#[values(false, true)] momentum: bool, #[values(0.0, 0.1)] penalty: f32) {
    for device in devices() {
        let step = sgd::Step { momentum: 0.9, penalty, learning_rate: 0.3 };
        let mut numbers = Numbers::new(3);
        let parameters: Vec<_> = (0..41)
            .map(|k| {
                let mut tensor = || numbers.uniform::<1>([LENGTHS[k % LENGTHS.len()]], -2.0..2.0, &device);
                (tensor(), tensor(), momentum.then(tensor))
            })
            .collect();
        let mut steps = sgd::Steps::new();
        let each = parameters.iter().cloned();
        let stepped: Vec<_> = each.map(|(w, gradient, v)| steps.step(w, gradient, v, &step)).collect();
        steps.run();
        for (k, ((w, gradient, v), (seen, seen_v))) in parameters.into_iter().zip(stepped).enumerate() {
            let (wanted, wanted_v) = sgd::composed(w, gradient, v, &step);
            let what = format!("parameter {k}, {step:?}, {device:?}");
            assert_close(&what, &values(seen), &values(wanted), 1e-6);
            let [seen, wanted] = [seen_v, wanted_v].map(|velocity| velocity.map(values));
            assert_eq!(seen.is_some(), momentum);
            assert_close(&what, &seen.unwrap_or_default(), &wanted.unwrap_or_default(), 1e-6);
        }
    }
}

#[test]
fn the_mean_loss_is_the_mean_of_the_losses() {
    for device in devices() {
        let device = device.autodiff();
        for [rows, vocabulary] in [[1, 1], [3, 5], [70, 300], [2, 5000]] {
            let logits = Numbers::new(4).uniform([rows, vocabulary], -2.0..2.0, &device).require_grad();
            let targets = (0..rows).map(|row| (row * 7 % vocabulary) as i64).collect();
            let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [rows]), &device);
            let seen = cross_entropy::mean(logits.clone(), targets.clone());
            let wanted = cross_entropy::composed(logits.clone(), targets).mean();
            let what = format!("{rows} x {vocabulary}, {device:?}");
            // Sums of up to 5,000 exponentials in another order.
            assert_close(&what, &values(seen.clone()), &values(wanted.clone()), 1e-5);
            let gradient = |loss: Tensor<1>| values(logits.grad(&loss.mul_scalar(3.0).backward()).unwrap());
            assert_close(&what, &gradient(seen), &gradient(wanted), 1e-5);
        }
    }
}

/// Tokens that repeat, in a table with fewer rows than tokens and in one with more.
#[rstest]
#[case(5)]
#[case(300)]
fn the_gradient_of_a_table_is_its_composed_twin(#[case] vocabulary: usize) {
    let [time, batch, hidden] = [6, 7, 3];
    for device in devices() {
        let device = device.autodiff();
        let mut numbers = Numbers::new(5);
        let table = numbers.uniform([vocabulary, 4 * hidden], -2.0..2.0, &device).require_grad();
        let tokens: Vec<i64> = (0..time * batch).map(|n| (n * n % vocabulary.min(11)) as i64).collect();
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [time, batch]), &device);
        let weight = numbers.uniform([4 * hidden, hidden], -2.0..2.0, &device);
        let zeros = Tensor::zeros([batch, hidden], &device);
        let upstream: Tensor<3> = numbers.uniform([time, batch, hidden], -2.0..2.0, &device);
        type Run = fn(Input, Tensor<2>, Tensor<2>, Tensor<2>, &Scan) -> rekindle_kernels::Outputs<2>;
        let run = |lstm: Run| {
            let input = Input::Tokens { table: table.clone(), tokens: tokens.clone() };
            let (hidden, _) = lstm(input, weight.clone(), zeros.clone(), zeros.clone(), &Scan::default());
            values(table.grad(&(hidden * upstream.clone()).sum().backward()).unwrap())
        };
        let (seen, wanted) = (run(lstm), run(lstm::composed));
        assert_close(&format!("{vocabulary} rows, {device:?}"), &seen, &wanted, 1e-5);
        assert_eq!(seen, run(lstm), "the same every time: {device:?}");
    }
}
