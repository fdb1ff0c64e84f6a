//! Vectorised sigmoid and tanh, without calls and branches.
//!
//! Both use `e^x - 1 = s p + (s - 1)` with `s = 2^n`, `n` the integer nearest to `x log2(e)`, and
//! `p = e^f - 1` a polynomial in the remainder `f = x - n ln 2`. Keeping the 1 out of `p` keeps
//! tanh exact to a few units in the last place near 0.

use pulp::Simd;

/// `1.5 * 2^23`: adding it to a small number rounds the number to an integer, in the low bits of
/// the sum.
const ROUND: f32 = 12_582_912.0;
/// `ln 2` in two parts; `n * LN2_HIGH` is exact for the `n` that occur.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// Beyond this, `e^x` is not a normal number.
const EXP_LIMIT: f32 = 87.0;
/// `tanh` is 1 to the last bit from 9.02 on; it uses `e^{2x}`.
const TANH_LIMIT: f32 = 20.0;
/// Exponent bias and mantissa width of an `f32`.
const BIAS: u32 = 127;
const MANTISSA: u32 = 23;

/// `(s, p)` with `e^x = s p + s`, for `|x| <= limit`; NaN is preserved.
#[inline(always)]
fn exp_parts<S: Simd>(simd: S, x: S::f32s, limit: f32) -> (S::f32s, S::f32s) {
    // Comparisons, not min and max, which drop NaN on some machines.
    let (low, high) = (simd.splat_f32s(-limit), simd.splat_f32s(limit));
    let x = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
    let x = simd.select_f32s(simd.greater_than_f32s(x, high), high, x);

    let rounded = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(ROUND));
    let n = simd.sub_f32s(rounded, simd.splat_f32s(ROUND));
    let f = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN2_HIGH), x);
    let f = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN2_LOW), f);

    // Taylor series: with |f| <= ln(2)/2 the first omitted term is 1.5e-8 of the sum.
    let mut tail = simd.splat_f32s(1.0 / 5040.0);
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5] {
        tail = simd.mul_add_e_f32s(tail, f, simd.splat_f32s(coefficient));
    }
    let p = simd.mul_add_e_f32s(simd.mul_f32s(f, f), tail, f);

    let exponent = simd.add_u32s(simd.transmute_u32s_f32s(rounded), simd.splat_u32s(BIAS));
    let bits = simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(MANTISSA));
    (simd.transmute_f32s_u32s(bits), p)
}

/// `e^x` for `|x|` up to 87, clamped beyond.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (s, p) = exp_parts(simd, x, EXP_LIMIT);
    simd.mul_add_e_f32s(s, p, s)
}

/// `σ(x) = 1 / (1 + e^{-x})`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (s, p) = exp_parts(simd, simd.neg_f32s(x), EXP_LIMIT);
    let one = simd.splat_f32s(1.0);
    let denominator = simd.add_f32s(simd.mul_add_e_f32s(s, p, s), one);
    simd.div_f32s(one, denominator)
}

/// `tanh(x) = (e^{2x} - 1) / (e^{2x} + 1)`.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (s, p) = exp_parts(simd, simd.add_f32s(x, x), TANH_LIMIT);
    let one = simd.splat_f32s(1.0);
    let numerator = simd.mul_add_e_f32s(s, p, simd.sub_f32s(s, one));
    let denominator = simd.mul_add_e_f32s(s, p, simd.add_f32s(s, one));
    simd.div_f32s(numerator, denominator)
}

/// `σ' = σ (1 - σ)`, of `y = σ(x)`.
#[inline(always)]
pub(crate) fn sigmoid_slope<S: Simd>(simd: S, y: S::f32s) -> S::f32s {
    simd.mul_f32s(y, simd.sub_f32s(simd.splat_f32s(1.0), y))
}

/// `tanh' = 1 - tanh²`, of `y = tanh(x)`.
#[inline(always)]
pub(crate) fn tanh_slope<S: Simd>(simd: S, y: S::f32s) -> S::f32s {
    simd.negate_mul_add_e_f32s(y, y, simd.splat_f32s(1.0))
}

#[cfg(all(test, feature = "flex"))]
mod tests;
