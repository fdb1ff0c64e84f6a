//! Native code of the vanilla network for the CPU backends.
//!
//! Values saved for the backward pass: only the output hidden states, since `φ'` is a function of
//! `φ`. The hidden states overwrite a projected input without another owner.

use pulp::Simd;

use super::{Activation, Rnn};
use crate::cpu::{
    activation::{tanh, tanh_slope},
    cell::{CpuCell, RowStep, RowStepBack},
    lanes::{Lanewise, update},
};

impl CpuCell for Rnn {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, row: RowStep) {
        update(simd, Step(self.0), [], [&mut *row.gates]);
        row.h.copy_from_slice(row.gates);
    }

    #[inline(always)]
    fn step_back<S: Simd>(self, simd: S, row: RowStepBack) {
        let inputs = [row.hidden.after(row.place), row.d_hidden, row.dh];
        update(simd, StepBack(self.0), inputs, [row.gates]);
    }
}

/// One step of a row: `φ`.
#[derive(Clone, Copy)]
pub(crate) struct Step(pub Activation);

impl Lanewise<0, 1> for Step {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, []: [S::f32s; 0], [a]: [S::f32s; 1]) -> [S::f32s; 1] {
        let zero = simd.splat_f32s(0.0);
        [match self.0 {
            Activation::Tanh => tanh(simd, a),
            // A comparison, not a maximum, which would drop NaN.
            Activation::Relu => simd.select_f32s(simd.less_than_f32s(a, zero), zero, a),
        }]
    }
}

/// One backward step of a row: the gradient of the pre-activation.
#[derive(Clone, Copy)]
struct StepBack(Activation);

impl Lanewise<3, 1> for StepBack {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [h, d_hidden, dh]: [S::f32s; 3], [_]: [S::f32s; 1]) -> [S::f32s; 1] {
        let zero = simd.splat_f32s(0.0);
        let dh = simd.add_f32s(dh, d_hidden);
        [match self.0 {
            Activation::Tanh => simd.mul_f32s(dh, tanh_slope(simd, h)),
            Activation::Relu => simd.select_f32s(simd.greater_than_f32s(h, zero), dh, zero),
        }]
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
