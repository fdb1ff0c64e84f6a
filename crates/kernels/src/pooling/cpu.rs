//! The maximum over time, over slices.

use std::sync::Arc;

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::cpu::{
    lanes::{Lanewise, update},
    operation::Operation,
    tensors::CpuBackend,
};

/// The operation with the length of each row.
#[derive(Clone, Debug)]
pub(super) struct Max {
    lengths: Arc<[usize]>,
}

/// State that the forward pass saves for the backward pass.
#[derive(Clone, Debug)]
pub(super) struct Saved<B: CpuBackend> {
    lengths: Arc<[usize]>,
    /// `[T, B, F]`
    hidden: FloatTensor<B>,
    /// `[B, F]`
    largest: FloatTensor<B>,
}

impl Max {
    pub fn new(lengths: &[usize]) -> Self {
        Self { lengths: lengths.into() }
    }
}

impl Operation<1> for Max {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(self, [hidden]: [FloatTensor<B>; 1]) -> (FloatTensor<B>, Saved<B>) {
        let hidden = B::contiguous(hidden);
        let [_, batch, features] = hidden.shape().dims();
        let mut largest = vec![f32::NEG_INFINITY; batch * features];
        let (arch, values) = (Arch::new(), B::slice(&hidden));
        // A chunk of 0 elements is not allowed; then there are no rows either.
        largest.par_chunks_mut(features.max(1)).zip(&*self.lengths).enumerate().for_each(
            |(row, (largest, &length))| {
                arch.dispatch(Row { values, row, batch, length, largest });
            },
        );
        let largest = B::from_elements(largest, [batch, features].into());
        (largest.clone(), Saved { lengths: self.lengths, hidden, largest })
    }

    fn backward<B: CpuBackend>(saved: Saved<B>, d: FloatTensor<B>, [wanted]: [bool; 1]) -> [Option<FloatTensor<B>>; 1] {
        if !wanted {
            return [None];
        }
        let Saved { lengths, hidden, largest } = saved;
        let [time, batch, features] = hidden.shape().dims();
        let (d, values, largest) = (B::contiguous(d), B::slice(&hidden), B::slice(&largest));
        // The first time step of each maximum; none after NaN.
        let first = |at: usize| {
            let (row, feature) = (at / features, at % features);
            let value = |t: usize| values[(t * batch + row) * features + feature];
            (0..lengths[row]).find(|&t| value(t) == largest[at])
        };
        let firsts: Vec<Option<usize>> = (0..batch * features).into_par_iter().map(first).collect();
        let mut gradient = vec![0.0; time * batch * features];
        for (at, (first, d)) in firsts.into_iter().zip(B::slice(&d)).enumerate() {
            if let Some(t) = first {
                gradient[t * batch * features + at] = *d;
            }
        }
        [Some(B::from_elements(gradient, [time, batch, features].into()))]
    }
}

/// The maximum of a row.
struct Row<'a> {
    /// `[T, B, F]`
    values: &'a [f32],
    row: usize,
    batch: usize,
    length: usize,
    /// `[F]`
    largest: &'a mut [f32],
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { values, row, batch, length, largest } = self;
        let features = largest.len();
        for t in 0..length {
            let values = &values[(t * batch + row) * features..][..features];
            update(simd, Larger, [values], [&mut *largest]);
        }
    }
}

/// The larger of two values; NaN if one is.
#[derive(Clone, Copy)]
struct Larger;

impl Lanewise<1, 1> for Larger {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [x]: [S::f32s; 1], [largest]: [S::f32s; 1]) -> [S::f32s; 1] {
        let larger = simd.select_f32s(simd.less_than_f32s(largest, x), x, largest);
        [simd.select_f32s(simd.equal_f32s(x, x), larger, x)]
    }
}
