//! Kernels of several pixels that read all channels.
//!
//! In the layout of [`Image`] the inputs of a tap are contiguous over all rows of the output, with a gap after each
//! row. So every pass is a sum of shifted planes, read where they are, and nothing is gathered. The elements of a gap
//! are computed too, and ignored: a few columns a row, and in return the vectors are full however narrow an image is.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{Sizes, image::Image, sum_of_parts};
use crate::{
    convolution::Activation,
    cpu::{panels::Lanes, pool::Buffer},
};

/// Output places that pay for a task.
const TASK_PLACES: usize = 2048;

/// Elements of laid out images and gradients that the weight gradient reads again and again: half of a core's own
/// cache.
const GROUP: usize = 1 << 17;

/// Vectors of places that pay for the sum over the lanes at the end.
const FEW_VECTORS: usize = 16;

/// Elements that a row of a tile has room for after the last vector.
const SLACK: usize = 16;

/// Rows of a tile and vectors of places, by lanes per vector: 5 x 5 sums, 5 vectors of inputs and a factor fill 31 of
/// the 32 registers of AVX-512, and 6 x 2 + 3 those of AVX2.
const fn tile_size(lanes: usize) -> [usize; 2] {
    match lanes {
        16 => [5, 5],
        8 => [6, 2],
        _ => [6, 4],
    }
}

/// Rows and taps of a tile of the weight gradient, which keeps a vector of gradients for each row in registers.
const fn gradient_tile_size(lanes: usize) -> [usize; 2] {
    match lanes {
        8 => [3, 4],
        _ => [5, 5],
    }
}

/// Images per task. No result depends on it.
fn images_of_task(sizes: &Sizes) -> usize {
    TASK_PLACES.div_ceil(sizes.image.places()).min(sizes.batch.max(1))
}

/// `0..len` in `count` parts of almost equal size.
fn part(len: usize, count: usize, index: usize) -> Range<usize> {
    index * len / count..(index + 1) * len / count
}

/// The vectors of `0..len` in blocks of almost equal size, of `most` vectors at most, as elements.
fn blocks(len: usize, most: usize, lanes: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let vectors = len.div_ceil(lanes);
    let count = vectors.div_ceil(most);
    (0..count).map(move |index| part(vectors, count, index)).map(move |part| part.start * lanes..part.end * lanes)
}

/// The offset of each weight's input from the first, in the planes of all channels.
fn offsets(sizes: &Sizes) -> Vec<usize> {
    let (plane, taps) = (sizes.image.plane(), sizes.image.taps_from_first());
    (0..sizes.channels).flat_map(|channel| taps.iter().map(move |tap| channel * plane + tap)).collect()
}

/// Planes for images in the layout, zero at first, and elements after them that vectors may read.
fn planes(len: usize, lanes: usize) -> Buffer {
    let mut planes = Buffer::take(len + lanes);
    planes.fill(0.0);
    planes
}

/// Sums of shifted planes, `y[row, i] = Σ_k factor[row, k] x[offset[k] + i]`, whose rows are divided into tiles.
struct Sums {
    offsets: Vec<usize>,
    /// Tile by tile, `[K, rows of the tile]`.
    factors: Vec<f32>,
    rows: usize,
    tiles: usize,
}

impl Sums {
    /// Packs the factors for tiles of `most` rows at most.
    fn new(rows: usize, most: usize, offsets: Vec<usize>, factor: impl Fn(usize, usize) -> f32) -> Self {
        let (tiles, depth) = (rows.div_ceil(most), offsets.len());
        let mut factors = Vec::with_capacity(rows * depth);
        for tile in 0..tiles {
            for k in 0..depth {
                factors.extend(part(rows, tiles, tile).map(|row| factor(row, k)));
            }
        }
        Self { offsets, factors, rows, tiles }
    }

    fn rows_of(&self, tile: usize) -> Range<usize> {
        part(self.rows, self.tiles, tile)
    }

    /// Adds up a tile for the places `0..width`, a multiple of the lanes, and writes its rows to `to`, which are
    /// `stride` apart.
    #[inline(always)]
    fn write<S: Simd>(
        &self,
        simd: S,
        tile: usize,
        finish: (&[f32], Activation),
        read: &[f32],
        width: usize,
        to: (&mut [f32], usize),
    ) {
        let rows = self.rows_of(tile);
        let factors = &self.factors[rows.start * self.offsets.len()..rows.end * self.offsets.len()];
        macro_rules! tile {
            ($($rows:literal)*) => {
                match rows.len() {
                    $($rows => tile_of_rows::<S, $rows>(simd, &self.offsets, factors, finish, read, width, to),)*
                    _ => unreachable!("a tile has at most six rows"),
                }
            };
        }
        tile!(1 2 3 4 5 6);
    }
}

