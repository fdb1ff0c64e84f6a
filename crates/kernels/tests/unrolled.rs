//! Gradients that are computed once a loop are those that every step adds to.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::prelude::*;
use rekindle_kernels::matmul::matmul;
use rekindle_kernels::unrolled::{LayerWeight, Repeated, unbind};
use rekindle_testing::{Numbers, assert_close, devices, values};

const STEPS: usize = 4;

/// The loss of a loop whose steps read the step before, and the gradients of its sequence `[T, N, W]`, of the matrix
/// `[W, W]` that its steps multiply by, and of a batch of matrices `[N, W, W]`. The last step but one is left out of
/// the loss.
fn gradients(leaves: &(Tensor<3>, Tensor<2>, Tensor<3>), once: bool) -> [Vec<f64>; 4] {
    let leaves = (leaves.0.clone().require_grad(), leaves.1.clone().require_grad(), leaves.2.clone().require_grad());
    // None of them is a leaf where the loop begins.
    let (sequence, matrix, batch) =
        (leaves.0.clone().mul_scalar(1.5), leaves.1.clone().transpose(), leaves.2.clone().swap_dims(1, 2));
    let (repeated, repeated_batch) = (Repeated::new(matrix.clone()), Repeated::new(batch.clone()));
    let steps = match once {
        true => unbind(sequence),
        false => (0..STEPS).map(|t| sequence.clone().narrow(0, t, 1).squeeze_dim(0)).collect(),
    };
    let mut state = Tensor::zeros(steps[0].dims(), &steps[0].device());
    let mut loss = Tensor::zeros([1], &state.device());
    for (t, step) in steps.into_iter().enumerate() {
        let sum = step + state.clone();
        let rows = state.clone();
        let moved = match once {
            // A product by hand, credited, and one of its own.
            true if t % 2 == 1 => repeated.credit(rows.clone(), sum) + matmul(rows, repeated.matrix()),
            true if t == 2 => sum + repeated.product(rows),
            true => repeated.add_product(sum, rows),
            false => sum + matmul(rows, matrix.clone()),
        };
        let each = moved.unsqueeze_dim::<3>(1);
        let each = if once { repeated_batch.product(each) } else { matmul(each, batch.clone()) };
        state = each.squeeze_dim::<2>(1).tanh();
        if t + 2 != STEPS {
            loss = loss + state.clone().square().sum();
        }
    }
    let gradients = loss.backward();
    [
        values(loss),
        values(leaves.0.grad(&gradients).unwrap()),
        values(leaves.1.grad(&gradients).unwrap()),
        values(leaves.2.grad(&gradients).unwrap()),
    ]
}

#[test]
fn values_and_gradients_are_those_of_the_loop_that_adds_step_by_step() {
    for device in devices() {
        for (rows, width) in [(1, 1), (1, 5), (3, 4), (7, 17)] {
            let device = device.clone().autodiff();
            let mut numbers = Numbers::new(5);
            let sequence = numbers.uniform([STEPS, rows, width], -1.0..1.0, &device);
            let matrix = numbers.uniform([width, width], -1.0..1.0, &device);
            let leaves = (sequence, matrix, numbers.uniform([rows, width, width], -1.0..1.0, &device));
            let [once, often] = [true, false].map(|once| gradients(&leaves, once));
            let names = ["loss", "sequence", "matrix", "batch"];
            for ((name, once), often) in names.iter().zip(&once).zip(&often) {
                // Sums of up to 28 products in another order; the steps magnify the roundings, to 4e-6 where it was
                // measured.
                assert_close(&format!("{name}, {device:?}, [{rows}, {width}]"), once, often, 5e-5);
            }
        }
    }
}

#[test]
fn one_row_for_all_has_the_values_and_gradients_of_that_row_for_each() {
    for device in devices() {
        for (rows, inputs, outputs) in [(1, 3, 2), (5, 4, 70), (40, 130, 70)] {
            let device = device.clone().autodiff();
            let mut numbers = Numbers::new(7);
            let matrix: Tensor<2> = numbers.uniform([inputs, outputs], -1.0..1.0, &device);
            let x: Tensor<2> = numbers.uniform([rows, inputs], -1.0..1.0, &device);
            let bias: Tensor<2> = numbers.uniform([1, outputs], -1.0..1.0, &device);
            let made = |copies: usize| {
                let [matrix, x, bias] = [&matrix, &x, &bias].map(|leaf| leaf.clone().require_grad());
                let repeated = Repeated::new(matrix.clone());
                let sum = bias.clone().repeat_dim(0, copies);
                let first = repeated.add_product(sum.clone(), x.clone());
                let both = first * repeated.add_product(sum, x.clone().mul_scalar(0.5));
                let gradients = both.clone().square().sum().backward();
                let of = |leaf: &Tensor<2>| values(leaf.grad(&gradients).unwrap());
                [values(both), of(&matrix), of(&x), of(&bias)]
            };
            for (name, (one, each)) in ["values", "matrix", "rows", "row"].iter().zip(made(1).iter().zip(&made(rows))) {
                let largest = each.iter().fold(1.0, |largest: f64, x| largest.max(x.abs()));
                let [one, each] = [one, each].map(|numbers| numbers.iter().map(|x| x / largest).collect::<Vec<_>>());
                assert_close(&format!("{name}, {device:?}, {rows} rows"), &one, &each, 1e-5);
            }
        }
    }
}

