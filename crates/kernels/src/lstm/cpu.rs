//! Native code of the LSTM for the CPU backends.
//!
//! Values saved for the backward pass: `4 T B H` gates and `T B H` cell states, besides the output
//! hidden states. The gates overwrite the projected input, and their gradients overwrite the gates.

use pulp::Simd;

use super::Lstm;
use crate::{
    cpu::{
        activation::{sigmoid, sigmoid_slope, tanh, tanh_slope},
        cell::{CpuCell, RowStep, RowStepBack},
        lanes::{Lanewise, parts, update},
    },
    recurrence::Cell,
};

impl CpuCell for Lstm {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, row: RowStep) {
        step(simd, parts(row.gates, row.h.len()), row.c, row.h);
    }

    #[inline(always)]
    fn step_back<S: Simd>(self, simd: S, row: RowStepBack) {
        let [i, f, g, o] = parts(row.gates, row.dh.len());
        let inputs = [row.cells.after(row.place), row.cells.before(row.place), row.d_hidden, row.dh];
        update(simd, StepBack, inputs, [i, f, g, o, row.dc]);
    }
}

/// One step of a row: from pre-activations to gates, and to the new state.
#[inline(always)]
pub(crate) fn step<S: Simd>(simd: S, [i, f, g, o]: [&mut [f32]; Lstm::GATES], c: &mut [f32], h: &mut [f32]) {
    // In two passes: the exponential of the hidden state waits for those of the cell state, and a
    // processor's instruction window is too small to compute other units meanwhile.
    update(simd, CellStep, [], [i, f, g, &mut *o, &mut *c]);
    update(simd, HiddenStep, [o, c], [h]);
}

#[derive(Clone, Copy)]
struct CellStep;

impl Lanewise<0, 5> for CellStep {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, []: [S::f32s; 0], [i, f, g, o, c]: [S::f32s; 5]) -> [S::f32s; 5] {
        let (i, f) = (sigmoid(simd, i), sigmoid(simd, f));
        let (g, o) = (tanh(simd, g), sigmoid(simd, o));
        let c = simd.mul_add_e_f32s(f, c, simd.mul_f32s(i, g));
        [i, f, g, o, c]
    }
}

#[derive(Clone, Copy)]
struct HiddenStep;

impl Lanewise<2, 1> for HiddenStep {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [o, c]: [S::f32s; 2], [_]: [S::f32s; 1]) -> [S::f32s; 1] {
        [simd.mul_f32s(o, tanh(simd, c))]
    }
}

/// One backward step of a row: from the gates to the gradients of their pre-activations, and from
/// the gradient of the cell state to that of the previous one.
#[derive(Clone, Copy)]
struct StepBack;

impl Lanewise<4, 5> for StepBack {
    #[inline(always)]
    fn step<S: Simd>(
        self,
        simd: S,
        [c, c_before, d_hidden, dh]: [S::f32s; 4],
        [i, f, g, o, dc]: [S::f32s; 5],
    ) -> [S::f32s; 5] {
        let tanh_c = tanh(simd, c);
        let dh = simd.add_f32s(dh, d_hidden);
        let dc = simd.mul_add_e_f32s(simd.mul_f32s(dh, o), tanh_slope(simd, tanh_c), dc);
        let (di, df) = (simd.mul_f32s(dc, g), simd.mul_f32s(dc, c_before));
        let (dg, d_o) = (simd.mul_f32s(dc, i), simd.mul_f32s(dh, tanh_c));
        [
            simd.mul_f32s(di, sigmoid_slope(simd, i)),
            simd.mul_f32s(df, sigmoid_slope(simd, f)),
            simd.mul_f32s(dg, tanh_slope(simd, g)),
            simd.mul_f32s(d_o, sigmoid_slope(simd, o)),
            simd.mul_f32s(dc, f),
        ]
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