#[inline(always)]
fn tile_of_rows<S: Simd, const R: usize>(
    simd: S,
    offsets: &[usize],
    factors: &[f32],
    finish: (&[f32], Activation),
    read: &[f32],
    width: usize,
    to: (&mut [f32], usize),
) {
    macro_rules! tile {
        ($($vectors:literal)*) => {
            match width / S::F32_LANES {
                $($vectors => tile::<S, R, $vectors>(simd, offsets, factors, finish, read, to),)*
                _ => unreachable!("a tile has at most five vectors"),
            }
        };
    }
    tile!(1 2 3 4 5);
}

/// `R` rows of `N` vectors.
#[inline(always)]
fn tile<S: Simd, const R: usize, const N: usize>(
    simd: S,
    offsets: &[usize],
    factors: &[f32],
    (starts, activation): (&[f32], Activation),
    read: &[f32],
    (to, stride): (&mut [f32], usize),
) {
    let mut first = [simd.splat_f32s(0.0); R];
    for (first, start) in first.iter_mut().zip(starts) {
        *first = simd.splat_f32s(*start);
    }
    let sums = accumulate(simd, offsets, factors, read, [first; N]);
    for (number, sums) in sums.iter().enumerate() {
        for (row, sum) in sums.iter().enumerate() {
            let to = &mut to[row * stride + number * S::F32_LANES..][..S::F32_LANES];
            S::as_mut_simd_f32s(to).0[0] = activation.of(simd, *sum);
        }
    }
}

/// Adds the products of the factors and the shifted inputs to the sums of each vector and row.
#[inline(always)]
fn accumulate<S: Simd, const R: usize, const N: usize>(
    simd: S,
    offsets: &[usize],
    factors: &[f32],
    read: &[f32],
    mut sums: [[S::f32s; R]; N],
) -> [[S::f32s; R]; N] {
    for (offset, factors) in offsets.iter().zip(factors.as_chunks::<R>().0) {
        let (inputs, _) = S::as_simd_f32s(&read[*offset..][..N * S::F32_LANES]);
        // An input is loaded once: most loads are slow, because they cross the cache's lines.
        for (sums, &input) in sums.iter_mut().zip(inputs) {
            for (sum, factor) in sums.iter_mut().zip(factors) {
                *sum = simd.mul_add_e_f32s(simd.splat_f32s(*factor), input, *sum);
            }
        }
    }
    sums
}

/// The output `[B, O, P]`.
pub(super) fn forward(sizes: &Sizes, [input, weight, bias]: [&[f32]; 3], activation: Activation) -> Vec<f32> {
    let (places, outputs, depth) = (sizes.image.places(), sizes.outputs, sizes.depth());
    let mut output = vec![0.0; sizes.batch * outputs * places];
    if output.is_empty() {
        return output;
    }
    let arch = Arch::new();
    let [rows, _] = tile_size(arch.dispatch(Lanes));
    let sums = &Sums::new(outputs, rows, offsets(sizes), |row, k| weight[row * depth + k]);
    let images = images_of_task(sizes);
    let tasks = sizes.batch.div_ceil(images);
    // With few large images, the threads share the outputs of each.
    let shares = if images > 1 { 1 } else { (2 * rayon::current_num_threads()).div_ceil(tasks).min(sums.tiles) };
    let pixels = sizes.channels * sizes.image.pixels();
    let mut passes = Vec::new();
    for (input, mut out) in input.chunks(images * pixels).zip(output.chunks_mut(images * outputs * places)) {
        let count = input.len() / pixels;
        for share in 0..shares {
            let tiles = part(sums.tiles, shares, share);
            let rows = sums.rows_of(tiles.start).start..sums.rows_of(tiles.end - 1).end;
            let (first, rest) = out.split_at_mut(count * rows.len() * places);
            passes.push(Forward { sizes, sums, input, bias: &bias[rows], activation, tiles, out: first });
            out = rest;
        }
    }
    passes.into_par_iter().for_each(|pass| arch.dispatch(pass));
    output
}

