//! Every backend gives the numbers of the first: native code on CPUs and the kernels of GPUs.

use burn::tensor::DType;
use rekindle_kernels::{Direction, Scan};
use rekindle_testing::devices;
use rstest::rstest;

use crate::sequence::{Arguments, Body, Cell, Loss, Sizes, assert_same_results};

/// Sums of up to 64 products of order 1 in different orders, through 3 steps, and the exponentials of a GPU, which are
/// good to a few units in the last place.
const TOLERANCE: f64 = 2e-5;

#[rstest]
fn outputs_and_gradients_are_the_same_on_every_backend(
    #[values(Cell::RnnTanh, Cell::RnnRelu, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
    #[values(None, Some(4))] vocabulary: Option<usize>,
    #[values(Direction::Forward, Direction::Reverse)] direction: Direction,
    // With the second, a step's numbers begin where a GPU can address them in place.
    #[values((2, 5), (4, 64))] (batch, hidden): (usize, usize),
) {
    let arguments = Arguments::random(cell, Sizes { steps: 3, batch, hidden, vocabulary }, 7);
    for lengths in [None, Some((0..batch).map(|b| 2 + b % 2).collect())] {
        let scan = Scan { direction, lengths, ..Scan::default() };
        let mut results = devices()
            .into_iter()
            .map(|device| arguments.results(Body::Operation, &device, DType::F32, &scan, Loss::Both));
        let first = results.next().expect("a backend is compiled in");
        for other in results {
            assert_same_results(&other, &first, TOLERANCE);
        }
    }
}
