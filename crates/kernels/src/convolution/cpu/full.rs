//! Kernels that read all channels: a product of the weights `[O, D]` and the inputs of each place, `[D, P]`.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    Finish, Sizes,
    image::{Image, Run},
};
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

/// Parts of the batch whose weight gradients are summed separately, for any number of threads.
const PARTS: usize = 16;

/// Elements that these sums may have in total.
const PARTS_NUMBERS: usize = 1 << 22;

/// Images per task.
fn images_of_task(sizes: &Sizes) -> usize {
    TASK_PLACES.div_ceil(sizes.image.places()).min(sizes.batch.max(1))
}

/// Where the inputs of a place are in images that are laid out.
struct Layout {
    /// Elements of an image.
    image: usize,
    /// For each weight of a kernel, the offset of its input from the first tap's input.
    taps: Vec<usize>,
}

impl Layout {
    fn new(sizes: &Sizes) -> Self {
        let (plane, in_plane) = (sizes.image.plane(), sizes.image.taps_from_first());
        let tap = |channel: usize| in_plane.iter().map(move |tap| channel * plane + tap);
        Self { image: sizes.channels * plane, taps: (0..sizes.channels).flat_map(tap).collect() }
    }

    /// Zeros for images in this layout; none if they are used as they are.
    fn room(&self, image: &Image, images: usize) -> Buffer {
        let mut room = Buffer::take(if image.is_plain() { 0 } else { images * self.image });
        room.fill(0.0);
        room
    }

    /// Gathers the inputs of the places of `runs` from `planes` in `to` `[D, width]`.
    #[inline(always)]
    fn gather(&self, planes: &[f32], runs: &[Run], width: usize, to: &mut [f32]) {
        for (to, tap) in to.chunks_exact_mut(width).zip(&self.taps) {
            for run in runs {
                let from = run.image * self.image + run.from + tap;
                copy(&planes[from..][..run.len], &mut to[run.at..][..run.len]);
            }
        }
    }

    /// Adds the columns of [`gather`](Self::gather) back to their inputs.
    #[inline(always)]
    fn scatter(&self, planes: &mut [f32], runs: &[Run], width: usize, from: &[f32]) {
        for (from, tap) in from.chunks_exact(width).zip(&self.taps) {
            for run in runs {
                let to = run.image * self.image + run.from + tap;
                let to = &mut planes[to..][..run.len];
                to.iter_mut().zip(&from[run.at..][..run.len]).for_each(|(to, from)| *to += from);
            }
        }
    }
}

/// Copies a few elements, without the call that `copy_from_slice` is.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    let ((from, last), (to, rest)) = (from.as_chunks::<16>(), to.as_chunks_mut::<16>());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    rest.copy_from_slice(last);
}

