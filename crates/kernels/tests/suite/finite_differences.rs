//! The composed twins' gradients against central differences, in f64.

use burn::prelude::*;
use burn::tensor::DType;
use rekindle_kernels::{Direction, Scan};
use rekindle_testing::assert_close;
use rstest::rstest;

use crate::sequence::{Arguments, Body, Cell, Loss, Sizes};

/// The error of a central difference is about `STEP²` of the third derivative plus
/// `2e-16 / STEP` of rounding: a few 1e-10 here.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-8;

#[rstest]
#[cfg_attr(feature = "flex", case::flex(Device::flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(Device::ndarray()))]
fn gradients_are_the_slopes_of_the_loss(
    #[case] device: Device,
    #[values(Cell::RnnTanh, Cell::RnnRelu, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
    #[values(Direction::Forward, Direction::Reverse)] direction: Direction,
    #[values(None, Some(2))] vocabulary: Option<usize>,
    #[values(None, Some(vec![2, 3]))] lengths: Option<Vec<usize>>,
) {
    let sizes = Sizes { steps: 3, batch: 2, hidden: 3, vocabulary };
    let scan = Scan { direction, lengths, ..Scan::default() };
    let arguments = Arguments::random(cell, sizes, 7);
    let loss = |arguments: &Arguments| arguments.results(Body::Composed, &device, DType::F64, &scan, Loss::Both);
    let gradients = loss(&arguments).gradients;
    for (argument, gradient) in gradients.iter().enumerate() {
        let Some(gradient) = gradient else { continue };
        let slopes: Vec<f64> = (0..gradient.len())
            .map(|index| {
                let at = |nudge: f64| {
                    let mut nudged = arguments.clone();
                    nudged.values[argument][index] += nudge;
                    loss(&nudged).loss
                };
                (at(STEP) - at(-STEP)) / (2.0 * STEP)
            })
            .collect();
        assert_close(&format!("argument {argument}"), gradient, &slopes, TOLERANCE);
    }
}