/// The forward pass of some images, or of some outputs of one.
struct Forward<'a> {
    sizes: &'a Sizes,
    sums: &'a Sums,
    input: &'a [f32],
    bias: &'a [f32],
    activation: Activation,
    tiles: Range<usize>,
    /// `[images, rows of the tiles, P]`
    out: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sizes, sums, input, bias, activation, tiles, out } = self;
        let (image, places) = (&sizes.image, sizes.image.places());
        let [_, vectors] = tile_size(S::F32_LANES);
        let first = sums.rows_of(tiles.start).start;
        let mut room = planes(sizes.channels * image.plane(), S::F32_LANES);
        let stride = vectors * S::F32_LANES + SLACK;
        let mut made = Buffer::take(sums.rows_of(tiles.start).len().max(6) * stride);
        let blocks = blocks(image.with_gaps(), vectors, S::F32_LANES);
        let blocks: Vec<_> = blocks.map(|block| (block.clone(), pieces(image, block))).collect();
        let images = input.chunks_exact(sizes.channels * image.pixels());
        for (input, out) in images.zip(out.chunks_exact_mut(bias.len() * places)) {
            lay_out(image, input, &mut room);
            for (block, pieces) in &blocks {
                for tile in tiles.clone() {
                    let rows = sums.rows_of(tile);
                    let rows = rows.start - first..rows.end - first;
                    let finish = (&bias[rows.clone()], activation);
                    sums.write(simd, tile, finish, &room[block.start..], block.len(), (&mut made, stride));
                    for (made, out) in
                        made.chunks_exact(stride).zip(out.chunks_exact_mut(places).skip(rows.start)).take(rows.len())
                    {
                        for piece in pieces {
                            copy_at_least(piece.len, &made[piece.at..], &mut out[piece.place..]);
                        }
                    }
                }
            }
        }
    }
}

/// Adjacent places of a row of the output, in a block with gaps.
struct Piece {
    place: usize,
    len: usize,
    /// Its position in the block.
    at: usize,
}

/// The pieces of a block, in order.
fn pieces(image: &Image, block: Range<usize>) -> Vec<Piece> {
    let ([height, width], row) = (image.output(), image.row());
    let piece = |number: usize| {
        let start = (number * row).max(block.start);
        let end = (number * row + width).min(block.end);
        (start < end).then(|| Piece {
            place: number * width + start - number * row,
            len: end - start,
            at: start - block.start,
        })
    };
    (block.start / row..height.min(block.end.div_ceil(row))).filter_map(piece).collect()
}

/// Copies `len` elements, or more where both slices have them, which takes fewer instructions. The surplus must be
/// written again.
#[inline(always)]
fn copy_at_least(len: usize, from: &[f32], to: &mut [f32]) {
    let len = len.min(to.len());
    let ((from, _), (whole, _)) = (from.as_chunks::<SLACK>(), to.as_chunks_mut::<SLACK>());
    let count = len.div_ceil(SLACK).min(whole.len());
    whole[..count].copy_from_slice(&from[..count]);
    let done = count * SLACK;
    if done < len {
        super::image::copy(&from.as_flattened()[done..len], &mut to[done..len]);
    }
}

/// Copies the channels of an image to their planes.
#[inline(always)]
fn lay_out(image: &Image, pixels: &[f32], planes: &mut [f32]) {
    for (to, plane) in planes.chunks_exact_mut(image.plane()).zip(pixels.chunks_exact(image.pixels())) {
        image.lay_out(plane, to);
    }
}

/// Copies an image's gradients `[O, P]` to their planes.
#[inline(always)]
fn lay_out_gradients(image: &Image, d: &[f32], lanes: usize, planes: &mut [f32]) {
    for (to, d) in planes.chunks_exact_mut(image.gradient_plane(lanes)).zip(d.chunks_exact(image.places())) {
        image.lay_out_gradient(d, to);
    }
}

/// `∂L/∂x` `[B, C, pixels]` from `d` `[B, O, P]`.
pub(super) fn input_gradient(sizes: &Sizes, weight: &[f32], d: &[f32]) -> Vec<f32> {
    let (image, channels, depth) = (&sizes.image, sizes.channels, sizes.depth());
    let (pixels, gradients) = (channels * image.pixels(), sizes.outputs * image.places());
    let mut output = vec![0.0; sizes.batch * pixels];
    if output.is_empty() {
        return output;
    }
    let arch = Arch::new();
    let lanes = arch.dispatch(Lanes);
    let [rows, _] = tile_size(lanes);
    let (plane, front) = (image.gradient_plane(lanes), image.gradient_front());
    // The pixels of a phase are read by the same taps.
    let phase = |(taps, pixels): (Vec<(usize, usize)>, Range<usize>)| {
        let start = pixels.start % image.phase_elements();
        let offset = |output: usize| taps.iter().map(move |(_, distance)| output * plane + front + start - distance);
        let offsets = (0..sizes.outputs).flat_map(offset).collect();
        let factor =
            |channel: usize, k: usize| weight[k / taps.len() * depth + channel * image.taps() + taps[k % taps.len()].0];
        (pixels, Sums::new(channels, rows, offsets, factor))
    };
    let phases: Vec<_> = image.taps_by_phase().into_iter().zip(image.pixels_by_phase()).map(phase).collect();
    let images = images_of_task(sizes);
    let tasks = output.par_chunks_mut(images * pixels).zip(d.par_chunks(images * gradients));
    tasks.for_each(|(out, d)| arch.dispatch(InputGradient { sizes, phases: &phases, d, out }));
    output
}

