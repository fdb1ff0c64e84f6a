//! Adam's pass over slices.

// The selectors of extensions name the ndarray backend, which Burn has deprecated.
#![allow(deprecated)]

use burn::backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::Step;
use crate::{
    cpu::{blocks::CHUNK, tensors::CpuBackend},
    tensors::Tensors,
};

/// [`step`](super::step) for tensors that autodiff does not track.
pub(super) fn step<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
    step: Step,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let [m, v] = moments;
    let tensors = [parameter, gradient, m, v].map(Tensor::into_dispatch);
    let stepped = <Dispatch as AdamBackend>::adam(Tensors(tensors.into()), step);
    let [parameter, m, v] = Tensors::<Dispatch>(stepped).into_array().map(Tensor::from_dispatch);
    (parameter, [m, v])
}

/// The native step of a CPU backend.
#[backend_extension(Flex: cfg(feature = "flex"), NdArray: cfg(feature = "ndarray"))]
pub(crate) trait AdamBackend: Backend {
    /// The parameter, `m` and `v` after a step from parameter, gradient, `m` and `v`.
    fn adam(#[extension_type] tensors: Tensors<Self>, step: Step) -> Vec<FloatTensor<Self>>;
}

impl<B: CpuBackend> AdamBackend for B {
    fn adam(tensors: Tensors<Self>, step: Step) -> Vec<FloatTensor<Self>> {
        let [parameter, gradient, m, v] = tensors.into_array();
        let [mut parameter, mut m, mut v] = [parameter, m, v].map(B::owned);
        let gradient = B::contiguous(gradient);
        let state = B::slice_mut(&mut parameter)
            .par_chunks_mut(CHUNK)
            .zip(B::slice_mut(&mut m).par_chunks_mut(CHUNK))
            .zip(B::slice_mut(&mut v).par_chunks_mut(CHUNK));
        let arch = Arch::new();
        B::slice(&gradient).par_chunks(CHUNK).zip(state).for_each(|(gradient, ((w, m), v))| {
            arch.dispatch(Chunk { step, gradient, w, m, v });
        });
        vec![parameter, m, v]
    }
}

struct Chunk<'a> {
    step: Step,
    gradient: &'a [f32],
    w: &'a mut [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl WithSimd for Chunk<'_> {
    type Output = ();

    // The compiler vectorises it. No multiplication is fused with an addition, so that the values
    // are those of the tensor operations.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Step { beta_1, beta_2, .. } = self.step;
        let ([correction, epsilon], learning_rate) = (self.step.corrections(), self.step.learning_rate as f32);
        let (penalty, kept) = (self.step.penalty(), self.step.kept());
        let state = self.w.iter_mut().zip(self.m).zip(self.v);
        for (gradient, ((w, m), v)) in self.gradient.iter().zip(state) {
            let g = *w * penalty + gradient;
            *m = *m * beta_1 + g * (1.0 - beta_1);
            *v = *v * beta_2 + g * g * (1.0 - beta_2);
            let change = *m * correction / (v.sqrt() + epsilon);
            *w = *w * kept - change * learning_rate;
        }
    }
}