#[test]
fn the_gradient_of_a_layers_weight_is_that_of_the_products_with_its_parts() {
    for device in devices() {
        for (rows, known, rest, outputs) in [(1, 1, 1, 1), (3, 4, 2, 5), (40, 70, 33, 130)] {
            let device = device.clone().autodiff();
            let mut numbers = Numbers::new(9);
            // One column more than are multiplied by, at the end, and one between the parts.
            let weight = numbers.uniform([outputs, known + rest + 2], -1.0..1.0, &device);
            let x: Tensor<2> = numbers.uniform([rows, known], -1.0..1.0, &device);
            let y: Tensor<2> = numbers.uniform([rows, rest], -1.0..1.0, &device);
            // A leaf, and a tensor with a history.
            for factor in [None, Some(0.5)] {
                let made = |once: bool| {
                    let [weight, x, y] = [&weight, &x, &y].map(|leaf| leaf.clone().require_grad());
                    let used = factor.map_or(weight.clone(), |factor| weight.clone() * factor);
                    let columns = [0..known, known + 1..known + 1 + rest];
                    let layer = LayerWeight::new(used.clone());
                    let [of_x, of_y] = columns.map(|columns| {
                        let part = used.clone().narrow(1, columns.start, columns.len()).transpose();
                        (layer.columns(columns), part)
                    });
                    let product = |(repeated, plain): &(Repeated<2>, Tensor<2>), rows: Tensor<2>| {
                        if once { repeated.product(rows) } else { matmul(rows, plain.clone()) }
                    };
                    let before = product(&of_x, x.clone());
                    let first = before.clone() + product(&of_y, y.clone());
                    let second = before + product(&of_y, y.clone().square());
                    let out = first * second;
                    let gradients = out.clone().square().mean().backward();
                    let of = |leaf: &Tensor<2>| values(leaf.grad(&gradients).unwrap());
                    [values(out), of(&weight), of(&x), of(&y)]
                };
                for (name, (once, often)) in
                    ["values", "weight", "x", "y"].iter().zip(made(true).iter().zip(&made(false)))
                {
                    // Sums of up to 130 products of f32 in another order, relative to the largest.
                    let largest = often.iter().fold(1.0, |largest: f64, x| largest.max(x.abs()));
                    let [once, often] = [once, often].map(|all| all.iter().map(|x| x / largest).collect::<Vec<_>>());
                    assert_close(&format!("{name}, {device:?}, {rows} rows"), &once, &often, 1e-5);
                }
            }
        }
    }
}

#[test]
fn a_layers_weight_has_no_gradient_of_columns_that_nothing_multiplies_by() {
    for device in devices() {
        let device = device.autodiff();
        let weight = Tensor::<2>::ones([2, 5], &device).require_grad();
        let part = LayerWeight::new(weight.clone()).columns(1..3);
        let gradients = part.product(Tensor::ones([4, 2], &device)).sum().backward();
        assert_eq!(values(weight.grad(&gradients).unwrap()), [[0.0, 4.0, 4.0, 0.0, 0.0]; 2].concat());
    }
}

#[test]
#[should_panic]
fn a_sum_of_neither_one_row_nor_all_is_refused() {
    let device = devices().remove(0);
    let [sum, rows] = [2, 5].map(|rows| Tensor::<2>::ones([rows, 3], &device));
    Repeated::new(Tensor::<2>::ones([3, 3], &device)).add_product(sum, rows);
}

#[test]
fn a_step_that_no_loss_depends_on_has_no_gradient() {
    for device in devices() {
        let device = device.autodiff();
        let sequence = Tensor::<3>::ones([3, 2, 2], &device).require_grad();
        let steps = unbind(sequence.clone());
        let gradient = sequence.grad(&steps[1].clone().sum().backward()).unwrap();
        let sums: Vec<f32> = gradient.sum_dim(2).sum_dim(1).into_data().convert::<f32>().try_to_vec().unwrap();
        assert_eq!(sums, [0.0, 4.0, 0.0]);
    }
}

#[test]
fn without_gradients_they_are_plain_products_and_slices() {
    for device in devices() {
        let mut numbers = Numbers::new(6);
        let matrix = numbers.uniform([3, 2], 0.0..1.0, &device);
        let rows: Tensor<2> = numbers.uniform([4, 3], 0.0..1.0, &device);
        let product = Repeated::new(matrix.clone()).product(rows.clone());
        assert_eq!(values(product), values(rows.matmul(matrix)));
        let sequence: Tensor<3> = numbers.uniform([2, 3, 2], 0.0..1.0, &device);
        let steps: Vec<Tensor<3>> = unbind(sequence.clone()).into_iter().map(|step| step.unsqueeze_dim(0)).collect();
        assert_eq!(values(Tensor::cat(steps, 0)), values(sequence));
    }
}