/// The input gradient of some images.
struct InputGradient<'a> {
    sizes: &'a Sizes,
    /// The pixels of each phase, as indices in the layout, and their sums.
    phases: &'a [(Range<usize>, Sums)],
    d: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sizes, phases, d, out } = self;
        let (image, channels, outputs) = (&sizes.image, sizes.channels, sizes.outputs);
        let [_, vectors] = tile_size(S::F32_LANES);
        let zeros = [0.0; 6];
        let mut room = planes(outputs * image.gradient_plane(S::F32_LANES), S::F32_LANES);
        // The last vector of a phase extends past it: to the next, which is written later, or past the plane.
        let plane = image.plane() + S::F32_LANES;
        let mut made = Buffer::take(channels * plane);
        let images = d.chunks_exact(outputs * image.places());
        for (d, out) in images.zip(out.chunks_exact_mut(channels * image.pixels())) {
            lay_out_gradients(image, d, S::F32_LANES, &mut room);
            for (pixels, sums) in phases {
                for block in blocks(pixels.len(), vectors, S::F32_LANES) {
                    for tile in 0..sums.tiles {
                        let rows = sums.rows_of(tile);
                        let finish = (&zeros[..rows.len()], Activation::Identity);
                        let to = &mut made[rows.start * plane + pixels.start + block.start..];
                        sums.write(simd, tile, finish, &room[block.start..], block.len(), (to, plane));
                    }
                }
            }
            for (out, made) in out.chunks_exact_mut(image.pixels()).zip(made.chunks_exact(plane)) {
                image.take_back(made, out);
            }
        }
    }
}

/// `∂L/∂W` `[O, D]` from `d` `[B, O, P]`.
pub(super) fn weight_gradient(sizes: &Sizes, input: &[f32], d: &[f32]) -> Vec<f32> {
    let (pixels, gradients) = (sizes.channels * sizes.image.pixels(), sizes.outputs * sizes.image.places());
    let (offsets, arch) = (offsets(sizes), Arch::new());
    sum_of_parts(sizes, |images| {
        let mut sums = vec![0.0; sizes.outputs * sizes.depth()];
        let input = &input[images.start * pixels..images.end * pixels];
        let d = &d[images.start * gradients..images.end * gradients];
        arch.dispatch(WeightGradient { sizes, offsets: &offsets, input, d, sums: &mut sums });
        sums
    })
}

/// The weight gradient of some images.
struct WeightGradient<'a> {
    sizes: &'a Sizes,
    offsets: &'a [usize],
    input: &'a [f32],
    d: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sizes, offsets, input, d, sums } = self;
        let (image, channels, outputs, depth) = (&sizes.image, sizes.channels, sizes.outputs, sizes.depth());
        let (pixels, gradients) = (channels * image.pixels(), outputs * image.places());
        let plane = image.gradient_plane(S::F32_LANES);
        let strides = [outputs * plane, channels * image.plane()];
        let at_once = (GROUP / (strides[0] + strides[1])).clamp(1, (input.len() / pixels.max(1)).max(1));
        // Of an image that is too large, some rows after others.
        let elements = strides[0] + strides[1];
        let vectors = image.with_gaps().div_ceil(S::F32_LANES);
        let most = (vectors * GROUP / elements.max(1)).max(FEW_VECTORS);
        let [rows_at_once, taps_at_once] = gradient_tile_size(S::F32_LANES);
        let [row_tiles, tap_tiles] = [outputs.div_ceil(rows_at_once), depth.div_ceil(taps_at_once)];
        let mut d_planes = planes(at_once * strides[0], S::F32_LANES);
        let mut x_planes = planes(at_once * strides[1], S::F32_LANES);
        for (input, d) in input.chunks(at_once * pixels).zip(d.chunks(at_once * gradients)) {
            let images = input.len() / pixels;
            lay_out(image, input, &mut x_planes);
            lay_out_gradients(image, d, S::F32_LANES, &mut d_planes);
            for block in blocks(image.with_gaps(), most, S::F32_LANES) {
                let read = Read {
                    images,
                    strides,
                    vectors: block.len() / S::F32_LANES,
                    d: &d_planes[image.gradient_front() + block.start..],
                    x: &x_planes[block.start..],
                    plane,
                };
                for row_tile in 0..row_tiles {
                    let rows = part(outputs, row_tiles, row_tile);
                    for tap_tile in 0..tap_tiles {
                        let taps = part(depth, tap_tiles, tap_tile);
                        let sums = &mut sums[rows.start * depth + taps.start..];
                        read.add(simd, rows.clone(), &offsets[taps], (sums, depth));
                    }
                }
            }
        }
    }
}

