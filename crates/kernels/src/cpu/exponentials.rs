//! The exponentials of a row: what softmax and cross-entropy divide by their sum.

use pulp::{Simd, WithSimd};

use super::{
    activation::exp,
    lanes::{Lanewise, update},
};

/// Parallel sums and maxima, for the vectors of every machine.
const LANES: usize = 16;

/// Replaces `z` by `exp(z - max z)`; returns the maximum and the sum.
pub(crate) struct Exponentials<'a>(pub &'a mut [f32]);

impl WithSimd for Exponentials<'_> {
    type Output = (f32, f32);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (f32, f32) {
        let largest = fold(self.0, f32::NEG_INFINITY, |largest, z| if z > largest { z } else { largest });
        update(simd, Above(largest), [], [&mut *self.0]);
        (largest, fold(self.0, 0.0, |sum, e| sum + e))
    }
}

/// The sum of a row.
pub(crate) struct Sum<'a>(pub &'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        fold(self.0, 0.0, |sum, x| sum + x)
    }
}

/// `exp(z - c)`.
#[derive(Clone, Copy)]
struct Above(f32);

impl Lanewise<0, 1> for Above {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, []: [S::f32s; 0], [z]: [S::f32s; 1]) -> [S::f32s; 1] {
        [exp(simd, simd.sub_f32s(z, simd.splat_f32s(self.0)))]
    }
}

/// Folds the elements in [`LANES`] lanes, then the lanes in order: the same on every machine.
#[inline(always)]
fn fold(numbers: &[f32], start: f32, combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    let (whole, rest) = numbers.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, &number) in lanes.iter_mut().zip(chunk) {
            *lane = combine(*lane, number);
        }
    }
    let lanes = lanes.into_iter().fold(start, &combine);
    rest.iter().fold(lanes, |folded, &number| combine(folded, number))
}
