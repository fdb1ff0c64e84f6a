//! Kernels of one pixel that read all channels: a product of the weights `[O, D]` and the pixels, `[D, P]`.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{Finish, Sizes, image::copy, sum_of_parts};
use crate::{
    convolution::Activation,
    cpu::{
        lanes::update,
        matrix::{Matrix, add_product},
        panels::panel_columns,
        pool::Buffer,
        tiles::{Row, Start, multiply_panel},
    },
};

/// Output places that pay for a task.
const TASK_PLACES: usize = 256;

/// Places that the gradients gather at once.
const GATHERED: usize = 512;

/// Images per task.
fn images_of_task(sizes: &Sizes) -> usize {
    TASK_PLACES.div_ceil(sizes.image.places()).min(sizes.batch.max(1))
}

/// Gathers the elements of the places of `runs` from images `[images, planes, P]`: `to` `[planes, width]`.
#[inline(always)]
fn gather(images: &[f32], planes: usize, places: usize, runs: &[Run], width: usize, to: &mut [f32]) {
    for (plane, to) in to.chunks_exact_mut(width).enumerate() {
        for run in runs {
            let from = (run.image * planes + plane) * places + run.place;
            copy(&images[from..][..run.len], &mut to[run.at..][..run.len]);
        }
    }
}

/// The opposite of [`gather`].
#[inline(always)]
fn scatter(images: &mut [f32], planes: usize, places: usize, runs: &[Run], width: usize, from: &[f32]) {
    for (plane, from) in from.chunks_exact(width).enumerate() {
        for run in runs {
            let to = (run.image * planes + plane) * places + run.place;
            copy(&from[run.at..][..run.len], &mut images[to..][..run.len]);
        }
    }
}

/// Adjacent places of an image.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The index of the image.
    image: usize,
    /// The first place in the plane.
    place: usize,
    len: usize,
    /// The offset of the run in the requested places.
    at: usize,
}

/// The runs of `count` places from `first` on, counted over all images.
fn find_runs(places: usize, first: usize, count: usize, runs: &mut Vec<Run>) {
    runs.clear();
    let mut at = 0;
    while at < count {
        let (image, place) = ((first + at) / places, (first + at) % places);
        let len = (places - place).min(count - at);
        runs.push(Run { image, place, len, at });
        at += len;
    }
}

/// The output `[B, O, P]`.
pub(super) fn forward(sizes: &Sizes, [input, weight, bias]: [&[f32]; 3], activation: Activation) -> Vec<f32> {
    let (places, outputs) = (sizes.image.places(), sizes.outputs);
    let mut output = vec![0.0; sizes.batch * outputs * places];
    if output.is_empty() {
        return output;
    }
    let images = images_of_task(sizes);
    let tasks = sizes.batch.div_ceil(images);
    // With few large images, the threads share the outputs of each. No result depends on it.
    let shares = if images > 1 { 1 } else { (2 * rayon::current_num_threads()).div_ceil(tasks).min(outputs) };
    let share = outputs.div_ceil(shares);
    let parts = outputs.div_ceil(share);
    let arch = Arch::new();
    let pixels = sizes.channels * sizes.image.pixels();
    // A task has all outputs of some images, or some outputs of one.
    let tasks = output.chunks_mut(images * outputs * places);
    let tasks: Vec<&mut [f32]> = tasks.flat_map(|task| task.chunks_mut(images * share * places)).collect();
    tasks.into_par_iter().enumerate().for_each(|(index, out)| {
        let (first, row) = (index / parts * images, index % parts * share);
        let rows = row..outputs.min(row + share);
        let count = out.len() / (rows.len() * places);
        let input = &input[first * pixels..][..count * pixels];
        arch.dispatch(Forward { sizes, input, weight, bias, activation, rows, out });
    });
    output
}

