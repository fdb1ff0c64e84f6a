use super::*;
use crate::cpu::{
    lanes::{self, Lanewise},
    testing::architectures,
};
use pulp::Arch;

#[derive(Clone, Copy)]
struct Both;

impl Lanewise<0, 2> for Both {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, _: [S::f32s; 0], [a, b]: [S::f32s; 2]) -> [S::f32s; 2] {
        [sigmoid(simd, a), tanh(simd, b)]
    }
}

fn apply(arch: Arch, x: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut sigmoid, mut tanh) = (x.to_vec(), x.to_vec());
    lanes::apply(arch, Both, [], [&mut sigmoid, &mut tanh]);
    (sigmoid, tanh)
}

#[test]
fn both_agree_with_f64_to_a_few_units_in_the_last_place() {
    let x: Vec<f32> = (-20_000..=20_000).map(|i| i as f32 * 1e-3).chain([1e-6, -3e-5, 1e-20]).collect();
    for arch in architectures() {
        let (sigmoid, tanh) = apply(arch, &x);
        for ((&x, sigmoid), tanh) in x.iter().zip(sigmoid).zip(tanh) {
            let wide = f64::from(x);
            let (wanted_sigmoid, wanted_tanh) = (1.0 / (1.0 + (-wide).exp()), wide.tanh());
            // Five roundings of 2^-24 each, some of them on intermediate values of
            // twice the result's size.
            let close = |seen: f32, wanted: f64| (f64::from(seen) - wanted).abs() <= 5e-7 * wanted.abs();
            assert!(close(sigmoid, wanted_sigmoid), "sigmoid({x}) = {sigmoid}, wanted {wanted_sigmoid}");
            assert!(close(tanh, wanted_tanh), "tanh({x}) = {tanh}, wanted {wanted_tanh}");
        }
    }
}

#[test]
fn they_saturate_at_infinity_and_keep_a_nan() {
    for arch in architectures() {
        let (sigmoid, tanh) = apply(arch, &[f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e30]);
        assert_eq!((sigmoid[0], tanh[0]), (1.0, 1.0));
        assert!(sigmoid[1] < 1e-37 && tanh[1] == -1.0);
        assert!(sigmoid[2].is_nan() && tanh[2].is_nan());
        assert_eq!((sigmoid[3], tanh[3]), (1.0, 1.0));
    }
}
