//! Samples and divergences of latents, beside a direct loop, the same in tensor operations, and finite differences.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::prelude::*;
use rekindle_kernels::glimpse::LOG_BOUND;
use rekindle_kernels::latent::{divergence, divergence_composed, sample, sample_composed};
use rekindle_testing::{Numbers, assert_close, cpus, devices, on_threads, values};
use rstest::rstest;

/// Both operations, native or composed.
#[derive(Clone, Copy)]
struct Both {
    sample: fn(Tensor<2>, Tensor<2>) -> Tensor<2>,
    divergence: fn(Tensor<2>) -> Tensor<1>,
}

const NATIVE: Both = Both { sample, divergence };
const COMPOSED: Both = Both { sample: sample_composed, divergence: divergence_composed };

/// Statistics, a fifth of the logarithms out of bounds, and noise.
fn inputs([rows, latents]: [usize; 2], device: &Device) -> [Tensor<2>; 2] {
    let mut numbers = Numbers::new(5);
    let means = numbers.uniform([rows, latents], -2.0..2.0, device);
    let logarithms = numbers.uniform([rows, latents], -1.25 * LOG_BOUND..1.25 * LOG_BOUND, device);
    [Tensor::cat(vec![means, logarithms], 1), numbers.uniform([rows, latents], -2.0..2.0, device)]
}

impl Both {
    /// A weighted sum of all samples and divergences, `[1]`.
    fn sum(self, statistics: Tensor<2>, noise: Tensor<2>) -> Tensor<1> {
        let ([rows, latents], device) = (noise.dims(), noise.device());
        let mut numbers = Numbers::new(6);
        let weights: Tensor<2> = numbers.uniform([rows, latents], -1.0..1.0, &device);
        let of_rows: Tensor<1> = numbers.uniform([rows], -1.0..1.0, &device);
        let samples = (self.sample)(statistics.clone(), noise) * weights.cast(statistics.dtype());
        samples.sum() + ((self.divergence)(statistics.clone()) * of_rows.cast(statistics.dtype())).sum()
    }

    /// The samples, the divergences, and the gradient of the statistics by the weighted sum.
    fn run(self, [statistics, noise]: &[Tensor<2>; 2]) -> [Vec<f64>; 3] {
        let leaf = statistics.clone().detach().require_grad();
        let gradients = self.sum(leaf.clone(), noise.clone()).backward();
        [
            values((self.sample)(statistics.clone(), noise.clone())),
            values((self.divergence)(statistics.clone())),
            values(leaf.grad(&gradients).unwrap()),
        ]
    }
}

#[rstest]
#[case::of_draw([100, 100])]
#[case::one_number([1, 1])]
#[case::fewer_than_a_vector([3, 5])]
#[case::for_several_threads([70, 1031])]
fn both_are_their_composed_twins(#[case] shape: [usize; 2]) {
    for device in devices() {
        let device = device.autodiff();
        let inputs = inputs(shape, &device);
        let wanted = COMPOSED.run(&inputs);
        for threads in [1, 3] {
            let seen = on_threads(threads, || NATIVE.run(&inputs));
            for (what, (seen, wanted)) in ["samples", "divergences", "gradient"].iter().zip(seen.iter().zip(&wanted)) {
                assert_close(&format!("{what} of {shape:?}, {threads} threads, {device:?}"), seen, wanted, 1e-5);
            }
        }
    }
}

#[test]
fn numbers_are_those_of_a_direct_loop() {
    for device in devices() {
        let inputs = inputs([4, 21], &device);
        let [statistics, noise] = inputs.each_ref().map(|input| values(input.clone()));
        let rows = statistics.chunks(42).zip(noise.chunks(21));
        let latents = rows.flat_map(|(row, noise)| {
            let (means, logarithms) = row.split_at(21);
            let logarithms = logarithms.iter().map(|log| log.clamp(-LOG_BOUND, LOG_BOUND));
            means.iter().zip(logarithms).zip(noise).map(|((mean, log), noise)| {
                (mean + (log / 2.0).exp() * noise, 0.5 * (mean * mean + log.exp() - log - 1.0))
            })
        });
        let (samples, divergences): (Vec<f64>, Vec<f64>) = latents.unzip();
        let divergences: Vec<f64> = divergences.chunks(21).map(|row| row.iter().sum()).collect();
        let [statistics, noise] = inputs;
        assert_close(&format!("samples, {device:?}"), &values(sample(statistics.clone(), noise)), &samples, 1e-5);
        assert_close(&format!("divergences, {device:?}"), &values(divergence(statistics)), &divergences, 1e-5);
    }
}

/// In `f64`, where the composed twin runs; the native code is compared with it above.
#[cfg(feature = "flex")]
#[test]
fn gradients_are_those_of_finite_differences() {
    use burn::tensor::DType;

    let device = Device::flex().autodiff();
    let inputs = inputs([3, 4], &device).map(|input| input.cast(DType::F64));
    let [_, _, gradient] = NATIVE.run(&inputs);
    let [statistics, noise] = inputs;
    let numbers = values(statistics.clone());
    let mut without = 0;
    for (place, gradient) in gradient.iter().enumerate() {
        let at = |by: f64| {
            let mut moved = numbers.clone();
            moved[place] += by;
            let data = TensorData::new(moved, statistics.dims());
            values(NATIVE.sum(Tensor::from_data(data, (&device, DType::F64)), noise.clone()))[0]
        };
        let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        // Divergences are up to 11,000.
        assert!((slope - gradient).abs() < 1e-5, "{place}: {slope}, {gradient}");
        without += usize::from(*gradient == 0.0);
    }
    assert!(without > 0, "some logarithms are out of bounds");
}

#[test]
fn a_number_that_is_none_stays_one() {
    for device in cpus() {
        let statistics = Tensor::<2>::from_data([[0.0, f32::NAN, f32::NAN, 0.0]], &device);
        let samples = values(sample(statistics.clone(), Tensor::ones([1, 2], &device)));
        assert!(samples.iter().all(|number| number.is_nan()), "{samples:?}");
        assert!(values(divergence(statistics))[0].is_nan());
    }
}

#[test]
#[should_panic(expected = "statistics of noise [2, 3]")]
fn noise_of_another_size_is_refused() {
    let device = devices().remove(0);
    sample(Tensor::zeros([2, 8], &device), Tensor::zeros([2, 3], &device));
}

#[test]
#[should_panic(expected = "5 statistics")]
fn an_odd_number_of_statistics_is_refused() {
    divergence(Tensor::zeros([2, 5], &devices().remove(0)));
}
