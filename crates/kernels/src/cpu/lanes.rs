//! Element-wise work over rows, a vector of lanes at a time.

use pulp::Simd;

/// For each `j`: `state[..][j] = step(inputs[..][j], state[..][j])`.
///
/// Each element goes through the same arithmetic whatever its place in the vector.
///
/// # Panics
/// If the slices differ in length.
#[inline(always)]
pub(crate) fn update<S: Simd, const N: usize, const M: usize>(
    simd: S,
    inputs: [&[f32]; N],
    state: [&mut [f32]; M],
    step: impl Fn([S::f32s; N], [S::f32s; M]) -> [S::f32s; M],
) {
    let width = state[0].len();
    let inputs = inputs.map(|slice| S::as_simd_f32s(&slice[..width]));
    let mut state = state.map(|slice| S::as_mut_simd_f32s(&mut slice[..width]));
    for j in 0..width / S::F32_LANES {
        let new = step(inputs.map(|(body, _)| body[j]), read(&state, |(body, _)| body[j]));
        for (slot, value) in state.iter_mut().zip(new) {
            slot.0[j] = value;
        }
    }
    if width % S::F32_LANES > 0 {
        let new = step(
            inputs.map(|(_, tail)| simd.partial_load_f32s(tail)),
            read(&state, |(_, tail)| simd.partial_load_f32s(tail)),
        );
        for (slot, value) in state.iter_mut().zip(new) {
            simd.partial_store_f32s(slot.1, value);
        }
    }
}

/// One value of each of the slots.
#[inline(always)]
fn read<T, V, const M: usize>(slots: &[T; M], value: impl Fn(&T) -> V) -> [V; M] {
    slots.each_ref().map(value)
}

/// Cuts a row of gates into the gates, `width` numbers each.
///
/// # Panics
/// If the row is shorter than `N * width`.
#[inline(always)]
pub(crate) fn parts<const N: usize>(row: &mut [f32], width: usize) -> [&mut [f32]; N] {
    let mut parts = row.chunks_exact_mut(width);
    std::array::from_fn(|_| parts.next().expect("a row holds all of its gates"))
}
