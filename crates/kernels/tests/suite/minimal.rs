//! minGRU and minLSTM against the package `minGRU-pytorch`, and where their sums are large.
//!
//! `fixtures/make_minimal.py` computed the numbers.

use std::collections::BTreeMap;

use burn::tensor::DType;
use rekindle_kernels::{Input, Scan, minimal};
use rekindle_testing::{assert_close, devices, values};
use rstest::rstest;
use serde::Deserialize;

use crate::sequence::{Arguments, Body, Cell, Loss, Sizes, tensor};

/// Six steps of a few roundings of 6e-8 each, of numbers of order 1.
const TOLERANCE: f64 = 2e-6;

type Tensors = BTreeMap<String, Vec<f64>>;

#[derive(Deserialize)]
struct Case {
    cell: String,
    /// `T, B, H`.
    sizes: [usize; 3],
    /// `input` and, where there is an initial state, `h0`.
    inputs: Tensors,
    loss_weights: Tensors,
    /// `hidden` and `last`.
    outputs: Tensors,
    /// As the inputs.
    gradients: Tensors,
}

#[test]
fn outputs_and_gradients_are_those_of_the_python_package() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../fixtures/minimal.json")).expect("a valid fixture");
    assert_eq!(cases.len(), 4);
    for device in devices() {
        let device = device.autodiff();
        for case in &cases {
            let [steps, batch, width] = case.sizes;
            let gates = if case.cell == "min_gru" { 2 } else { 3 };
            let given = |name| case.inputs.get(name).cloned();
            let input = given("input").expect("every case has an input");
            let input = tensor(&input, [steps, batch, gates * width], &device, DType::F32).require_grad();
            let h0 = given("h0").unwrap_or_else(|| vec![0.0; batch * width]);
            let h0 = tensor(&h0, [batch, width], &device, DType::F32).require_grad();

            let operation = if gates == 2 { minimal::min_gru } else { minimal::min_lstm };
            let (hidden, [last]) = operation(Input::Projected(input.clone()), h0.clone(), &Scan::default());
            let weights = |name: &str| &case.loss_weights[name];
            let by_hidden = tensor(weights("hidden"), [steps, batch, width], &device, DType::F32);
            let by_last = tensor(weights("last"), [batch, width], &device, DType::F32);
            let loss = (hidden.clone() * by_hidden).sum() + (last.clone() * by_last).sum();
            let gradients = loss.backward();

            let outputs = [("hidden", values(hidden)), ("last", values(last))];
            for (name, seen) in outputs {
                assert_close(&format!("{}: {name}", case.cell), &seen, &case.outputs[name], TOLERANCE);
            }
            let of_input = input.grad(&gradients).map(values).expect("the input has a gradient");
            let of_h0 = h0.grad(&gradients).map(values).expect("h0 has a gradient");
            for (name, seen) in [("input", of_input), ("h0", of_h0)] {
                if let Some(wanted) = case.gradients.get(name) {
                    assert_close(&format!("{}: gradient of {name}", case.cell), &seen, wanted, TOLERANCE);
                }
            }
        }
    }
}

#[rstest]
fn sums_of_any_size_give_finite_states_and_gradients(
    #[values(Cell::MinGru, Cell::MinLstm)] cell: Cell,
    #[values(Body::Operation, Body::Composed)] body: Body,
    #[values(-1e30, -200.0, -100.0, 100.0)] size: f64,
) {
    for device in devices() {
        let sizes = Sizes { steps: 3, batch: 2, hidden: 17, vocabulary: None };
        let mut arguments = Arguments::random(cell, sizes, 3);
        arguments.values[0].iter_mut().for_each(|sum| *sum += size);
        let results = arguments.results(body, &device, DType::F32, &Scan::default(), Loss::Both);
        let gradients = results.gradients.iter().flatten().flatten();
        assert!(results.outputs.iter().flatten().chain(gradients).all(|x| x.is_finite()), "{device:?}");
    }
}
