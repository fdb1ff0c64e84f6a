//! On a GPU a step of time is one matrix product and one kernel, forward and backward; the cells
//! without a recurrent product are one kernel a sequence.
#![cfg(feature = "wgpu")]

use burn::prelude::*;
use burn::tensor::Distribution;
use rekindle_kernels::{
    Direction, Input, Scan,
    gru::gru,
    launches::count,
    lstm::lstm,
    minimal::{min_gru, min_lstm},
    rnn::{Activation, rnn},
};
use rekindle_testing::{cpus, devices};

/// `B` and `H`: the numbers of a step begin where a GPU can address them in place.
const BATCH: usize = 4;
const HIDDEN: usize = 64;

#[derive(Clone, Copy, Debug)]
enum Cell {
    Rnn,
    Lstm,
    Gru,
    MinGru,
    MinLstm,
}

/// Launches of a walk over `steps` steps forward, and of its backward walk.
fn launches(cell: Cell, steps: usize, scan: &Scan, device: &Device) -> [usize; 2] {
    let device = device.clone().autodiff();
    let gates = match cell {
        Cell::Rnn => 1,
        Cell::MinGru => 2,
        Cell::Gru | Cell::MinLstm => 3,
        Cell::Lstm => 4,
    };
    let random = |shape: [usize; 2]| Tensor::<2>::random(shape, Distribution::Default, &device);
    let projection = random([steps * BATCH, gates * HIDDEN]).reshape([steps, BATCH, gates * HIDDEN]).require_grad();
    let input = Input::Projected(projection.add_scalar(0.0));
    let weight = random([gates * HIDDEN, HIDDEN]).require_grad();
    let [h0, c0] = [random([BATCH, HIDDEN]), random([BATCH, HIDDEN])];
    let (hidden, forward) = count(|| match cell {
        Cell::Rnn => rnn(input, weight, h0, Activation::Tanh, scan).0,
        Cell::Lstm => lstm(input, weight, h0, c0, scan).0,
        Cell::Gru => gru(input, weight, random([1, 3 * HIDDEN]).squeeze_dim(0), h0, scan).0,
        Cell::MinGru => min_gru(input, h0, scan).0,
        Cell::MinLstm => min_lstm(input, h0, scan).0,
    });
    let loss = hidden.sum();
    let (_, backward) = count(|| loss.backward());
    [forward, backward]
}

// One test: the counts are of the whole process.
#[test]
fn a_step_of_time_is_two_launches_forward_and_two_backward_or_none() {
    let gpus = &devices()[cpus().len()..];
    for (cell, of_step) in [(Cell::Rnn, 2), (Cell::Lstm, 2), (Cell::Gru, 2), (Cell::MinGru, 0), (Cell::MinLstm, 0)] {
        for direction in [Direction::Forward, Direction::Reverse] {
            for lengths in [None, Some(vec![2, 3, 2, 3])] {
                let scan = Scan { direction, lengths, ..Scan::default() };
                for gpu in gpus {
                    let [short, long] = [3, 8].map(|steps| launches(cell, steps, &scan, gpu));
                    let seen = format!("{cell:?}, {scan:?}: {short:?} launches for 3 steps, {long:?} for 8");
                    for pass in [0, 1] {
                        assert_eq!(long[pass] - short[pass], of_step * (8 - 3), "{seen}");
                    }
                    // What a sequence costs beside its steps does not depend on their number.
                    assert!(short[0] <= of_step * 3 + 8 && short[1] <= of_step * 3 + 16, "{seen}");
                }
            }
        }
    }
    // A software GPU that still compiles a kernel when the process ends may crash.
    for gpu in gpus {
        gpu.sync().expect("the device has run the kernels");
    }
    for cpu in cpus() {
        assert_eq!(launches(Cell::Lstm, 3, &Scan::default(), &cpu), [0, 0]);
    }
}
