//! Norms and clipping on a GPU: many gradients in one kernel.
//!
//! Each workgroup sums the squares of some elements, and a second kernel adds the sums of a gradient, or of all: in an
//! order that depends on the sizes alone.

use burn::backend::{FloatDType, TensorMetadata, ops::FloatTensorOps};
use burn::tensor::Shape;
use burn_cubecl::{CubeBackend, tensor::CubeTensor};
use cubecl::prelude::*;

use super::{Bound, EPSILON};
use crate::multi::{Launch, Place, Strided, place, strided, sum_of_workgroup, threads};

/// The clipped gradients, and the norm of all of them together before, `[1]`; `None` without a gradient.
pub(super) fn clip(gradients: Vec<CubeTensor>, bound: Bound) -> Option<(Vec<CubeTensor>, CubeTensor)> {
    let client = gradients.first()?.client.clone();
    let lengths: Vec<usize> = gradients.iter().map(|gradient| gradient.shape().num_elements()).collect();
    let (sums, places) = squares(&client, &gradients, &lengths);
    // All gradients, and each by itself.
    let mut ranges = vec![[0, sums.shape()[0]]];
    if let Bound::TensorNorm(_) = bound {
        ranges.extend(places);
    }
    let norms = new(&sums, Shape::new([ranges.len()]));
    let workgroup = threads(&client, sums.shape()[0]);
    // SAFETY: a range is within the sums, and there are as many norms as workgroups.
    unsafe {
        norms_of_sums::launch_unchecked(
            &client,
            CubeCount::Static(ranges.len() as u32, 1, 1),
            CubeDim::new_1d(workgroup),
            sums.into_tensor_arg(),
            norms.clone().into_tensor_arg(),
            ranges.iter().map(|&range| place(range)).collect(),
            workgroup,
        );
    }
    let global = CubeBackend::float_slice(norms.clone(), &[burn::tensor::Slice::from(0..1)]);
    let clipped = match bound {
        Bound::None => gradients,
        Bound::Value(at) => bounded(&client, gradients, &lengths, at, |_| 0, None),
        Bound::GlobalNorm(at) => bounded(&client, gradients, &lengths, at, |_| 0, Some(&norms)),
        Bound::TensorNorm(at) => bounded(&client, gradients, &lengths, at, |index| index + 1, Some(&norms)),
    };
    Some((clipped, global))
}

fn new(like: &CubeTensor, shape: Shape) -> CubeTensor {
    CubeBackend::float_empty(shape, &like.device, FloatDType::F32)
}

/// The sums of squares of all workgroups, and the range of them that belongs to each gradient.
fn squares(client: &Client, gradients: &[CubeTensor], lengths: &[usize]) -> (CubeTensor, Vec<[usize; 2]>) {
    let launches = Launch::plan(client, lengths, 1, 1);
    let total: usize = launches.iter().map(|launch| launch.workgroups).sum();
    let sums = new(&gradients[0], Shape::new([total]));
    let mut places = vec![[0, 0]; gradients.len()];
    let mut before = 0;
    for launch in launches {
        let tensors = launch.tensors.iter().map(|&(index, at)| {
            places[index] = at.map(|workgroup| before + workgroup);
            GradientLaunch::new(strided(gradients[index].clone()), place(at))
        });
        let tensors: SequenceArg<Gradient> = tensors.collect();
        let workgroup = threads(client, launch.chunk);
        // SAFETY: a thread stays within the elements of its gradient, and there are as many sums as workgroups.
        unsafe {
            sums_of_squares::launch_unchecked(
                client,
                launch.count(),
                CubeDim::new_1d(workgroup),
                tensors,
                sums.clone().into_tensor_arg(),
                before,
                launch.chunk,
                workgroup,
            );
        }
        before += launch.workgroups;
    }
    (sums, places)
}