/// The forward pass of some images, or of some outputs of one.
struct Forward<'a> {
    sizes: &'a Sizes,
    input: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    activation: Activation,
    rows: Range<usize>,
    /// `[images, rows, P]`
    out: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sizes, input, weight, bias, activation, rows, out } = self;
        let (depth, places) = (sizes.depth(), sizes.image.places());
        let images = out.len() / (rows.len() * places);
        let width = panel_columns(S::F32_LANES);
        let mut panel = Buffer::take(depth * width);
        // Columns of a panel after its last place are multiplied too, and ignored.
        panel.fill(0.0);
        let mut sums = Buffer::take(rows.len() * width);
        let factors = |row: usize| &weight[(rows.start + row) * depth..][..depth];
        let products: Vec<Row> =
            (0..rows.len()).map(|row| Row { factors: factors(row), start: Start::Zero, at: row * width }).collect();
        let mut runs = Vec::new();
        for first in (0..images * places).step_by(width) {
            find_runs(places, first, width.min(images * places - first), &mut runs);
            gather(input, depth, places, &runs, width, &mut panel);
            multiply_panel(simd, &panel, &products, 0..width, &mut sums);
            for run in &runs {
                for (row, sums) in sums.chunks_exact(width).enumerate() {
                    let out = &mut out[(run.image * rows.len() + row) * places + run.place..][..run.len];
                    let finish = Finish { bias: bias[rows.start + row], activation };
                    update(simd, finish, [&sums[run.at..][..run.len]], [out]);
                }
            }
        }
    }
}

/// `∂L/∂W` `[O, D]` from `d` `[B, O, P]`.
pub(super) fn weight_gradient(sizes: &Sizes, input: &[f32], d: &[f32]) -> Vec<f32> {
    sum_of_parts(sizes, |images| weight_gradient_of(sizes, input, d, images))
}

/// The part of the weight gradient from some images.
fn weight_gradient_of(sizes: &Sizes, input: &[f32], d: &[f32], images: Range<usize>) -> Vec<f32> {
    let (depth, places) = (sizes.depth(), sizes.image.places());
    let mut sums = vec![0.0; sizes.outputs * depth];
    let at_once = images_of_task(sizes);
    let (pixels, gradients) = (depth * places, sizes.outputs * places);
    let (mut read, mut upstream) = (Buffer::take(depth * GATHERED), Buffer::take(sizes.outputs * GATHERED));
    let mut runs = Vec::new();
    for first in images.clone().step_by(at_once) {
        let count = at_once.min(images.end - first);
        let input = &input[first * pixels..][..count * pixels];
        let d = &d[first * gradients..][..count * gradients];
        for place in (0..count * places).step_by(GATHERED) {
            let width = GATHERED.min(count * places - place);
            find_runs(places, place, width, &mut runs);
            let (read, upstream) = (&mut read[..depth * width], &mut upstream[..sizes.outputs * width]);
            gather(input, depth, places, &runs, width, read);
            gather(d, sizes.outputs, places, &runs, width, upstream);
            add_product(Matrix::filling(upstream, width), Matrix::filling(read, width).transpose(), &mut sums);
        }
    }
    sums
}

/// `∂L/∂x` `[B, C, pixels]` from `d` `[B, O, P]`.
pub(super) fn input_gradient(sizes: &Sizes, weight: &[f32], d: &[f32]) -> Vec<f32> {
    let (depth, places) = (sizes.depth(), sizes.image.places());
    let (pixels, gradients) = (depth * places, sizes.outputs * places);
    let at_once = images_of_task(sizes);
    let mut output = vec![0.0; sizes.batch * pixels];
    if output.is_empty() {
        return output;
    }
    let tasks = output.par_chunks_mut(at_once * pixels).zip(d.par_chunks(at_once * gradients));
    tasks.for_each(|(out, d)| {
        let count = out.len() / pixels;
        let (mut read, mut upstream) = (Buffer::take(depth * GATHERED), Buffer::take(sizes.outputs * GATHERED));
        let mut runs = Vec::new();
        for place in (0..count * places).step_by(GATHERED) {
            let width = GATHERED.min(count * places - place);
            find_runs(places, place, width, &mut runs);
            let (read, upstream) = (&mut read[..depth * width], &mut upstream[..sizes.outputs * width]);
            gather(d, sizes.outputs, places, &runs, width, upstream);
            read.fill(0.0);
            add_product(Matrix::filling(weight, depth).transpose(), Matrix::filling(upstream, width), read);
            scatter(out, depth, places, &runs, width, read);
        }
    });
    output
}
