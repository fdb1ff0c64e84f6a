//! The vanilla network on a GPU.
//!
//! Values saved for the backward pass: only the output hidden states, since `φ'` is a function of
//! `φ`. The gradients of the pre-activations overwrite the input.

use cubecl::prelude::*;

use super::{Activation, Rnn};
use crate::cube::{
    CubeTensor,
    cell::{CubeCell, Sequence, StateGradients, launch},
    step::Step,
};

impl CubeCell for Rnn {
    fn step(self, s: &Sequence, t: usize, product: CubeTensor) {
        launch!(step_forward, s, t, [s.gates(), s.hidden(), product.into_tensor_arg()], self.0);
    }

    fn step_back(self, s: &Sequence, t: usize, dh: CubeTensor, d: &StateGradients) {
        launch!(
            step_backward,
            s,
            t,
            [s.gates(), s.hidden(), d.hidden().into(), dh.into_tensor_arg(), d.direct()],
            self.0
        );
    }
}

/// A step: from the previous state to the next.
#[cube(launch_unchecked)]
fn step_forward(
    sums: &Tensor<f32>,
    hidden: &mut Tensor<f32>,
    product: &Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    step: Step,
    #[comptime] activation: Activation,
) {
    if !step.has_unit() {
        terminate!();
    }
    if step.is_valid(lengths) {
        let sum = sums[step.unit()] + product[ABSOLUTE_POS];
        hidden[step.after()] = match activation {
            Activation::Tanh => sum.tanh(),
            // A comparison, not a maximum, which would drop NaN.
            Activation::Relu => select(sum < 0.0, 0.0, sum),
        };
    } else {
        hidden[step.after()] = hidden[step.before()];
    }
}

/// A backward step: the gradient of the pre-activation.
///
/// `dh` is the gradient of the hidden state through the next step of the scan, and `direct` that of
/// rows past their length, which have no such step.
#[cube(launch_unchecked)]
fn step_backward(
    sums: &mut Tensor<f32>,
    hidden: &Tensor<f32>,
    d_hidden: ComptimeOption<&Tensor<f32>>,
    dh: &Tensor<f32>,
    direct: &mut Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    step: Step,
    #[comptime] activation: Activation,
) {
    if !step.has_unit() {
        terminate!();
    }
    let dh = dh[ABSOLUTE_POS] + direct[ABSOLUTE_POS];
    if step.is_valid(lengths) {
        let h = hidden[step.after()];
        let dh = dh + step.upstream(d_hidden);
        sums[step.unit()] = match activation {
            Activation::Tanh => dh * (1.0 - h * h),
            Activation::Relu => select(h > 0.0, dh, 0.0),
        };
        direct[ABSOLUTE_POS] = 0.0;
    } else {
        sums[step.unit()] = 0.0;
        direct[ABSOLUTE_POS] = dh;
    }
}
