//! Pooling over slices.

use std::sync::Arc;

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use rayon::prelude::*;

use crate::cpu::{operation::Operation, tensors::CpuBackend};

/// The largest value over the valid steps of each row.
#[derive(Clone, Debug)]
pub(super) struct MaxOverTime {
    pub lengths: Arc<[usize]>,
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
pub(super) struct Largest {
    /// `[B, F]`: the step of each value.
    steps: Arc<[u32]>,
    time: usize,
    features: usize,
}

impl Operation<1> for MaxOverTime {
    type Saved<B: CpuBackend> = Largest;

    fn forward<B: CpuBackend>(self, [hidden]: [FloatTensor<B>; 1]) -> (FloatTensor<B>, Largest) {
        let hidden = B::contiguous(hidden);
        let shape = hidden.shape();
        let [time, batch, features] = [shape[0], shape[1], shape[2]];
        let from = B::slice(&hidden);
        let mut values = vec![0.0; batch * features];
        let mut steps = vec![0; batch * features];
        let width = features.max(1);
        let rows = values.par_chunks_mut(width).zip(steps.par_chunks_mut(width)).zip(&*self.lengths);
        rows.enumerate().for_each(|(row, ((values, steps), &length))| {
            let step = |t: usize| &from[(t * batch + row) * features..][..features];
            values.copy_from_slice(step(0));
            for t in 1..length {
                for ((value, at), &x) in values.iter_mut().zip(&mut *steps).zip(step(t)) {
                    // NaN stays, as in Burn's maximum.
                    let larger = x > *value || (x.is_nan() && !value.is_nan());
                    *value = if larger { x } else { *value };
                    *at = if larger { t as u32 } else { *at };
                }
            }
        });
        let largest = Largest { steps: steps.into(), time, features };
        (B::from_elements(values, [batch, features].into()), largest)
    }

    fn backward<B: CpuBackend>(
        Largest { steps, time, features }: Largest,
        d: FloatTensor<B>,
        [wanted]: [bool; 1],
    ) -> [Option<FloatTensor<B>>; 1] {
        [wanted.then(|| {
            let d = B::contiguous(d);
            let batch = d.shape()[0];
            let mut gradient = vec![0.0; time * batch * features];
            for (index, (&step, &d)) in steps.iter().zip(B::slice(&d)).enumerate() {
                gradient[step as usize * batch * features + index] = d;
            }
            B::from_elements(gradient, [time, batch, features].into())
        })]
    }
}
