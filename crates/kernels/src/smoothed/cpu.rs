//! The output layer's loss over slices.

use std::sync::Arc;

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Int, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use crate::{
    cpu::{
        blocks::CHUNK,
        exponentials::{Exponentials, Sum},
        matrix::{Matrix, add_product_on_threads, add_rows, multiply_packed, threads_of},
        operation::Operation,
        panels::{Orientation, Panels},
        pool::Buffer,
        tensors::{CpuBackend, scaled},
        tiles::Start,
    },
    cross_entropy::cpu::columns,
};

/// Logits computed at once: many enough rows for a deep product, and few enough to stay in the caches.
const LOGITS: usize = 1 << 21;

/// The loss of an output layer, with the target token of each row.
#[derive(Clone, Debug)]
pub(super) struct OutputLoss {
    targets: Arc<[usize]>,
    epsilon: f32,
}

impl OutputLoss {
    /// Takes the targets `[N]`.
    ///
    /// # Panics
    /// If a target is not in `0..vocabulary`.
    pub fn new(targets: Tensor<1, Int>, vocabulary: usize, epsilon: f64) -> Self {
        Self { targets: columns(targets, vocabulary), epsilon: epsilon as f32 }
    }
}

impl Operation<3> for OutputLoss {
    /// The gradients of the inputs, for a gradient of 1 of the loss.
    type Saved<B: CpuBackend> = [FloatTensor<B>; 3];

    fn forward<B: CpuBackend>(self, inputs: [FloatTensor<B>; 3]) -> (FloatTensor<B>, [FloatTensor<B>; 3]) {
        let inputs = inputs.map(B::contiguous);
        let shapes = inputs.each_ref().map(TensorMetadata::shape);
        let [rows, width, vocabulary] = [shapes[0][0], shapes[0][1], shapes[1][0]];
        let [hidden, weight, bias] = inputs.each_ref().map(B::slice);
        let arch = Arch::new();
        let panels = Panels::pack(arch, weight, width, Orientation::Transposed);
        let (mut d_hidden, mut d_weight) = (vec![0.0; rows * width], vec![0.0; vocabulary * width]);
        let (mut d_bias, mut losses) = (vec![0.0; vocabulary], vec![0.0; rows]);
        let chunk = (LOGITS / vocabulary).clamp(1, rows);
        let mut logits = Buffer::take(chunk * vocabulary);
        let threads = threads_of(chunk * width * vocabulary);
        let share = Share { rows, vocabulary, epsilon: self.epsilon };
        let work = hidden.chunks(chunk * width).zip(d_hidden.chunks_mut(chunk * width));
        let work = work.zip(self.targets.chunks(chunk)).zip(losses.chunks_mut(chunk));
        for (((hidden, d_hidden), targets), losses) in work {
            let logits = &mut logits[..targets.len() * vocabulary];
            multiply_packed(arch, hidden, &panels, Start::From(bias), logits, threads);
            share.differentiate(arch, logits, targets, losses);
            let gradient = Matrix::filling(logits, vocabulary);
            // The matrix library sums so many products in parts, which is more exact than one after the other.
            add_product_on_threads(gradient, Matrix::filling(weight, width), d_hidden);
            add_product_on_threads(gradient.transpose(), Matrix::filling(hidden, width), &mut d_weight);
            add_rows(logits, &mut d_bias);
        }
        let loss = losses.iter().sum::<f64>() / rows as f64;
        let [of_hidden, of_weight, of_bias] = shapes;
        let gradients = [(d_hidden, of_hidden), (d_weight, of_weight), (d_bias, of_bias)];
        let gradients = gradients.map(|(gradient, shape)| B::from_elements(gradient, shape));
        (B::from_elements(vec![loss as f32], [1].into()), gradients)
    }

    fn backward<B: CpuBackend>(
        gradients: [FloatTensor<B>; 3],
        d: FloatTensor<B>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        let factor = B::number(d);
        let mut wanted = wanted.into_iter();
        gradients.map(|gradient| wanted.next().expect("as many as gradients").then(|| scaled::<B>(gradient, factor)))
    }
}

/// What each row's part of the loss depends on.
#[derive(Clone, Copy)]
struct Share {
    rows: usize,
    vocabulary: usize,
    epsilon: f32,
}

impl Share {
    /// Replaces the logits by their gradient, `(p - q) / N`; writes the loss of each row.
    fn differentiate(self, arch: Arch, logits: &mut [f32], targets: &[usize], losses: &mut [f64]) {
        let Self { rows, vocabulary, epsilon } = self;
        let spread = epsilon / vocabulary as f32;
        let scale = 1.0 / rows as f32;
        let at_once = (CHUNK / vocabulary).max(1);
        let logits = logits.par_chunks_mut(at_once * vocabulary).zip(targets.par_chunks(at_once));
        logits.zip(losses.par_chunks_mut(at_once)).for_each(|((logits, targets), losses)| {
            for ((row, &target), loss) in logits.chunks_exact_mut(vocabulary).zip(targets).zip(losses) {
                let all = if epsilon == 0.0 { 0.0 } else { arch.dispatch(Sum(row)) };
                let right = row[target];
                let (largest, sum) = arch.dispatch(Exponentials(row));
                // Differences first: they are small where logits are large.
                let of_target = (1.0 - epsilon) * (right - largest);
                let of_all = spread * (all - largest * vocabulary as f32);
                *loss = f64::from(sum.ln() - of_target - of_all);
                let factor = scale / sum;
                row.iter_mut().for_each(|p| *p = *p * factor - spread * scale);
                row[target] -= (1.0 - epsilon) * scale;
            }
        });
    }
}
