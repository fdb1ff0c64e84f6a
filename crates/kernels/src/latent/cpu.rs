//! The operations on latents over slices, row by row.

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd};
use rayon::prelude::*;

use super::LOG_BOUND;
use crate::cpu::{
    activation::exp,
    blocks::CHUNK,
    exponentials::Sum,
    lanes::{Lanewise, apply},
    operation::Operation,
    tensors::CpuBackend,
};

/// [`super::sample`]: statistics, noise.
#[derive(Clone, Debug)]
pub(super) struct Sample;

/// [`super::divergence`] as `[N, 1]`: statistics.
#[derive(Clone, Debug)]
pub(super) struct Divergence;

impl Operation<2> for Sample {
    /// Both inputs.
    type Saved<B: CpuBackend> = [FloatTensor<B>; 2];

    fn forward<B: CpuBackend>(self, inputs: [FloatTensor<B>; 2]) -> (FloatTensor<B>, Self::Saved<B>) {
        let inputs = inputs.map(B::contiguous);
        let [statistics, noise] = inputs.each_ref().map(B::slice);
        let (shape, arch) = (inputs[1].shape(), Arch::new());
        let latents = shape[1].max(1);
        let mut drawn = vec![0.0; noise.len()];
        let lines = Lines::of(latents);
        let rows = lines.of_each(statistics, 2).zip(lines.of_each(noise, 1)).zip(lines.of_each_mut(&mut drawn, 1));
        rows.for_each(|((statistics, noise), drawn)| {
            let rows = statistics.chunks(2 * latents).zip(noise.chunks(latents)).zip(drawn.chunks_mut(latents));
            for ((statistics, noise), drawn) in rows {
                let (mean, log_variance) = statistics.split_at(latents);
                apply(arch, Draw, [mean, log_variance, noise], [drawn]);
            }
        });
        (B::from_elements(drawn, shape), inputs)
    }

    fn backward<B: CpuBackend>(
        inputs: Self::Saved<B>,
        d: FloatTensor<B>,
        [wanted, _]: [bool; 2],
    ) -> [Option<FloatTensor<B>>; 2] {
        let d = B::contiguous(d);
        let [statistics, noise] = inputs.each_ref().map(B::slice);
        let (latents, arch) = (inputs[1].shape()[1].max(1), Arch::new());
        let gradient = wanted.then(|| {
            let mut gradient = vec![0.0; statistics.len()];
            let lines = Lines::of(latents);
            let rows = lines.of_each(statistics, 2).zip(lines.of_each(noise, 1));
            let rows = rows.zip(lines.of_each(B::slice(&d), 1)).zip(lines.of_each_mut(&mut gradient, 2));
            rows.for_each(|(((statistics, noise), d), gradient)| {
                let rows = statistics.chunks(2 * latents).zip(noise.chunks(latents)).zip(d.chunks(latents));
                for (((statistics, noise), d), gradient) in rows.zip(gradient.chunks_mut(2 * latents)) {
                    let (of_mean, of_log_variance) = gradient.split_at_mut(latents);
                    of_mean.copy_from_slice(d);
                    apply(arch, OfDraw, [&statistics[latents..], noise, d], [of_log_variance]);
                }
            });
            B::from_elements(gradient, inputs[0].shape())
        });
        [gradient, None]
    }
}

impl Operation<1> for Divergence {
    /// The statistics.
    type Saved<B: CpuBackend> = FloatTensor<B>;

    fn forward<B: CpuBackend>(self, [statistics]: [FloatTensor<B>; 1]) -> (FloatTensor<B>, FloatTensor<B>) {
        let statistics = B::contiguous(statistics);
        let [rows, numbers] = [0, 1].map(|dimension| statistics.shape()[dimension]);
        let (latents, arch) = (numbers / 2, Arch::new());
        let mut divergences = vec![0.0; rows];
        if latents > 0 {
            let lines = Lines::of(latents);
            let rows = divergences.par_chunks_mut(lines.rows).zip(lines.of_each(B::slice(&statistics), 2));
            rows.for_each_init(
                || vec![0.0; latents],
                |each, (divergences, statistics)| {
                    for (divergence, statistics) in divergences.iter_mut().zip(statistics.chunks(numbers)) {
                        let (mean, log_variance) = statistics.split_at(latents);
                        apply(arch, Terms, [mean, log_variance], [each]);
                        *divergence = 0.5 * arch.dispatch(Sum(each));
                    }
                },
            );
        }
        (B::from_elements(divergences, [rows, 1].into()), statistics)
    }

