//! The GRU in plain tensor operations.

use burn::tensor::Tensor;

use super::{GruOutput, check};
use crate::{
    Input, Scan,
    composed::{sigmoid, walk},
};

/// [`gru`](super::gru) in plain tensor operations: for any backend and element type.
///
/// # Panics
/// As [`gru`](super::gru).
pub fn composed(input: Input, weight_hh: Tensor<2>, bias_hh: Tensor<1>, h0: Tensor<2>, scan: &Scan) -> GruOutput {
    check(&input, &weight_hh, &bias_hh, &h0, scan);
    let [_, hidden_size] = h0.dims();
    let weight_t = weight_hh.transpose();
    let bias = bias_hh.unsqueeze::<2>();
    let (hidden, [last]) = walk(input, scan, [h0], |x, [h]| {
        let recurrent = h.clone().matmul(weight_t.clone()) + bias.clone();
        let from_input = |k: usize| x.clone().narrow(1, k * hidden_size, hidden_size);
        let from_state = |k: usize| recurrent.clone().narrow(1, k * hidden_size, hidden_size);
        let r = sigmoid(from_input(0) + from_state(0));
        let z = sigmoid(from_input(1) + from_state(1));
        let n = (from_input(2) + r * from_state(2)).tanh();
        [n.clone() + z * (h.clone() - n)]
    });
    GruOutput { hidden, last }
}
