use burn::tensor::{Device, TensorData};
use rekindle_testing::cpus;
use rstest::rstest;

use super::super::elements;
use super::*;
use crate::{Input, Scan};

fn tensor<const D: usize>(shape: [usize; D], seed: f32, device: &Device) -> Tensor<D> {
    let values = (0..shape.iter().product()).map(|at: usize| (at as f32 * 0.7 + seed).sin() * 0.4);
    Tensor::from_data(TensorData::new(values.collect(), shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    elements(tensor).expect("f32 on a CPU")
}

/// The sequence operation: hidden states of all steps, and the final cell state.
fn sequence(
    cell: Cell,
    input: Tensor<3>,
    weight: Tensor<2>,
    bias_hh: Option<Tensor<1>>,
    state: [Tensor<2>; 2],
) -> (Tensor<3>, Option<Tensor<2>>) {
    let (input, [h, c], scan) = (Input::Projected(input), state, Scan::default());
    match cell {
        Cell::Rnn(activation) => (rnn::rnn(input, weight, h, activation, &scan).0, None),
        Cell::Lstm => {
            let (hidden, [_, last_cell]) = lstm::lstm(input, weight, h, c, &scan);
            (hidden, Some(last_cell))
        }
        Cell::Gru => {
            let bias = bias_hh.unwrap_or_else(|| Tensor::zeros([weight.dims()[0]], &weight.device()));
            (gru::gru(input, weight, bias, h, &scan).0, None)
        }
        Cell::Minimal(Minimal::Gru) => (minimal::min_gru(input, h, &scan).0, None),
        Cell::Minimal(Minimal::Lstm) => (minimal::min_lstm(input, h, &scan).0, None),
    }
}

#[rstest]
fn steps_have_the_bits_of_the_sequence(#[values(1, 5, 17, 100, 384)] width: usize) {
    const STEPS: usize = 6;
    for device in cpus() {
        let bias_hh = Some(tensor([3 * width], 0.3, &device));
        let minimal = [Minimal::Gru, Minimal::Lstm].map(Cell::Minimal);
        let others = [Cell::Rnn(Activation::Tanh), Cell::Rnn(Activation::Relu), Cell::Lstm, Cell::Gru];
        let cells = others.into_iter().chain(minimal);
        for (cell, bias_hh) in cells.flat_map(|cell| [(cell, bias_hh.clone()), (cell, None)]) {
            let rows = cell.gates() * width;
            let (weight, input) = (tensor([rows, width], 0.1, &device), tensor([STEPS, 1, rows], 0.2, &device));
            let state = [tensor([1, width], 0.5, &device), tensor([1, width], 0.6, &device)];
            let (wanted, wanted_cell) = sequence(cell, input.clone(), weight.clone(), bias_hh.clone(), state.clone());

            let stepper = CellStepper::new(cell, width, Some(weight), bias_hh, Rows::One).expect("f32 on a CPU");
            let [mut h, mut c] = state.map(values);
            let wanted = values(wanted);
            for (x, wanted) in values(input).chunks_exact(rows).zip(wanted.chunks_exact(width)) {
                stepper.step(&mut x.to_vec(), &mut h, &mut c);
                assert_eq!(h, wanted, "{cell:?} of width {width} on {device:?}");
            }
            if let Some(wanted) = wanted_cell {
                assert_eq!(c, values(wanted));
            }
        }
    }
}

#[test]
#[should_panic(expected = "`weight_hh` must have the shape [G, H] = [4H, H]: H is 3")]
fn weights_of_another_cell_are_refused() {
    let device = cpus().remove(0);
    let _ = CellStepper::new(Cell::Lstm, 3, Some(tensor([9, 3], 0.0, &device)), None, Rows::One);
}
