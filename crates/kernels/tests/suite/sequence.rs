//! A random call of one of the cells: its arguments, outputs and gradients.

use burn::prelude::*;
use burn::tensor::{DType, TensorData};
use rekindle_kernels::{Input, Scan, gru, lstm, minimal, rnn};
use rekindle_testing::{Numbers, assert_close, values};

/// The cells under test.
#[derive(Clone, Copy, Debug)]
pub enum Cell {
    RnnTanh,
    RnnRelu,
    Lstm,
    Gru,
    MinGru,
    MinLstm,
}

impl Cell {
    /// Gates x hidden is this many times hidden.
    pub fn gates(self) -> usize {
        match self {
            Cell::RnnTanh | Cell::RnnRelu => 1,
            Cell::MinGru => 2,
            Cell::Gru | Cell::MinLstm => 3,
            Cell::Lstm => 4,
        }
    }
}

/// The implementation to call.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// The operation itself: native code where there is some.
    Operation,
    /// The composed twin.
    Composed,
}

/// The outputs that the loss of a test depends on.
#[derive(Clone, Copy, Debug)]
pub enum Loss {
    Hidden,
    Last,
    Both,
}

/// Sizes of a call.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub steps: usize,
    pub batch: usize,
    pub hidden: usize,
    /// Rows of the token table; `None`: the input is projected.
    pub vocabulary: Option<usize>,
}

/// The arguments of a call as plain numbers, so that one of them can be nudged.
#[derive(Clone, Debug)]
pub struct Arguments {
    pub cell: Cell,
    pub sizes: Sizes,
    /// The projection or the table, `weight_hh`, `bias_hh`, `h0`, `c0`; a cell ignores those
    /// that it lacks.
    pub values: [Vec<f64>; 5],
    pub tokens: Vec<i64>,
    /// The weights of the outputs in the loss: hidden states, last hidden, last cell.
    pub loss_weights: [Vec<f64>; 3],
}

/// Outputs and gradients as plain numbers.
#[derive(Clone, Debug)]
pub struct Results {
    pub loss: f64,
    /// Hidden states, last hidden, and the last cell of an LSTM.
    pub outputs: Vec<Vec<f64>>,
    /// As [`Arguments::values`]; `None` where no gradient flows.
    pub gradients: Vec<Option<Vec<f64>>>,
}

impl Arguments {
    pub fn random(cell: Cell, sizes: Sizes, seed: u64) -> Self {
        let Sizes { steps, batch, hidden, vocabulary } = sizes;
        let mut numbers = Numbers::new(seed);
        let mut random = |len, scale: f64| numbers.list(len, -scale..scale);
        let gates = cell.gates() * hidden;
        let input_rows = vocabulary.unwrap_or(steps * batch);
        // Weights of PyTorch's size, a little larger for the small ones: the gates
        // neither saturate nor stay linear.
        let scale = 1.5 / (hidden as f64).sqrt();
        let values = [
            random(input_rows * gates, 1.5),
            random(gates * hidden, scale),
            random(gates, 0.5),
            random(batch * hidden, 1.0),
            random(batch * hidden, 1.0),
        ];
        let loss_weights =
            [random(steps * batch * hidden, 1.0), random(batch * hidden, 1.0), random(batch * hidden, 1.0)];
        let tokens = numbers.list(steps * batch, 0.0..vocabulary.unwrap_or(1) as f64);
        let tokens = tokens.into_iter().map(|token| token as i64).collect();
        Self { cell, sizes, values, tokens, loss_weights }
    }

    /// The argument tensors, in the order of [`Arguments::values`].
    fn tensors(&self, device: &Device, dtype: DType) -> (Input, [Tensor<2>; 3], Tensor<1>, Vec<Leaf>) {
        let Sizes { steps, batch, hidden, vocabulary } = self.sizes;
        let gates = self.cell.gates() * hidden;
        let [input, weight, bias, h0, c0] = &self.values;
        let weight = leaf_tensor(weight, [gates, hidden], device, dtype);
        let bias = leaf_tensor(bias, [gates], device, dtype);
        let h0 = leaf_tensor(h0, [batch, hidden], device, dtype);
        let c0 = leaf_tensor(c0, [batch, hidden], device, dtype);
        let (input, leaf) = match vocabulary {
            None => {
                let leaf = leaf_tensor(input, [steps, batch, gates], device, dtype);
                // As a layer would: the projection is the result of an operation, and
                // nobody else holds it.
                (Input::Projected(leaf.clone().add_scalar(0.0)), Leaf::Cube(leaf))
            }
            Some(vocabulary) => {
                let table = leaf_tensor(input, [vocabulary, gates], device, dtype);
                let tokens = TensorData::new(self.tokens.clone(), [steps, batch]);
                let tokens = Tensor::from_data(tokens, device);
                (Input::Tokens { table: table.clone(), tokens }, Leaf::Matrix(table))
            }
        };
        let leaves = vec![
            leaf,
            Leaf::Matrix(weight.clone()),
            Leaf::Vector(bias.clone()),
            Leaf::Matrix(h0.clone()),
            Leaf::Matrix(c0.clone()),
        ];
        (input, [weight, h0, c0], bias, leaves)
    }

