//! The vanilla recurrent network.
//!
//! `h_t = φ(W_ih x_t + b + W_hh h_{t-1})` with `φ` = tanh or ReLU, and `b` the sum of
//! both biases (Elman, *Finding structure in time*, 1990).

#[cfg(feature = "native-cpu")]
pub(crate) mod cpu;
#[cfg(feature = "native-gpu")]
mod cube;

use burn::tensor::{Tensor, activation};

use crate::{Input, Outputs, Scan, arguments::Arguments, composed::walk};
#[cfg(feature = "native")]
use crate::{backend, device::is_native, recurrence::Cell};

/// The nonlinearity `φ` of the vanilla network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `tanh(x)`.
    #[default]
    Tanh,
    /// `max(x, 0)`.
    Relu,
}

/// Runs a vanilla recurrent network over a sequence.
///
/// # Shapes
/// `input` of width `G = H`; `weight_hh` `[H, H]`; `h0` `[B, H]`.
/// Returns the hidden states `[T, B, H]` and the final one, `[B, H]`.
///
/// # Panics
/// If a shape, an element type or a length does not fit.
pub fn rnn(input: Input, weight_hh: Tensor<2>, h0: Tensor<2>, activation: Activation, scan: &Scan) -> Outputs<1> {
    check(&input, &weight_hh, &h0, scan);
    #[cfg(feature = "native")]
    if is_native(&h0) {
        let weights = vec![weight_hh.into_dispatch()];
        return backend::walk(Rnn(activation), input, weights, [h0], scan);
    }
    composed(input, weight_hh, h0, activation, scan)
}

/// [`rnn`] in plain tensor operations: for any backend and element type.
///
/// # Panics
/// As [`rnn`].
pub fn composed(input: Input, weight_hh: Tensor<2>, h0: Tensor<2>, activation: Activation, scan: &Scan) -> Outputs<1> {
    check(&input, &weight_hh, &h0, scan);
    let weight_t = weight_hh.transpose();
    walk(input, scan, [h0], |x, [h]| {
        let a = x + h.clone().matmul(weight_t.clone());
        [match activation {
            Activation::Tanh => a.tanh(),
            Activation::Relu => activation::relu(a),
        }]
    })
}

/// The vanilla network: parameters `weight_hh`, `h0`.
#[cfg(feature = "native")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rnn(pub Activation);

#[cfg(feature = "native")]
impl Cell for Rnn {
    const GATES: usize = 1;
    const GATE_IS_STATE: bool = true;
}

fn check(input: &Input, weight_hh: &Tensor<2>, h0: &Tensor<2>, scan: &Scan) {
    Arguments { operation: "rnn", gates: 1, input, weight_hh: Some(weight_hh), h0, scan }.check();
}
