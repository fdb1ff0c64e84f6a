//! The vanilla recurrent network.
//!
//! `h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)` (Elman, "Finding
//! structure in time", 1990), or ReLU in place of tanh (Le, Jaitly and Hinton,
//! "A simple way to initialize recurrent networks of rectified linear units",
//! 2015). The lecture writes `W_xh` for `W_ihᵀ`.

use burn::tensor::Tensor;
use rekindle_kernels::rnn::{Activation, rnn};
#[cfg(any(feature = "flex", feature = "ndarray"))]
use rekindle_kernels::step;
use rekindle_kernels::{Input, Outputs, Scan};

use crate::equations::Equations;
use crate::trace::Gate;
use crate::weights::Values;

/// The network with its nonlinearity: tanh, or ReLU if `RELU`.
pub(crate) struct Vanilla<const RELU: bool>;

pub(crate) type Tanh = Vanilla<false>;
pub(crate) type Relu = Vanilla<true>;

impl<const RELU: bool> Vanilla<RELU> {
    const ACTIVATION: Activation = if RELU { Activation::Relu } else { Activation::Tanh };
}

impl<const RELU: bool> Equations<1> for Vanilla<RELU> {
    const ROWS: &'static [&'static str] = &["h"];
    const ADDS_PRODUCTS: bool = true;
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    const STEP: Option<step::Cell> = Some(step::Cell::Rnn(Self::ACTIVATION));

    /// There are none.
    fn gates(_: Tensor<2>, _: &[Tensor<2>; 1], _: &Values) -> Vec<Gate<2>> {
        Vec::new()
    }

    fn sequence(input: Input, [h0]: [Tensor<2>; 1], weights: &Values, scan: &Scan) -> Outputs<1> {
        rnn(input, weights.matrix("weight_hh"), h0, Self::ACTIVATION, scan)
    }
}
