//! Native code of the GRU for the CPU backends.
//!
//! Values saved for the backward pass: `3 T B H` gates and `T B H` recurrent parts of the
//! candidate, besides the output hidden states. The gates overwrite the projected input, and their
//! gradients overwrite the gates.

use pulp::Simd;

use super::Gru;
use crate::cpu::{
    activation::{sigmoid, sigmoid_slope, tanh, tanh_slope},
    cell::{CpuCell, RowStep, RowStepBack},
    lanes::{Lanewise, parts, update},
};

impl CpuCell for Gru {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, row: RowStep) {
        let width = row.h.len();
        let [r, z, n] = parts(row.gates, width);
        update(simd, Step, [row.apart, &row.bias[..width], &row.bias[width..2 * width]], [r, z, n, row.h]);
    }

    #[inline(always)]
    fn step_back<S: Simd>(self, simd: S, row: RowStepBack) {
        let [r, z, n] = parts(row.gates, row.dh.len());
        update(simd, StepBack, [row.hidden.before(row.place), row.d_hidden], [r, z, n, row.apart, row.dh]);
    }
}

/// One step of a row: from pre-activations to gates, and to the new state.
#[derive(Clone, Copy)]
pub(crate) struct Step;

impl Lanewise<3, 4> for Step {
    #[inline(always)]
    fn step<S: Simd>(
        self,
        simd: S,
        [recurrent, bias_r, bias_z]: [S::f32s; 3],
        [r, z, n, h]: [S::f32s; 4],
    ) -> [S::f32s; 4] {
        let r = sigmoid(simd, simd.add_f32s(r, bias_r));
        let z = sigmoid(simd, simd.add_f32s(z, bias_z));
        let n = tanh(simd, simd.mul_add_e_f32s(r, recurrent, n));
        // (1 - z) n + z h.
        let h = simd.mul_add_e_f32s(z, simd.sub_f32s(h, n), n);
        [r, z, n, h]
    }
}

/// One backward step of a row: from the gates to the gradients of their pre-activations, from the
/// recurrent part of the candidate to its gradient, and from the gradient of the state to the part
/// that reaches the previous state directly.
#[derive(Clone, Copy)]
struct StepBack;

impl Lanewise<2, 5> for StepBack {
    #[inline(always)]
    fn step<S: Simd>(
        self,
        simd: S,
        [h_before, d_hidden]: [S::f32s; 2],
        [r, z, n, recurrent, dh]: [S::f32s; 5],
    ) -> [S::f32s; 5] {
        let dh = simd.add_f32s(dh, d_hidden);
        let dn = simd.mul_f32s(dh, simd.sub_f32s(simd.splat_f32s(1.0), z));
        let dn = simd.mul_f32s(dn, tanh_slope(simd, n));
        let dz = simd.mul_f32s(dh, simd.sub_f32s(h_before, n));
        let dz = simd.mul_f32s(dz, sigmoid_slope(simd, z));
        let dr = simd.mul_f32s(dn, recurrent);
        let dr = simd.mul_f32s(dr, sigmoid_slope(simd, r));
        [dr, dz, dn, simd.mul_f32s(dn, r), simd.mul_f32s(dh, z)]
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
