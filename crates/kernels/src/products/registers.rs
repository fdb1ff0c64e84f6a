//! Multiply-adds on registers alone: what the processor's arithmetic reaches without memory.

use std::hint::black_box;

use pulp::{Arch, Simd, WithSimd, bytemuck};
use rayon::prelude::*;

/// Independent sums: enough to hide the latency of a multiply-add, and with both factors no more than 16 registers.
const SUMS: usize = 12;

/// Multiply-adds of vectors in one call, for each sum of a thread: a few milliseconds.
const STEPS: usize = 1 << 20;

/// A sum of so many ones is exact.
const _: () = assert!(STEPS <= 1 << f32::MANTISSA_DIGITS);

/// Runs multiply-adds for a few milliseconds on every thread of the pool, and returns their number. Each of them adds
/// 1, and the number is the sum.
pub fn multiply_adds() -> f64 {
    count(Arch::new(), STEPS)
}

fn count(arch: Arch, steps: usize) -> f64 {
    (0..rayon::current_num_threads()).into_par_iter().map(|_| arch.dispatch(MultiplyAdds { steps })).sum()
}

/// The multiply-adds of one thread.
struct MultiplyAdds {
    steps: usize,
}

impl WithSimd for MultiplyAdds {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        // The compiler must not know that the sums are numbers of steps.
        let [factor, addend] = black_box([1.0; 2]).map(|one| simd.splat_f32s(one));
        let mut sums = [simd.splat_f32s(0.0); SUMS];
        for _ in 0..self.steps {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, factor, addend);
            }
        }
        bytemuck::cast_slice::<_, f32>(&sums).iter().map(|&sum| f64::from(sum)).sum()
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
