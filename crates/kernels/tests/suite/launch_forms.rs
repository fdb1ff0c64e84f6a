//! On a GPU, all forms of the kernels of a sequence give the numbers of the CPU: one launch a
//! sequence, as planned for a real GPU and for a software one, and two launches a time step.
#![cfg(feature = "wgpu")]

use burn::tensor::DType;
use rekindle_kernels::{
    Direction, Scan,
    launches::{Form, with_form},
};
use rekindle_testing::{cpus, devices};
use rstest::rstest;

use crate::sequence::{Arguments, Body, Cell, Loss, Sizes, assert_same_results};

/// Sums of up to 520 products of order 1 in different orders, through 3 steps, and the exponentials
/// of a GPU, which are good to a few units in the last place.
const TOLERANCE: f64 = 3e-5;

/// No multiple of the rows of a workgroup, 2 or 8.
const BATCH: usize = 35;

#[rstest]
fn all_forms_give_the_numbers_of_the_cpu(
    #[values(Cell::RnnTanh, Cell::Lstm, Cell::Gru)] cell: Cell,
    // With and without several slices of a sum, several units to a thread, and a thread without a
    // unit.
    #[values(1, 3, 5, 17, 64, 130)] hidden: usize,
    #[values(Form::PerStep, Form::PerSequence { software: false }, Form::PerSequence { software: true })] form: Form,
) {
    let lengths = Some((0..BATCH).map(|b| 1 + b % 3).collect());
    // Each option in both directions and with both inputs.
    let calls = [
        (Direction::Forward, None, None, Loss::Hidden),
        (Direction::Forward, lengths.clone(), Some(4), Loss::Both),
        (Direction::Reverse, None, Some(4), Loss::Last),
        (Direction::Reverse, lengths, None, Loss::Both),
    ];
    let Some(cpu) = cpus().into_iter().next() else { return };
    for gpu in &devices()[cpus().len()..] {
        for (direction, lengths, vocabulary, loss) in calls.clone() {
            let arguments = Arguments::random(cell, Sizes { steps: 3, batch: BATCH, hidden, vocabulary }, 8);
            let scan = Scan { direction, lengths, ..Scan::default() };
            let results = |device| arguments.results(Body::Operation, device, DType::F32, &scan, loss);
            assert_same_results(&with_form(form, || results(gpu)), &results(&cpu), TOLERANCE);
        }
    }
}
