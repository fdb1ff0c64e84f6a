//! The LSTM in plain tensor operations.

use burn::tensor::Tensor;

use super::{LstmOutput, check};
use crate::{
    Input, Scan,
    composed::{sigmoid, walk},
};

/// [`lstm`](super::lstm) in plain tensor operations: for any backend and element type.
///
/// # Panics
/// As [`lstm`](super::lstm).
pub fn composed(input: Input, weight_hh: Tensor<2>, h0: Tensor<2>, c0: Tensor<2>, scan: &Scan) -> LstmOutput {
    check(&input, &weight_hh, &h0, &c0, scan);
    let [_, hidden_size] = h0.dims();
    let weight_t = weight_hh.transpose();
    let (hidden, [last_hidden, last_cell]) = walk(input, scan, [h0, c0], |x, [h, c]| {
        let gates = x + h.clone().matmul(weight_t.clone());
        let gate = |k: usize| gates.clone().narrow(1, k * hidden_size, hidden_size);
        let (i, f) = (sigmoid(gate(0)), sigmoid(gate(1)));
        let (g, o) = (gate(2).tanh(), sigmoid(gate(3)));
        let c = f * c.clone() + i * g;
        let h = o * c.clone().tanh();
        [h, c]
    });
    LstmOutput { hidden, last_hidden, last_cell }
}