    fn backward<B: CpuBackend>(
        statistics: FloatTensor<B>,
        d: FloatTensor<B>,
        [wanted]: [bool; 1],
    ) -> [Option<FloatTensor<B>>; 1] {
        let (d, shape, arch) = (B::contiguous(d), statistics.shape(), Arch::new());
        let latents = shape[1] / 2;
        [wanted.then(|| {
            let mut gradient = vec![0.0; shape.num_elements()];
            if latents > 0 {
                let lines = Lines::of(latents);
                let rows = B::slice(&d).par_chunks(lines.rows).zip(lines.of_each(B::slice(&statistics), 2));
                rows.zip(lines.of_each_mut(&mut gradient, 2)).for_each(|((d, statistics), gradient)| {
                    let rows = d.iter().zip(statistics.chunks(2 * latents)).zip(gradient.chunks_mut(2 * latents));
                    for ((d, statistics), gradient) in rows {
                        let (mean, log_variance) = statistics.split_at(latents);
                        let (of_mean, of_log_variance) = gradient.split_at_mut(latents);
                        apply(arch, OfTerms(*d), [mean, log_variance], [of_mean, of_log_variance]);
                    }
                });
            }
            B::from_elements(gradient, shape)
        })]
    }
}

/// How many rows of so many latents a thread takes at once.
#[derive(Clone, Copy)]
struct Lines {
    latents: usize,
    rows: usize,
}

impl Lines {
    fn of(latents: usize) -> Self {
        Self { latents, rows: (CHUNK / latents).max(1) }
    }

    /// The rows of a thread, of a tensor with `times` numbers for each latent.
    fn of_each(self, numbers: &[f32], times: usize) -> impl IndexedParallelIterator<Item = &[f32]> {
        numbers.par_chunks(self.rows * times * self.latents)
    }

    fn of_each_mut(self, numbers: &mut [f32], times: usize) -> impl IndexedParallelIterator<Item = &mut [f32]> {
        numbers.par_chunks_mut(self.rows * times * self.latents)
    }
}

/// The logarithm within its bounds, and 1 where it was within them, else 0; NaN is preserved.
#[inline(always)]
fn clamped<S: Simd>(simd: S, log: S::f32s) -> (S::f32s, S::f32s) {
    let [low, high, one, zero] = [-LOG_BOUND as f32, LOG_BOUND as f32, 1.0, 0.0].map(|number| simd.splat_f32s(number));
    let (below, above) = (simd.less_than_f32s(log, low), simd.greater_than_f32s(log, high));
    let within = simd.select_f32s(below, zero, simd.select_f32s(above, zero, one));
    (simd.select_f32s(below, low, simd.select_f32s(above, high, log)), within)
}

/// `σ` of the clamped `log σ²`.
#[inline(always)]
fn deviation<S: Simd>(simd: S, log_variance: S::f32s) -> S::f32s {
    exp(simd, simd.mul_f32s(log_variance, simd.splat_f32s(0.5)))
}

/// `z` from `μ`, `log σ²` and `ε`.
#[derive(Clone, Copy)]
struct Draw;

impl Lanewise<3, 1> for Draw {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [mean, log, noise]: [S::f32s; 3], _: [S::f32s; 1]) -> [S::f32s; 1] {
        let (log, _) = clamped(simd, log);
        [simd.mul_add_e_f32s(deviation(simd, log), noise, mean)]
    }
}

/// The gradient of `log σ²`: `½ σ ε dz`, from `log σ²`, `ε` and `dz`.
#[derive(Clone, Copy)]
struct OfDraw;

impl Lanewise<3, 1> for OfDraw {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [log, noise, d]: [S::f32s; 3], _: [S::f32s; 1]) -> [S::f32s; 1] {
        let (log, within) = clamped(simd, log);
        let slope = simd.mul_f32s(deviation(simd, log), simd.mul_f32s(noise, simd.splat_f32s(0.5)));
        [simd.mul_f32s(simd.mul_f32s(slope, d), within)]
    }
}

/// `μ² + σ² - log σ² - 1`, from `μ` and `log σ²`.
#[derive(Clone, Copy)]
struct Terms;

impl Lanewise<2, 1> for Terms {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [mean, log]: [S::f32s; 2], _: [S::f32s; 1]) -> [S::f32s; 1] {
        let (log, _) = clamped(simd, log);
        let above = simd.sub_f32s(simd.sub_f32s(exp(simd, log), log), simd.splat_f32s(1.0));
        [simd.mul_add_e_f32s(mean, mean, above)]
    }
}

/// The gradients of `μ` and `log σ²`, from both and that of the divergence: `d μ` and `½ d (σ² - 1)`.
#[derive(Clone, Copy)]
struct OfTerms(f32);

impl Lanewise<2, 2> for OfTerms {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [mean, log]: [S::f32s; 2], _: [S::f32s; 2]) -> [S::f32s; 2] {
        let (log, within) = clamped(simd, log);
        let half = simd.mul_f32s(within, simd.splat_f32s(0.5 * self.0));
        let above = simd.sub_f32s(exp(simd, log), simd.splat_f32s(1.0));
        [simd.mul_f32s(mean, simd.splat_f32s(self.0)), simd.mul_f32s(above, half)]
    }
}
