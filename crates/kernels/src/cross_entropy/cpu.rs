//! Cross-entropy's passes over slices.

use std::sync::Arc;

use burn::{
    backend::{TensorMetadata, tensor::FloatTensor},
    tensor::{Int, Tensor},
};
use pulp::Arch;
use rayon::prelude::*;

use crate::cpu::{blocks::CHUNK, exponentials::Exponentials, operation::Operation, tensors::CpuBackend};

/// The operation with the target token of each row.
#[derive(Clone, Debug)]
pub(super) struct CrossEntropy {
    targets: Arc<[usize]>,
}

/// State that the forward pass saves for the backward pass.
#[derive(Clone, Debug)]
pub(super) struct Saved<B: CpuBackend> {
    /// `[N, V]`: `exp(z - max z)`.
    exponentials: FloatTensor<B>,
    /// `[N]`: `Σ_v exp(z_v - max z)`.
    sums: Arc<[f32]>,
    targets: Arc<[usize]>,
}

impl CrossEntropy {
    /// Takes the targets `[N]`.
    ///
    /// # Panics
    /// If a target is not in `0..vocabulary`.
    pub fn new(targets: Tensor<1, Int>, vocabulary: usize) -> Self {
        Self { targets: columns(targets, vocabulary) }
    }
}

/// The targets `[N]` as columns of the logits.
///
/// # Panics
/// If a target is not in `0..vocabulary`.
pub(crate) fn columns(targets: Tensor<1, Int>, vocabulary: usize) -> Arc<[usize]> {
    let column = |(row, target): (usize, i64)| {
        let column = usize::try_from(target).ok().filter(|&column| column < vocabulary);
        column.unwrap_or_else(|| panic!("`targets[{row}]` must be in 0..V = 0..{vocabulary}, got {target}"))
    };
    targets.into_data().iter().enumerate().map(column).collect()
}

impl Operation<1> for CrossEntropy {
    type Saved<B: CpuBackend> = Saved<B>;

    /// The loss of each row, `[N]`, from the logits, `[N, V]`.
    fn forward<B: CpuBackend>(self, [logits]: [FloatTensor<B>; 1]) -> (FloatTensor<B>, Saved<B>) {
        let (vocabulary, targets) = (logits.shape()[1], self.targets);
        let mut exponentials = B::owned(logits);
        let mut losses = vec![0.0; targets.len()];
        let mut sums = vec![0.0; targets.len()];
        let arch = Arch::new();
        let rows = (CHUNK / vocabulary).max(1);
        B::slice_mut(&mut exponentials)
            .par_chunks_mut(rows * vocabulary)
            .zip(targets.par_chunks(rows))
            .zip(losses.par_chunks_mut(rows))
            .zip(sums.par_chunks_mut(rows))
            .for_each(|(((logits, targets), losses), sums)| {
                let rows = logits.chunks_exact_mut(vocabulary).zip(targets).zip(losses).zip(sums);
                for (((logits, &target), loss), sum) in rows {
                    let right = logits[target];
                    let (largest, total) = arch.dispatch(Exponentials(logits));
                    (*loss, *sum) = (total.ln() + (largest - right), total);
                }
            });
        let losses = B::from_elements(losses, [targets.len()].into());
        (losses, Saved { exponentials, sums: sums.into(), targets })
    }

    /// The gradient of the logits, `[N, V]`, from that of the losses, `[N]`.
    fn backward<B: CpuBackend>(saved: Saved<B>, d: FloatTensor<B>, [wanted]: [bool; 1]) -> [Option<FloatTensor<B>>; 1] {
        if !wanted {
            return [None];
        }
        let d = B::contiguous(d);
        let mut gradient = B::owned(saved.exponentials);
        let vocabulary = gradient.shape()[1];
        let rows = (CHUNK / vocabulary).max(1);
        B::slice_mut(&mut gradient)
            .par_chunks_mut(rows * vocabulary)
            .zip(saved.targets.par_chunks(rows))
            .zip(B::slice(&d).par_chunks(rows))
            .zip(saved.sums.par_chunks(rows))
            .for_each(|(((exponentials, targets), d), sums)| {
                let rows = exponentials.chunks_exact_mut(vocabulary).zip(targets).zip(d).zip(sums);
                for (((row, &target), d), sum) in rows {
                    let scale = d / sum;
                    row.iter_mut().for_each(|number| *number *= scale);
                    row[target] -= d;
                }
            });
        [Some(gradient)]
    }
}
