//! Dot-product attention, and the nonlinearity of its output.

use pulp::{Arch, Simd, WithSimd};

use crate::cpu::activation;
use crate::cpu::lanes::{Lanewise, apply};

/// `tanh` of every element.
pub fn tanh(x: &mut [f32]) {
    apply(Arch::new(), Tanh, [], [x]);
}

#[derive(Clone, Copy)]
struct Tanh;

impl Lanewise<0, 1> for Tanh {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, _: [S::f32s; 0], [x]: [S::f32s; 1]) -> [S::f32s; 1] {
        [activation::tanh(simd, x)]
    }
}

/// Dot-product attention: `a = softmax(scale · M q)` and `c = aᵀ M`, for `memory` `M` `[S, F]`, `query` `q` `[F]`,
/// `weights` `a` `[S]` and `context` `c` `[F]`.
///
/// # Panics
/// If the sizes do not match.
pub fn attend(query: &[f32], memory: &[f32], scale: f32, weights: &mut [f32], context: &mut [f32]) {
    assert_eq!(memory.len(), query.len() * weights.len(), "sizes of the query, the weights and the memory");
    assert_eq!(query.len(), context.len(), "sizes of the query and the context");
    Arch::new().dispatch(Attend { query, memory, scale, weights, context });
}

struct Attend<'a> {
    query: &'a [f32],
    memory: &'a [f32],
    scale: f32,
    weights: &'a mut [f32],
    context: &'a mut [f32],
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (q, q_tail) = S::as_simd_f32s(self.query);
        for (weight, row) in self.weights.iter_mut().zip(self.memory.chunks_exact(self.query.len())) {
            let (row, row_tail) = S::as_simd_f32s(row);
            let mut sums = [simd.splat_f32s(0.0); 4];
            let (fours, rest) = q.as_chunks::<4>();
            let (row_fours, row_rest) = row.as_chunks::<4>();
            for (q, row) in fours.iter().zip(row_fours) {
                for i in 0..4 {
                    sums[i] = simd.mul_add_e_f32s(q[i], row[i], sums[i]);
                }
            }
            for (&q, &row) in rest.iter().zip(row_rest) {
                sums[0] = simd.mul_add_e_f32s(q, row, sums[0]);
            }
            let sum = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
            let tail: f32 = q_tail.iter().zip(row_tail).map(|(q, row)| q * row).sum();
            *weight = self.scale * (simd.reduce_sum_f32s(sum) + tail);
        }
        let largest = self.weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        self.weights.iter_mut().for_each(|weight| *weight = (*weight - largest).exp());
        let sum: f32 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|weight| *weight /= sum);
        self.context.fill(0.0);
        let (context, context_tail) = S::as_mut_simd_f32s(self.context);
        for (&weight, row) in self.weights.iter().zip(self.memory.chunks_exact(self.query.len())) {
            let (row, row_tail) = S::as_simd_f32s(row);
            let lanes = simd.splat_f32s(weight);
            for (sum, &row) in context.iter_mut().zip(row) {
                *sum = simd.mul_add_e_f32s(lanes, row, *sum);
            }
            context_tail.iter_mut().zip(row_tail).for_each(|(sum, row)| *sum += weight * row);
        }
    }
}