/// The gradients within a bound: with `norms`, scaled by that of index `norm`, else each of their values clipped.
fn bounded(
    client: &Client,
    gradients: Vec<CubeTensor>,
    lengths: &[usize],
    at: f64,
    norm: impl Fn(usize) -> usize,
    norms: Option<&CubeTensor>,
) -> Vec<CubeTensor> {
    let clipped: Vec<_> = gradients.iter().map(|gradient| new(gradient, gradient.shape())).collect();
    for launch in Launch::plan(client, lengths, 2, 1) {
        let tensors = launch.tensors.iter().map(|&(index, at)| {
            let to = clipped[index].clone().into_buffer_arg();
            ClippedLaunch::new(strided(gradients[index].clone()), to, place(at), norm(index))
        });
        // SAFETY: a thread stays within the elements of its gradient, and the index of its norm is one of the norms.
        unsafe {
            clip_gradients::launch_unchecked(
                client,
                launch.count(),
                launch.group(client),
                tensors.collect(),
                norms.map(|norms| norms.clone().into_tensor_arg()).into(),
                at as f32,
                EPSILON as f32,
                launch.chunk,
            );
        }
    }
    clipped
}

#[derive(CubeLaunch, CubeType)]
struct Gradient {
    values: Strided,
    place: Place,
}

#[cube(launch_unchecked)]
fn sums_of_squares(
    gradients: &Sequence<Gradient>,
    sums: &mut Tensor<f32>,
    before: usize,
    chunk: usize,
    #[comptime] threads: u32,
) {
    let mut sum = 0.0f32;
    let count = gradients.len().comptime();
    #[unroll]
    for index in 0..count {
        let gradient = gradients.index(index);
        if gradient.place.is_here() {
            let begin = gradient.place.begin(chunk);
            let end = clamp_max(begin + chunk, gradient.values.count());
            for i in range_stepped(begin + UNIT_POS as usize, end, CUBE_DIM as usize) {
                let value = gradient.values.get(i);
                sum += value * value;
            }
        }
    }
    let sum = sum_of_workgroup(sum, threads);
    if UNIT_POS == 0 {
        sums[before + CUBE_POS] = sum;
    }
}

/// `√Σ` of a range of the sums, for each workgroup.
#[cube(launch_unchecked)]
fn norms_of_sums(sums: &Tensor<f32>, norms: &mut Tensor<f32>, ranges: &Sequence<Place>, #[comptime] threads: u32) {
    let mut sum = 0.0f32;
    let count = ranges.len().comptime();
    #[unroll]
    for index in 0..count {
        if CUBE_POS == index {
            let range = ranges.index(index);
            for i in range_stepped(range.first + UNIT_POS as usize, range.end, CUBE_DIM as usize) {
                sum += sums[i];
            }
        }
    }
    let sum = sum_of_workgroup(sum, threads);
    if UNIT_POS == 0 {
        norms[CUBE_POS] = sum.sqrt();
    }
}

#[derive(CubeLaunch, CubeType)]
struct Clipped {
    from: Strided,
    to: Box<[f32]>,
    place: Place,
    norm: usize,
}

/// Bounds the norm, or, without norms, each value. What is not a number stays so.
#[cube(launch_unchecked)]
fn clip_gradients(
    mut gradients: Sequence<Clipped>,
    norms: ComptimeOption<&Tensor<f32>>,
    at: f32,
    epsilon: f32,
    chunk: usize,
) {
    let count = gradients.len().comptime();
    #[unroll]
    for index in 0..count {
        let gradient = gradients.index_mut(index);
        if gradient.place.is_here() {
            let begin = gradient.place.begin(chunk);
            let end = clamp_max(begin + chunk, gradient.from.count());
            let norm = gradient.norm;
            let factor: ComptimeOption<f32> = norms.map(|norms| factor_of(norms[norm], at, epsilon));
            for i in range_stepped(begin + UNIT_POS as usize, end, CUBE_DIM as usize) {
                let value = gradient.from.get(i);
                let scaled: ComptimeOption<f32> = factor.map(|factor| value * factor);
                gradient.to[i] = scaled.unwrap_or(within(value, at));
            }
        }
    }
}

#[cube]
fn factor_of(norm: f32, at: f32, epsilon: f32) -> f32 {
    let mut factor = 1.0 / (norm + epsilon) * at;
    if factor > 1.0 {
        factor = 1.0f32;
    }
    factor
}

#[cube]
fn within(value: f32, at: f32) -> f32 {
    let mut within = value;
    if value > at {
        within = at;
    }
    if value < -at {
        within = -at;
    }
    within
}
