//! One step at a time, with any number of threads, gives the numbers of the sequence.

use burn::prelude::*;
use burn::tensor::DType;
use rekindle_kernels::{Input, Scan};
use rekindle_testing::{assert_close, on_threads, values};
use rstest::rstest;

use crate::sequence::{Arguments, Body, Cell, Loss, Sizes, call, tensor};

/// Large enough for several threads, and no multiple of a tile or a panel.
const SIZES: Sizes = Sizes { steps: 6, batch: 7, hidden: 101, vocabulary: None };

#[rstest]
#[cfg_attr(feature = "flex", case::flex(Device::flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(Device::ndarray()))]
fn single_steps_are_bit_equal_to_the_sequence(
    #[case] device: Device,
    #[values(Cell::RnnTanh, Cell::RnnRelu, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
) {
    let arguments = Arguments::random(cell, SIZES, 3);
    let Sizes { steps, batch, hidden, .. } = SIZES;
    let gates = cell.gates() * hidden;
    let scan = Scan::default();
    let (sequence, last) = arguments.outputs(Body::Operation, &device, DType::F32, &scan);

    let [input, weight, bias, h0, c0] = &arguments.values;
    let input = tensor(input, [steps, batch, gates], &device, DType::F32);
    let weight = tensor(weight, [gates, hidden], &device, DType::F32);
    let bias = tensor(bias, [gates], &device, DType::F32);
    // Each row walks alone, so that a row's numbers depend on no other row either.
    for b in 0..batch {
        let row = |values: &[f64]| tensor(&values[b * hidden..][..hidden], [1, hidden], &device, DType::F32);
        let mut state = vec![row(h0), row(c0)];
        for t in 0..steps {
            let step = Input::Projected(input.clone().slice([t..t + 1, b..b + 1, 0..gates]));
            let c = state.get(1).cloned().unwrap_or_else(|| row(c0));
            let parameters = [weight.clone(), state[0].clone(), c];
            let (hidden_now, next) = call(cell, Body::Operation, step, parameters, bias.clone(), &scan);
            let wanted = sequence.clone().slice([t..t + 1, b..b + 1, 0..hidden]);
            assert_eq!(values(hidden_now), values(wanted), "step {t} of row {b}");
            state = next;
        }
        for (state, last) in state.into_iter().zip(&last) {
            let wanted = last.clone().slice([b..b + 1, 0..hidden]);
            assert_eq!(values(state), values(wanted), "final state of row {b}");
        }
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(Device::flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(Device::ndarray()))]
fn one_thread_gives_the_numbers_of_many(
    #[case] device: Device,
    #[values(Cell::RnnTanh, Cell::RnnRelu, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
    #[values(None, Some(11))] vocabulary: Option<usize>,
) {
    let arguments = Arguments::random(cell, Sizes { vocabulary, ..SIZES }, 4);
    let scan = Scan { lengths: Some(vec![6, 1, 3, 6, 2, 5, 4]), ..Scan::default() };
    let results =
        |threads| on_threads(threads, || arguments.results(Body::Operation, &device, DType::F32, &scan, Loss::Both));
    let (one, four) = (results(1), results(4));
    assert_eq!(one.outputs, four.outputs);
    // That of bias_hh is a sum over the batch, which the threads share; the others belong to a row
    // or are sums in order of time.
    for argument in [0, 1, 3, 4] {
        assert_eq!(one.gradients[argument], four.gradients[argument]);
    }
    if let (Some(one), Some(four)) = (&one.gradients[2], &four.gradients[2]) {
        assert_close("sum over the batch", one, four, 1e-5);
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(Device::flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(Device::ndarray()))]
fn threads_that_share_each_product_give_the_numbers_of_one(
    #[case] device: Device,
    #[values(Cell::RnnTanh, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
) {
    // So many weights and so few rows that the threads take columns, not rows.
    let sizes = Sizes { steps: 3, batch: 2, hidden: 725, vocabulary: None };
    let arguments = Arguments::random(cell, sizes, 6);
    let scan = Scan { lengths: Some(vec![3, 2]), ..Scan::default() };
    let results =
        |threads| on_threads(threads, || arguments.results(Body::Operation, &device, DType::F32, &scan, Loss::Both));
    let (one, three) = (results(1), results(3));
    assert_eq!(one.outputs, three.outputs);
    assert_eq!(one.gradients, three.gradients);
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(Device::flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(Device::ndarray()))]
fn a_fixed_number_of_threads_gives_the_same_gradients_each_time(
    #[case] device: Device,
    #[values(Cell::RnnTanh, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
) {
    let arguments = Arguments::random(cell, SIZES, 5);
    let results =
        || on_threads(3, || arguments.results(Body::Operation, &device, DType::F32, &Scan::default(), Loss::Both));
    assert_eq!(results().gradients, results().gradients);
}
