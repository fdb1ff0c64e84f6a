//! The vanilla recurrent network.
//!
//! `h_t = φ(W_ih x_t + b + W_hh h_{t-1})` with `φ` = tanh or ReLU, and `b` the sum of
//! both biases (Elman, *Finding structure in time*, 1990).

mod composed;
#[cfg(feature = "native-cpu")]
pub(crate) mod cpu;
#[cfg(feature = "native-gpu")]
mod cube;

pub use composed::composed;

use burn::tensor::Tensor;

#[cfg(feature = "native")]
use crate::backend::{RecurrentBackend, is_native};
use crate::{Input, Scan, arguments::Arguments};

/// The nonlinearity `φ` of the vanilla network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `tanh(x)`.
    #[default]
    Tanh,
    /// `max(x, 0)`.
    Relu,
}

/// What the vanilla network returns.
#[derive(Clone, Debug)]
pub struct RnnOutput {
    /// `[T, B, H]`: the hidden state of each step.
    pub hidden: Tensor<3>,
    /// `[B, H]`: the state after the last step of the walk.
    pub last: Tensor<2>,
}

/// Runs a vanilla recurrent network over a sequence.
///
/// # Shapes
/// `input` of width `G = H`; `weight_hh` `[H, H]`; `h0` `[B, H]`.
///
/// # Panics
/// If a shape, an element type or a length does not fit.
pub fn rnn(input: Input, weight_hh: Tensor<2>, h0: Tensor<2>, activation: Activation, scan: &Scan) -> RnnOutput {
    check(&input, &weight_hh, &h0, scan);
    #[cfg(feature = "native")]
    if is_native(&h0) {
        return native(input, weight_hh, h0, activation, scan);
    }
    composed(input, weight_hh, h0, activation, scan)
}

/// Runs the operation with the code that there is for the backend of the tensors.
#[cfg(feature = "native")]
fn native(input: Input, weight_hh: Tensor<2>, h0: Tensor<2>, activation: Activation, scan: &Scan) -> RnnOutput {
    let (hidden, last) = <burn::backend::Dispatch as RecurrentBackend>::rnn(
        input.into_tensors(),
        weight_hh.into_dispatch(),
        h0.into_dispatch(),
        activation,
        scan.clone(),
    );
    RnnOutput { hidden: Tensor::from_dispatch(hidden), last: Tensor::from_dispatch(last) }
}

/// The vanilla network: parameters `weight_hh`, `h0`.
#[cfg(feature = "native")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rnn(pub Activation);

fn check(input: &Input, weight_hh: &Tensor<2>, h0: &Tensor<2>, scan: &Scan) {
    Arguments { operation: "rnn", gates: 1, input, weight_hh: Some(weight_hh), h0, scan }.check();
}
