//! Vectorised element-wise work over rows.
//!
//! Vector instructions are only inlined into code compiled for them, which a closure is not: the
//! loops call `#[inline(always)]` functions.

use pulp::{Arch, Simd, WithSimd};

/// Element-wise arithmetic on `N` inputs that updates `M` values.
pub(crate) trait Lanewise<const N: usize, const M: usize>: Copy {
    /// The new values. Implementations must be `#[inline(always)]`.
    fn step<S: Simd>(self, simd: S, inputs: [S::f32s; N], state: [S::f32s; M]) -> [S::f32s; M];
}

/// For each `j`: `state[..][j] = step(inputs[..][j], state[..][j])`.
///
/// The arithmetic of an element does not depend on its position in a vector.
///
/// # Panics
/// If a slice is shorter than the first of `state`.
#[inline(always)]
pub(crate) fn update<S: Simd, const N: usize, const M: usize>(
    simd: S,
    step: impl Lanewise<N, M>,
    inputs: [&[f32]; N],
    state: [&mut [f32]; M],
) {
    let width = state[0].len();
    let vectors = width / S::F32_LANES;
    let inputs = inputs.map(|slice| S::as_simd_f32s(&slice[..width]));
    let mut state = state.map(|slice| S::as_mut_simd_f32s(&mut slice[..width]));
    let (mut x, mut y) = ([simd.splat_f32s(0.0); N], [simd.splat_f32s(0.0); M]);
    for j in 0..vectors {
        for (x, (body, _)) in x.iter_mut().zip(&inputs) {
            *x = body[j];
        }
        for (y, (body, _)) in y.iter_mut().zip(&state) {
            *y = body[j];
        }
        y = step.step(simd, x, y);
        for (y, (body, _)) in y.iter().zip(&mut state) {
            body[j] = *y;
        }
    }
    if !width.is_multiple_of(S::F32_LANES) {
        for (x, (_, tail)) in x.iter_mut().zip(&inputs) {
            *x = simd.partial_load_f32s(tail);
        }
        for (y, (_, tail)) in y.iter_mut().zip(&state) {
            *y = simd.partial_load_f32s(tail);
        }
        y = step.step(simd, x, y);
        for (y, (_, tail)) in y.iter().zip(&mut state) {
            simd.partial_store_f32s(tail, *y);
        }
    }
}

/// [`update`] with the instruction set `arch`.
pub(crate) fn apply<const N: usize, const M: usize>(
    arch: Arch,
    step: impl Lanewise<N, M>,
    inputs: [&[f32]; N],
    state: [&mut [f32]; M],
) {
    arch.dispatch(Update { step, inputs, state });
}

struct Update<'a, L, const N: usize, const M: usize> {
    step: L,
    inputs: [&'a [f32]; N],
    state: [&'a mut [f32]; M],
}

impl<L: Lanewise<N, M>, const N: usize, const M: usize> WithSimd for Update<'_, L, N, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        update(simd, self.step, self.inputs, self.state);
    }
}

/// Splits a row of gates into the gates, `width` elements each.
///
/// # Panics
/// If the row is shorter than `N * width`.
#[inline(always)]
pub(crate) fn parts<const N: usize>(row: &mut [f32], width: usize) -> [&mut [f32]; N] {
    let mut parts = row.chunks_exact_mut(width);
    std::array::from_fn(|_| parts.next().expect("a row holds all of its gates"))
}
