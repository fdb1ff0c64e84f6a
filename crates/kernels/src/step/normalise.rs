//! The normaliser of a softmax over many numbers.

use pulp::{Arch, Simd, WithSimd};

use crate::cpu::activation::exp;

/// `ln Σ exp x` of finite values; negative infinity if there are none.
pub fn log_sum_exp(x: &[f32]) -> f32 {
    Arch::new().dispatch(LogSumExp { x })
}

struct LogSumExp<'a> {
    x: &'a [f32],
}

impl WithSimd for LogSumExp<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (body, tail) = S::as_simd_f32s(self.x);
        let lowest = simd.splat_f32s(f32::NEG_INFINITY);
        let largest = body.iter().fold(lowest, |largest, &x| simd.max_f32s(largest, x));
        let largest = tail.iter().copied().fold(simd.reduce_max_f32s(largest), f32::max);
        let shift = simd.splat_f32s(largest);
        let sums =
            body.iter().fold(simd.splat_f32s(0.0), |sums, &x| simd.add_f32s(sums, exp(simd, simd.sub_f32s(x, shift))));
        let rest: f32 = tail.iter().map(|x| (x - largest).exp()).sum();
        (simd.reduce_sum_f32s(sums) + rest).ln() + largest
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use crate::cpu::testing::{architectures, numbers};

    #[test]
    fn it_is_the_logarithm_of_the_sum() {
        for count in [1, 15, 16, 100, 6001] {
            // Up to 100 apart, so that most are negligible.
            let x: Vec<f32> = numbers(count, 1).iter().map(|x| 100.0 * x + 300.0).collect();
            let wanted = x.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
            for arch in architectures() {
                let seen = f64::from(arch.dispatch(LogSumExp { x: &x }));
                // Values of about 300 are rounded to 3e-5.
                assert!((seen - wanted).abs() < 5e-5, "{seen} and {wanted}");
            }
        }
        assert_eq!(log_sum_exp(&[]), f32::NEG_INFINITY);
    }
}
