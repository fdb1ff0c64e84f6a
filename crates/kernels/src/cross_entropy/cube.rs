//! Cross-entropy on a GPU: a workgroup a row forward, a thread a logit backward.

use burn::{
    backend::{FloatDType, TensorMetadata, ops::FloatTensorOps},
    tensor::{self, DType, Int, Shape},
};
use burn_cubecl::{Cube, CubeBackend, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::{calculate_cube_count_elemwise, prelude::*};

use crate::{
    device::is_native_on_gpu,
    multi::{max_of_workgroup, sum_of_workgroup, threads},
    native::cube::cast,
    operation::{Operation, run},
};

/// Rows of a grid of workgroups: as many as every device has in one dimension.
const GRID: u32 = 1 << 15;

/// The operation with the target token of each row.
#[derive(Clone, Debug)]
struct CrossEntropy {
    /// `[N]`, of `i32`.
    targets: CubeTensor,
    /// Whether the output is the mean of the losses, `[1]`.
    mean: bool,
}

/// State that the forward pass saves for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    /// `[N, V]`.
    logits: CubeTensor,
    /// `[N, 2]`: `max_v z_v` and `Σ_v exp(z_v - max z)`. Their `ln Σ_v exp z_v` would have the rounding of large
    /// logits.
    sums: CubeTensor,
    operation: CrossEntropy,
}

/// Whether the kernels take the tensors.
pub(super) fn has_kernels(logits: &tensor::Tensor<2>, targets: &tensor::Tensor<1, Int>) -> bool {
    is_native_on_gpu(logits) && targets.dtype() == DType::I32 && logits.shape().num_elements() > 0
}

pub(super) fn cross_entropy(
    logits: tensor::Tensor<2>,
    targets: tensor::Tensor<1, Int>,
    mean: bool,
) -> tensor::Tensor<1> {
    let targets = targets.inner().try_into_primitive::<Cube>().expect("targets are on the device of the logits");
    let operation = CrossEntropy { targets: into_contiguous(cast(targets)), mean };
    tensor::Tensor::from_dispatch(run(operation, [logits.into_dispatch()]))
}

impl Operation<1> for CrossEntropy {
    type Saved = Saved;

    fn forward(self, [logits]: [CubeTensor; 1]) -> (CubeTensor, Saved) {
        let logits = into_contiguous(logits);
        let [rows, vocabulary] = logits.shape().dims();
        let new = |shape| CubeBackend::float_empty(shape, &logits.device, FloatDType::F32);
        let (losses, sums) = (new(Shape::new([rows])), new(Shape::new([rows, 2])));
        let client = &logits.client;
        let workgroup = threads(client, vocabulary);
        let grid = (rows as u32).min(GRID);
        // SAFETY: a workgroup stays within its row, and the target within the vocabulary.
        unsafe {
            losses_of_rows::launch_unchecked(
                client,
                CubeCount::Static(grid, (rows as u32).div_ceil(grid), 1),
                CubeDim::new_1d(workgroup),
                logits.clone().into_tensor_arg(),
                self.targets.clone().into_tensor_arg(),
                losses.clone().into_tensor_arg(),
                sums.clone().into_tensor_arg(),
                workgroup,
            );
        }
        let loss = if self.mean { mean_of(losses) } else { losses };
        (loss, Saved { logits, sums, operation: self })
    }

    fn backward(saved: Saved, d: CubeTensor, [wanted]: [bool; 1]) -> [Option<CubeTensor>; 1] {
        if !wanted {
            return [None];
        }
        let Saved { logits, sums, operation } = saved;
        let [rows, vocabulary] = logits.shape().dims();
        let count = rows * vocabulary;
        let gradient = match logits.can_mut() {
            true => logits.clone(),
            false => CubeBackend::float_empty(logits.shape(), &logits.device, FloatDType::F32),
        };
        // That of a mean is a single number, divided among the rows; that of a sum is one number for all rows.
        let (stride, share) = if operation.mean { (0, 1.0 / rows as f32) } else { (d.meta.strides()[0], 1.0) };
        let client = &logits.client;
        let group = CubeDim::new(client, count);
        // SAFETY: a thread with a logit reads and writes that one, and reads numbers of its row.
        unsafe {
            gradient_of_logits::launch_unchecked(
                client,
                calculate_cube_count_elemwise(client, count, group),
                group,
                logits.clone().into_tensor_arg(),
                operation.targets.into_tensor_arg(),
                sums.into_tensor_arg(),
                d.into_tensor_arg(),
                gradient.clone().into_tensor_arg(),
                stride,
                share,
            );
        }
        [Some(gradient)]
    }
}

