//! The recurrent operations against their composed twins: forward alone, forward with
//! back-propagation through time, and one step of one row, as in sampling. Run with
//! `--features flex` or `ndarray`.
//!
//! Sizes are those of a character model: `T = B = 64`, `H = 256`, 65 symbols.

// Burn has deprecated the ndarray backend, which is measured all the same.
#![allow(deprecated)]

use std::hint::black_box;

use burn::prelude::*;
use burn::tensor::Distribution;
use criterion::{Criterion, criterion_group, criterion_main};
use rekindle_kernels::{Input, Scan, gru, lstm, minimal, rnn};

// As in the `rekindle` binary: the outputs are fresh memory in each step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HIDDEN: usize = 256;
const SYMBOLS: usize = 65;

#[derive(Clone, Copy, Debug)]
enum Cell {
    Rnn,
    Lstm,
    Gru,
    MinGru,
    MinLstm,
}

#[derive(Clone, Copy, Debug)]
enum Body {
    Native,
    Composed,
}

/// Sizes of a call.
#[derive(Clone, Copy)]
struct Sizes {
    steps: usize,
    batch: usize,
}

/// A step of training.
const TRAINING: Sizes = Sizes { steps: 64, batch: 64 };
/// A step of sampling.
const SAMPLING: Sizes = Sizes { steps: 1, batch: 1 };

/// The arguments of a call; a cell ignores those that it lacks.
struct Arguments {
    table: Tensor<2>,
    tokens: Tensor<2, Int>,
    weight_hh: Tensor<2>,
    bias_hh: Tensor<1>,
    state: Tensor<2>,
    /// The gradient of the hidden states.
    d_hidden: Tensor<3>,
}

impl Arguments {
    fn new(cell: Cell, sizes: Sizes, device: &Device) -> Self {
        let Sizes { steps, batch } = sizes;
        let gates = HIDDEN
            * match cell {
                Cell::Rnn => 1,
                Cell::MinGru => 2,
                Cell::Gru | Cell::MinLstm => 3,
                Cell::Lstm => 4,
            };
        let uniform = Distribution::Uniform(-0.06, 0.06);
        let tokens = (0..steps * batch).map(|i| ((i * 7 + i / 13) % SYMBOLS) as i64);
        let tokens = TensorData::new(tokens.collect(), [steps, batch]);
        let training = device.is_autodiff();
        Self {
            table: Tensor::random([SYMBOLS, gates], uniform, device).set_require_grad(training),
            tokens: Tensor::from_data(tokens, device),
            weight_hh: Tensor::random([gates, HIDDEN], uniform, device).set_require_grad(training),
            bias_hh: Tensor::random([gates], uniform, device).set_require_grad(training),
            state: Tensor::zeros([batch, HIDDEN], device),
            d_hidden: Tensor::random([steps, batch, HIDDEN], uniform, device),
        }
    }

    fn hidden(&self, cell: Cell, body: Body) -> Tensor<3> {
        let input = Input::Tokens { table: self.table.clone(), tokens: self.tokens.clone() };
        let weight = self.weight_hh.clone();
        let (h0, c0) = (self.state.clone(), self.state.clone());
        let scan = Scan::default();
        match (cell, body) {
            (Cell::Rnn, Body::Native) => rnn::rnn(input, weight, h0, rnn::Activation::Tanh, &scan).0,
            (Cell::Rnn, Body::Composed) => rnn::composed(input, weight, h0, rnn::Activation::Tanh, &scan).0,
            (Cell::Lstm, Body::Native) => lstm::lstm(input, weight, h0, c0, &scan).0,
            (Cell::Lstm, Body::Composed) => lstm::composed(input, weight, h0, c0, &scan).0,
            (Cell::Gru, Body::Native) => gru::gru(input, weight, self.bias_hh.clone(), h0, &scan).0,
            (Cell::Gru, Body::Composed) => gru::composed(input, weight, self.bias_hh.clone(), h0, &scan).0,
            (Cell::MinGru, Body::Native) => minimal::min_gru(input, h0, &scan).0,
            (Cell::MinLstm, Body::Native) => minimal::min_lstm(input, h0, &scan).0,
            (Cell::MinGru, Body::Composed) => minimal::composed(minimal::Minimal::Gru, input, h0, &scan).0,
            (Cell::MinLstm, Body::Composed) => minimal::composed(minimal::Minimal::Lstm, input, h0, &scan).0,
        }
    }
}

fn devices() -> Vec<(&'static str, Device)> {
    vec![
        #[cfg(feature = "flex")]
        ("flex", Device::flex()),
        #[cfg(feature = "ndarray")]
        ("ndarray", Device::ndarray()),
    ]
}

fn operations(criterion: &mut Criterion) {
    for (backend, device) in devices() {
        for cell in [Cell::Rnn, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm] {
            let mut group = criterion.benchmark_group(format!("{backend}/{cell:?}"));
            group.sample_size(10);
            for body in [Body::Native, Body::Composed] {
                let arguments = Arguments::new(cell, SAMPLING, &device);
                group.bench_function(format!("one step/{body:?}"), |bencher| {
                    bencher.iter(|| black_box(arguments.hidden(cell, body)));
                });
                let arguments = Arguments::new(cell, TRAINING, &device);
                group.bench_function(format!("forward/{body:?}"), |bencher| {
                    bencher.iter(|| black_box(arguments.hidden(cell, body)));
                });
                let arguments = Arguments::new(cell, TRAINING, &device.clone().autodiff());
                group.bench_function(format!("training/{body:?}"), |bencher| {
                    bencher.iter(|| {
                        let loss = arguments.hidden(cell, body) * arguments.d_hidden.clone();
                        black_box(loss.sum().backward())
                    });
                });
            }
        }
    }
}

criterion_group!(benches, operations);
criterion_main!(benches);
