//! Native code agrees with the composed twin: outputs and all gradients.

use burn::prelude::*;
use burn::tensor::DType;
use rekindle_kernels::{Direction, Scan};
use rekindle_testing::devices;
use rstest::rstest;

use crate::sequence::{Arguments, Body, Cell, Loss, Sizes, assert_same_results};

/// Both bodies add up to 255 products of order 1 and walk 6 steps, each addition with a
/// relative error of 6e-8, in different orders.
const TOLERANCE: f64 = 2e-5;

fn assert_twins_agree(device: &Device, cell: Cell, sizes: Sizes, scan: &Scan, loss: Loss) {
    let seed = (sizes.hidden * 100 + sizes.batch * 10 + sizes.steps) as u64;
    let arguments = Arguments::random(cell, sizes, seed);
    let native = arguments.results(Body::Operation, device, DType::F32, scan, loss);
    let composed = arguments.results(Body::Composed, device, DType::F32, scan, loss);
    assert_same_results(&native, &composed, TOLERANCE);
}

/// Lengths from `T` down to 1, over and over, the longest not first.
fn lengths(sizes: Sizes) -> Vec<usize> {
    (0..sizes.batch).map(|b| 1 + (b + 1) % sizes.steps).collect()
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(Device::flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(Device::ndarray()))]
fn twins_agree_on_all_sizes_directions_lengths_and_inputs(
    #[case] device: Device,
    #[values(Cell::RnnTanh, Cell::RnnRelu, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
    #[values(1, 5, 17, 100, 255)] hidden: usize,
    #[values(Direction::Forward, Direction::Reverse)] direction: Direction,
) {
    for batch in [1, 3, 7] {
        for steps in [1, 6] {
            // Four symbols for up to 42 positions: tokens repeat.
            for vocabulary in [None, Some(4)] {
                let sizes = Sizes { steps, batch, hidden, vocabulary };
                for lengths in [None, Some(lengths(sizes))] {
                    let scan = Scan { direction, lengths, ..Scan::default() };
                    assert_twins_agree(&device, cell, sizes, &scan, Loss::Both);
                }
            }
        }
    }
}

#[rstest]
fn gradients_flow_from_any_set_of_outputs(
    #[values(Cell::RnnTanh, Cell::RnnRelu, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
    #[values(Loss::Hidden, Loss::Last, Loss::Both)] loss: Loss,
    #[values(Direction::Forward, Direction::Reverse)] direction: Direction,
    #[values(None, Some(5))] vocabulary: Option<usize>,
) {
    for device in devices() {
        // With one step, row and unit the gradient of the hidden states has the shape of
        // the zero that stands for none.
        for (steps, batch, hidden) in [(4, 3, 17), (1, 1, 1)] {
            let sizes = Sizes { steps, batch, hidden, vocabulary };
            for lengths in [None, Some(lengths(sizes))] {
                assert_twins_agree(&device, cell, sizes, &Scan { direction, lengths, ..Scan::default() }, loss);
            }
        }
    }
}

#[rstest]
fn twins_agree_where_gradients_are_checkpointed(
    #[values(Cell::RnnTanh, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
) {
    for device in devices() {
        let sizes = Sizes { steps: 4, batch: 3, hidden: 17, vocabulary: None };
        let device = device.autodiff().gradient_checkpointing();
        assert_twins_agree(&device, cell, sizes, &Scan::default(), Loss::Both);
    }
}
