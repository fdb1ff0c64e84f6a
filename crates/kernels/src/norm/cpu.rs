//! Sums of squares over slices.

use burn::backend::tensor::FloatTensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::cpu::{
    blocks::CHUNK,
    operation::Operation,
    tensors::{CpuBackend, scaled},
};

/// `Σ x²`.
#[derive(Clone, Debug)]
pub(super) struct SquaredNorm;

impl Operation<1> for SquaredNorm {
    /// The contiguous input.
    type Saved<B: CpuBackend> = FloatTensor<B>;

    fn forward<B: CpuBackend>(self, [input]: [FloatTensor<B>; 1]) -> (FloatTensor<B>, FloatTensor<B>) {
        let input = B::contiguous(input);
        let arch = Arch::new();
        let sums: Vec<f64> = B::slice(&input).par_chunks(CHUNK).map(|x| f64::from(arch.dispatch(Squares(x)))).collect();
        let sum: f64 = sums.iter().sum();
        (B::from_elements(vec![sum as f32], [1].into()), input)
    }

    fn backward<B: CpuBackend>(
        input: FloatTensor<B>,
        d: FloatTensor<B>,
        [wanted]: [bool; 1],
    ) -> [Option<FloatTensor<B>>; 1] {
        [wanted.then(|| scaled::<B>(input, 2.0 * B::number(d)))]
    }
}

/// The sum of a chunk's squares, in lanes of the same number on every machine.
struct Squares<'a>(&'a [f32]);

impl WithSimd for Squares<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        let mut lanes = [0.0f32; 64];
        let (whole, rest) = self.0.as_chunks::<64>();
        for chunk in whole {
            // By number: a call to an iterator is not inlined here in every build.
            for i in 0..lanes.len() {
                lanes[i] += chunk[i] * chunk[i];
            }
        }
        lanes.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>()
    }
}
