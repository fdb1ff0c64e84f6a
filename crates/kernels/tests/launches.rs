//! On a GPU the number of launches does not depend on the number of time steps. Where a sequence does
//! not fit into one kernel, a step of time is one matrix product and one kernel, forward and
//! backward.
#![cfg(feature = "wgpu")]

use burn::prelude::*;
use rekindle_kernels::{
    Direction, Input, Scan,
    gru::gru,
    launches::{Form, count, one_launch, with_form},
    lstm::lstm,
    minimal::{min_gru, min_lstm},
    rnn::{Activation, rnn},
};
use rekindle_testing::{Numbers, cpus, devices};

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
    let mut numbers = Numbers::new(1);
    let mut random = |shape: [usize; 2]| numbers.uniform::<2>(shape, 0.0..1.0, &device);
    let projection = random([steps * BATCH, gates * HIDDEN]).reshape([steps, BATCH, gates * HIDDEN]).require_grad();
    let input = Input::Projected(projection.add_scalar(0.0));
    let weight = random([gates * HIDDEN, HIDDEN]).require_grad();
    let [h0, c0] = [random([BATCH, HIDDEN]), random([BATCH, HIDDEN])];
    let bias: Tensor<1> = random([1, 3 * HIDDEN]).squeeze_dim(0);
    let (hidden, forward) = count(|| match cell {
        Cell::Rnn => rnn(input, weight, h0, Activation::Tanh, scan).0,
        Cell::Lstm => lstm(input, weight, h0, c0, scan).0,
        Cell::Gru => gru(input, weight, bias, h0, scan).0,
        Cell::MinGru => min_gru(input, h0, scan).0,
        Cell::MinLstm => min_lstm(input, h0, scan).0,
    });
    let loss = hidden.sum();
    let (_, backward) = count(|| loss.backward());
    [forward, backward]
}

/// Of the backward pass of the sum that is the loss: ones, and their expansion.
const OF_THE_LOSS: usize = 3;

// One test: the counts are of the whole process.
#[test]
fn a_sequence_is_a_constant_number_of_launches() {
    let gpus = &devices()[cpus().len()..];
    // Forward: the transposed weights and the sequence. Backward: the sequence, and the gradients of
    // the weights and of the recurrent bias; the zeros of a minimal cell's final state.
    let of_cells = [
        (Cell::Rnn, [2, 2]),
        (Cell::Lstm, [2, 2]),
        (Cell::Gru, [2, 3]),
        (Cell::MinGru, [1, 2]),
        (Cell::MinLstm, [1, 2]),
    ];
    for (cell, [forward, backward]) in of_cells {
        let has_product = !matches!(cell, Cell::MinGru | Cell::MinLstm);
        for direction in [Direction::Forward, Direction::Reverse] {
            for lengths in [None, Some(vec![2, 3, 2, 3])] {
                let scan = Scan { direction, lengths, ..Scan::default() };
                for gpu in gpus {
                    for steps in [3, 8] {
                        let seen = launches(cell, steps, &scan, gpu);
                        assert_eq!(seen, [forward, backward + OF_THE_LOSS], "{cell:?}, {scan:?}, {steps} steps");
                    }
                    if has_product {
                        let [short, long] =
                            [3, 8].map(|steps| with_form(Form::PerStep, || launches(cell, steps, &scan, gpu)));
                        let seen = format!("{cell:?}, {scan:?}: {short:?} launches for 3 steps, {long:?} for 8");
                        assert_eq!([long[0] - short[0], long[1] - short[1]], [2 * (8 - 3); 2], "{seen}");
                        // What a sequence costs beside its steps does not depend on their number.
                        assert!(short[0] <= 2 * 3 + 3 && short[1] <= 2 * 3 + 5 + OF_THE_LOSS, "{seen}");
                    }
                }
            }
        }
    }
    // A software GPU that still compiles a kernel when the process ends may crash.
    for gpu in gpus {
        gpu.sync().expect("the device has run the kernels");
        let cells = one_launch(gpu);
        assert!(cells.iter().all(|of| of.hidden.is_some_and(|hidden| hidden >= HIDDEN)), "{cells:?}");
        assert_eq!(cells.len(), 3);
    }
    for cpu in cpus() {
        assert_eq!(launches(Cell::Lstm, 3, &Scan::default(), &cpu), [0, 0]);
        assert_eq!(one_launch(&cpu), []);
    }
}