/// Laid out gradients and inputs of some images, from the first place that is summed on.
#[derive(Clone, Copy)]
struct Read<'a> {
    images: usize,
    /// Elements of an image in `d` and in `x`.
    strides: [usize; 2],
    /// Vectors of places.
    vectors: usize,
    d: &'a [f32],
    /// Elements of a plane of `d`.
    plane: usize,
    x: &'a [f32],
}

impl Read<'_> {
    /// Adds to `sums`, with rows so far apart, the products of each row's gradients and each tap's inputs.
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, rows: Range<usize>, taps: &[usize], sums: (&mut [f32], usize)) {
        macro_rules! tile {
            ($($rows:literal)*) => {
                match rows.len() {
                    $($rows => self.add_rows::<S, $rows>(simd, rows.start, taps, sums),)*
                    _ => unreachable!("a tile has at most five rows"),
                }
            };
        }
        tile!(1 2 3 4 5);
    }

    #[inline(always)]
    fn add_rows<S: Simd, const R: usize>(self, simd: S, row: usize, taps: &[usize], sums: (&mut [f32], usize)) {
        macro_rules! tile {
            ($($taps:literal)*) => {
                match taps.len() {
                    $($taps => self.add_tile::<S, R, $taps>(simd, row, taps, sums),)*
                    _ => unreachable!("a tile has at most five taps"),
                }
            };
        }
        tile!(1 2 3 4 5);
    }

    #[inline(always)]
    fn add_tile<S: Simd, const R: usize, const T: usize>(
        self,
        simd: S,
        row: usize,
        taps: &[usize],
        (to, stride): (&mut [f32], usize),
    ) {
        let Self { images, strides, vectors, d, plane, x } = self;
        let width = vectors * S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); R]; T];
        for image in 0..images {
            let mut gradients: [&[S::f32s]; R] = [&[]; R];
            let mut inputs: [&[S::f32s]; T] = [&[]; T];
            for (number, gradients) in gradients.iter_mut().enumerate() {
                *gradients = S::as_simd_f32s(&d[image * strides[0] + (row + number) * plane..][..width]).0;
                *gradients = &gradients[..vectors];
            }
            for (inputs, tap) in inputs.iter_mut().zip(taps) {
                *inputs = S::as_simd_f32s(&x[image * strides[1] + tap..][..width]).0;
                *inputs = &inputs[..vectors];
            }
            sums = multiply(simd, gradients, inputs, vectors, sums);
        }
        for (tap, sums) in sums.iter().enumerate() {
            for (row, sum) in sums.iter().enumerate() {
                to[row * stride + tap] += simd.reduce_sum_f32s(*sum);
            }
        }
    }
}

/// Adds the products of each row's gradients and each tap's inputs, by lane.
#[inline(always)]
fn multiply<S: Simd, const R: usize, const T: usize>(
    simd: S,
    gradients: [&[S::f32s]; R],
    inputs: [&[S::f32s]; T],
    vectors: usize,
    mut sums: [[S::f32s; R]; T],
) -> [[S::f32s; R]; T] {
    for vector in 0..vectors {
        let mut d = [simd.splat_f32s(0.0); R];
        for (d, gradients) in d.iter_mut().zip(&gradients) {
            *d = gradients[vector];
        }
        for (sums, inputs) in sums.iter_mut().zip(&inputs) {
            let x = inputs[vector];
            for (sum, &d) in sums.iter_mut().zip(&d) {
                *sum = simd.mul_add_e_f32s(d, x, *sum);
            }
        }
    }
    sums
}
