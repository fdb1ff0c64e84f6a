//! The minimal cells in plain tensor operations.

use burn::tensor::Tensor;

use super::{Minimal, check};
use crate::{
    Input, Outputs, Scan,
    composed::{sigmoid, walk},
};

/// [`min_gru`](super::min_gru) or [`min_lstm`](super::min_lstm) in plain tensor operations: for
/// any backend and element type.
///
/// # Panics
/// As those.
pub fn composed(cell: Minimal, input: Input, h0: Tensor<2>, scan: &Scan) -> Outputs<1> {
    check(cell, &input, &h0, scan);
    let [_, hidden_size] = h0.dims();
    walk(input, scan, [h0], |x, [h]| {
        let sum = |index: usize| x.clone().narrow(1, index * hidden_size, hidden_size);
        let candidate = positive(sum(cell.gates() - 1));
        let keep = match cell {
            Minimal::Gru => -sigmoid(sum(0)) + 1.0,
            Minimal::Lstm => {
                let [a, b] = [0, 1].map(|gate| (-sum(gate).clamp_min(-87.0)).exp());
                (b.clone() + 1.0) / (a + b + 2.0)
            }
        };
        [candidate.clone() + keep * (h.clone() - candidate)]
    })
}

/// The activation of the candidate: `g(x) = x + 0.5` if `x >= 0`, else `σ(x)`, `[N, H]`.
pub fn positive(x: Tensor<2>) -> Tensor<2> {
    let negative = x.clone().lower_elem(0.0);
    (x.clone() + 0.5).mask_where(negative, sigmoid(x))
}