/// `[1]`: the mean of `[N]`.
fn mean_of(losses: CubeTensor) -> CubeTensor {
    let mean = CubeBackend::float_empty(Shape::new([1]), &losses.device, FloatDType::F32);
    let client = &losses.client;
    let workgroup = threads(client, losses.shape()[0]);
    // SAFETY: the workgroup stays within the losses.
    unsafe {
        mean_of_losses::launch_unchecked(
            client,
            CubeCount::Static(1, 1, 1),
            CubeDim::new_1d(workgroup),
            losses.clone().into_tensor_arg(),
            mean.clone().into_tensor_arg(),
            workgroup,
        );
    }
    mean
}

#[cube]
fn target_of(targets: &Tensor<i32>, row: usize, vocabulary: usize) -> usize {
    let target = clamp(targets[row], 0, vocabulary as i32 - 1);
    target as usize
}

#[cube(launch_unchecked)]
fn losses_of_rows(
    logits: &Tensor<f32>,
    targets: &Tensor<i32>,
    losses: &mut Tensor<f32>,
    sums: &mut Tensor<f32>,
    #[comptime] threads: u32,
) {
    let (rows, vocabulary) = (logits.shape(0), logits.shape(1));
    // The last workgroups of the grid compute the last row again: all threads must reach the sums.
    let row = clamp_max(CUBE_POS, rows - 1);
    let (begin, end) = (row * vocabulary, (row + 1) * vocabulary);
    let first = begin + UNIT_POS as usize;
    let mut largest = logits[begin];
    for i in range_stepped(first, end, CUBE_DIM as usize) {
        if logits[i] > largest {
            largest = logits[i];
        }
    }
    let largest = max_of_workgroup(largest, threads);
    let mut sum = 0.0f32;
    for i in range_stepped(first, end, CUBE_DIM as usize) {
        sum += (logits[i] - largest).exp();
    }
    let sum = sum_of_workgroup(sum, threads);
    if UNIT_POS == 0 {
        let right = logits[begin + target_of(targets, row, vocabulary)];
        losses[row] = sum.ln() + (largest - right);
        sums[2 * row] = largest;
        sums[2 * row + 1] = sum;
    }
}

#[cube(launch_unchecked)]
fn mean_of_losses(losses: &Tensor<f32>, mean: &mut Tensor<f32>, #[comptime] threads: u32) {
    let mut sum = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, losses.shape(0), CUBE_DIM as usize) {
        sum += losses[i];
    }
    let sum = sum_of_workgroup(sum, threads);
    if UNIT_POS == 0 {
        mean[0] = sum / f32::cast_from(losses.shape(0));
    }
}

#[cube(launch_unchecked)]
fn gradient_of_logits(
    logits: &Tensor<f32>,
    targets: &Tensor<i32>,
    sums: &Tensor<f32>,
    d: &Tensor<f32>,
    gradient: &mut Tensor<f32>,
    stride: usize,
    share: f32,
) {
    let vocabulary = logits.shape(1);
    if ABSOLUTE_POS >= logits.shape(0) * vocabulary {
        terminate!();
    }
    let row = ABSOLUTE_POS / vocabulary;
    let d = d[row * stride] * share;
    let mut change = (logits[ABSOLUTE_POS] - sums[2 * row]).exp() * (d / sums[2 * row + 1]);
    if ABSOLUTE_POS % vocabulary == target_of(targets, row, vocabulary) {
        change -= d;
    }
    gradient[ABSOLUTE_POS] = change;
}