/// Images in the layout, in `room` unless they are used as they are.
#[inline(always)]
fn lay_out<'a>(image: &Image, pixels: &'a [f32], room: &'a mut Buffer) -> &'a [f32] {
    if image.is_plain() {
        return pixels;
    }
    let planes = room.chunks_exact_mut(image.plane());
    planes.zip(pixels.chunks_exact(image.pixels())).for_each(|(to, plane)| image.lay_out(plane, to));
    room
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
        let (image, depth, places) = (&sizes.image, sizes.depth(), sizes.image.places());
        let images = out.len() / (rows.len() * places);
        let layout = Layout::new(sizes);
        let mut room = layout.room(image, images);
        let planes = lay_out(image, input, &mut room);

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
            image.runs(first, width.min(images * places - first), &mut runs);
            layout.gather(planes, &runs, width, &mut panel);
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

/// Gathers the gradients of the places of `runs` from `d` `[images, O, P]`: `to` `[O, width]`.
fn gather_gradients(sizes: &Sizes, d: &[f32], runs: &[Run], width: usize, to: &mut [f32]) {
    let places = sizes.image.places();
    for (output, to) in to.chunks_exact_mut(width).enumerate() {
        for run in runs {
            let from = (run.image * sizes.outputs + output) * places + run.place;
            to[run.at..][..run.len].copy_from_slice(&d[from..][..run.len]);
        }
    }
}

/// `∂L/∂W` `[O, D]` from `d` `[B, O, P]`.
pub(super) fn weight_gradient(sizes: &Sizes, input: &[f32], d: &[f32]) -> Vec<f32> {
    let numbers = sizes.outputs * sizes.depth();
    let parts = PARTS.min(PARTS_NUMBERS / numbers.max(1)).clamp(1, sizes.batch.max(1));
    let edge = |part: usize| part * sizes.batch / parts;
    let part = |part: usize| weight_gradient_of(sizes, input, d, edge(part)..edge(part + 1));
    let sums: Vec<Vec<f32>> = (0..parts).into_par_iter().map(part).collect();
    let sum = |mut sum: Vec<f32>, part: Vec<f32>| {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        sum
    };
    sums.into_iter().reduce(sum).unwrap_or_default()
}

/// The part of the weight gradient from some images.
fn weight_gradient_of(sizes: &Sizes, input: &[f32], d: &[f32], images: Range<usize>) -> Vec<f32> {
    let (image, depth, places) = (&sizes.image, sizes.depth(), sizes.image.places());
    let mut sums = vec![0.0; sizes.outputs * depth];
    let at_once = images_of_task(sizes);
    let (pixels, gradients) = (sizes.channels * image.pixels(), sizes.outputs * places);
    let layout = Layout::new(sizes);
    let mut room = layout.room(image, at_once.min(images.len()));
    let (mut read, mut upstream) = (Buffer::take(depth * GATHERED), Buffer::take(sizes.outputs * GATHERED));
    let mut runs = Vec::new();
    for first in images.clone().step_by(at_once) {
        let count = at_once.min(images.end - first);
        let planes = lay_out(image, &input[first * pixels..][..count * pixels], &mut room);
        let d = &d[first * gradients..][..count * gradients];
        for place in (0..count * places).step_by(GATHERED) {
            let width = GATHERED.min(count * places - place);
            image.runs(place, width, &mut runs);
            let (read, upstream) = (&mut read[..depth * width], &mut upstream[..sizes.outputs * width]);
            layout.gather(planes, &runs, width, read);
            gather_gradients(sizes, d, &runs, width, upstream);
            add_product(Matrix::filling(upstream, width), Matrix::filling(read, width).transpose(), &mut sums);
        }
    }
    sums
}

/// `∂L/∂x` `[B, C, pixels]` from `d` `[B, O, P]`.
pub(super) fn input_gradient(sizes: &Sizes, weight: &[f32], d: &[f32]) -> Vec<f32> {
    let (image, depth, places) = (&sizes.image, sizes.depth(), sizes.image.places());
    let (pixels, gradients) = (sizes.channels * image.pixels(), sizes.outputs * places);
    let at_once = images_of_task(sizes);
    let mut output = vec![0.0; sizes.batch * pixels];
    if output.is_empty() {
        return output;
    }
    let tasks = output.par_chunks_mut(at_once * pixels).zip(d.par_chunks(at_once * gradients));
    tasks.for_each(|(out, d)| {
        let count = out.len() / pixels;
        let layout = Layout::new(sizes);
        let mut room = layout.room(image, count);
        let planes: &mut [f32] = if image.is_plain() { &mut *out } else { &mut room };
        let (mut read, mut upstream) = (Buffer::take(depth * GATHERED), Buffer::take(sizes.outputs * GATHERED));
        let mut runs = Vec::new();
        for place in (0..count * places).step_by(GATHERED) {
            let width = GATHERED.min(count * places - place);
            image.runs(place, width, &mut runs);
            let (read, upstream) = (&mut read[..depth * width], &mut upstream[..sizes.outputs * width]);
            gather_gradients(sizes, d, &runs, width, upstream);
            read.fill(0.0);
            add_product(Matrix::filling(weight, depth).transpose(), Matrix::filling(upstream, width), read);
            layout.scatter(planes, &runs, width, read);
        }
        if image.is_plain() {
            return;
        }
        let planes = room.chunks_exact(image.plane());
        out.chunks_exact_mut(image.pixels()).zip(planes).for_each(|(plane, from)| image.take_back(from, plane));
    });
    output
}
