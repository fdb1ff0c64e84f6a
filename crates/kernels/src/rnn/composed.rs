//! The vanilla network in plain tensor operations.

use burn::tensor::{Tensor, activation};

use super::{Activation, RnnOutput, check};
use crate::{Input, Scan, composed::walk};

/// [`rnn`](super::rnn) in plain tensor operations: for any backend and element type.
///
/// # Panics
/// As [`rnn`](super::rnn).
pub fn composed(input: Input, weight_hh: Tensor<2>, h0: Tensor<2>, activation: Activation, scan: &Scan) -> RnnOutput {
    check(&input, &weight_hh, &h0, scan);
    let weight_t = weight_hh.transpose();
    let (hidden, [last]) = walk(input, scan, [h0], |x, [h]| {
        let a = x + h.clone().matmul(weight_t.clone());
        [match activation {
            Activation::Tanh => a.tanh(),
            Activation::Relu => activation::relu(a),
        }]
    });
    RnnOutput { hidden, last }
}