    /// Runs the cell: the hidden states and the final states.
    pub fn outputs(&self, body: Body, device: &Device, dtype: DType, scan: &Scan) -> (Tensor<3>, Vec<Tensor<2>>) {
        let (input, parameters, bias, _) = self.tensors(device, dtype);
        call(self.cell, body, input, parameters, bias, scan)
    }

    /// Runs the cell forward and backward.
    pub fn results(&self, body: Body, device: &Device, dtype: DType, scan: &Scan, loss: Loss) -> Results {
        let recording = match device.is_autodiff() {
            true => device.clone(),
            false => device.clone().autodiff(),
        };
        let (input, parameters, bias, leaves) = self.tensors(&recording, dtype);
        let (hidden, last) = call(self.cell, body, input, parameters, bias, scan);
        let weigh =
            |output: Tensor<1>, weights: &Vec<f64>| (output * tensor(weights, [weights.len()], device, dtype)).sum();
        let mut terms = Vec::new();
        if matches!(loss, Loss::Hidden | Loss::Both) {
            terms.push(weigh(hidden.clone().flatten(0, 2), &self.loss_weights[0]));
        }
        if matches!(loss, Loss::Last | Loss::Both) {
            for (last, weights) in last.iter().zip(&self.loss_weights[1..]) {
                terms.push(weigh(last.clone().flatten(0, 1), weights));
            }
        }
        let total = terms.into_iter().reduce(|a, b| a + b).expect("a loss has a term");
        let gradients = total.backward();
        Results {
            loss: values(total)[0],
            outputs: std::iter::once(values(hidden)).chain(last.into_iter().map(values)).collect(),
            gradients: leaves.iter().map(|leaf| leaf.gradient(&gradients)).collect(),
        }
    }
}

/// Calls a cell; `parameters`: `weight_hh`, `h0`, `c0`.
pub fn call(
    cell: Cell,
    body: Body,
    input: Input,
    [weight_hh, h0, c0]: [Tensor<2>; 3],
    bias_hh: Tensor<1>,
    scan: &Scan,
) -> (Tensor<3>, Vec<Tensor<2>>) {
    let rnn = |activation| {
        let body = match body {
            Body::Operation => rnn::rnn,
            Body::Composed => rnn::composed,
        };
        let (hidden, last) = body(input.clone(), weight_hh.clone(), h0.clone(), activation, scan);
        (hidden, last.into())
    };
    match cell {
        Cell::RnnTanh => rnn(rnn::Activation::Tanh),
        Cell::RnnRelu => rnn(rnn::Activation::Relu),
        Cell::Lstm => {
            let body = match body {
                Body::Operation => lstm::lstm,
                Body::Composed => lstm::composed,
            };
            let (hidden, last) = body(input, weight_hh, h0, c0, scan);
            (hidden, last.into())
        }
        Cell::Gru => {
            let body = match body {
                Body::Operation => gru::gru,
                Body::Composed => gru::composed,
            };
            let (hidden, last) = body(input, weight_hh, bias_hh, h0, scan);
            (hidden, last.into())
        }
        Cell::MinGru | Cell::MinLstm => {
            let (hidden, last) = match (cell, body) {
                (Cell::MinGru, Body::Operation) => minimal::min_gru(input, h0, scan),
                (_, Body::Operation) => minimal::min_lstm(input, h0, scan),
                (Cell::MinGru, Body::Composed) => minimal::composed(minimal::Minimal::Gru, input, h0, scan),
                (_, Body::Composed) => minimal::composed(minimal::Minimal::Lstm, input, h0, scan),
            };
            (hidden, last.into())
        }
    }
}

/// A tensor that gradients are asked of.
enum Leaf {
    Vector(Tensor<1>),
    Matrix(Tensor<2>),
    Cube(Tensor<3>),
}

impl Leaf {
    fn gradient(&self, gradients: &burn::tensor::Gradients) -> Option<Vec<f64>> {
        match self {
            Leaf::Vector(leaf) => leaf.grad(gradients).map(values),
            Leaf::Matrix(leaf) => leaf.grad(gradients).map(values),
            Leaf::Cube(leaf) => leaf.grad(gradients).map(values),
        }
    }
}

pub fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device, dtype: DType) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (device, dtype))
}

/// As [`tensor`]; a leaf of the autodiff graph if the device records one.
fn leaf_tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device, dtype: DType) -> Tensor<D> {
    tensor(values, shape, device, dtype).set_require_grad(device.is_autodiff())
}

#[track_caller]
pub fn assert_same_results(seen: &Results, wanted: &Results, tolerance: f64) {
    for (index, (seen, wanted)) in seen.outputs.iter().zip(&wanted.outputs).enumerate() {
        assert_close(&format!("output {index}"), seen, wanted, tolerance);
    }
    let names = ["input", "weight_hh", "bias_hh", "h0", "c0"];
    for ((name, seen), wanted) in names.iter().zip(&seen.gradients).zip(&wanted.gradients) {
        match (seen, wanted) {
            (Some(seen), Some(wanted)) => {
                assert_close(&format!("gradient of {name}"), seen, wanted, tolerance);
            }
            (seen, wanted) => assert_eq!(seen.is_some(), wanted.is_some(), "gradient of {name}"),
        }
    }
}
