//! Depthwise convolution: a kernel for each channel, which reads that channel only.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{Sizes, image::Image};
use crate::{
    convolution::Activation,
    cpu::{panels::Lanes, pool::Buffer},
};

/// Planes per task, because one is little work.
const TASK_PLANES: usize = 8;

/// The working memory of a task.
struct Room {
    /// A plane in the padded layout, at first zeros, and elements after it that vectors may read.
    laid_out: Buffer,
    /// The outputs of a plane with gaps between its rows.
    sums: Buffer,
}

impl Room {
    fn new(image: &Image, lanes: usize) -> Self {
        let mut laid_out = Buffer::take(image.plane() + lanes);
        laid_out.fill(0.0);
        Self { laid_out, sums: Buffer::take(image.with_gaps().next_multiple_of(lanes)) }
    }
}

/// Runs `task` on the planes `[B, C]` of `output`, each with its index, several in parallel, with working memory.
fn each_plane(output: &mut [f32], plane: usize, image: &Image, task: impl Fn(usize, &mut [f32], &mut Room) + Sync) {
    if output.is_empty() {
        return;
    }
    let lanes = Arch::new().dispatch(Lanes);
    output.par_chunks_mut(TASK_PLANES * plane).enumerate().for_each(|(index, planes)| {
        let mut room = Room::new(image, lanes);
        for (number, plane) in planes.chunks_exact_mut(plane).enumerate() {
            task(index * TASK_PLANES + number, plane, &mut room);
        }
    });
}

/// Vectors of sums in registers at most.
const VECTORS: usize = 8;

/// The output `[B, C, P]`.
pub(super) fn forward(sizes: &Sizes, [input, weight, bias]: [&[f32]; 3], activation: Activation) -> Vec<f32> {
    let (image, arch) = (&sizes.image, Arch::new());
    let (places, pixels) = (image.places(), image.pixels());
    let taps = image.taps_from_first();
    let mut output = vec![0.0; sizes.batch * sizes.channels * places];
    each_plane(&mut output, places, image, |number, out, room| {
        let channel = number % sizes.channels;
        let (plane, kernel) = (&input[number * pixels..][..pixels], &weight[channel * taps.len()..][..taps.len()]);
        arch.dispatch(Forward { image, taps: &taps, plane, kernel, bias: bias[channel], activation, out, room });
    });
    output
}

/// The forward pass of one plane.
///
/// The rows of the output are computed as one: in the layout, the inputs of the next row follow after a gap, whose sums
/// are ignored. So the vectors are full however narrow the image is.
struct Forward<'a> {
    image: &'a Image,
    taps: &'a [usize],
    plane: &'a [f32],
    kernel: &'a [f32],
    bias: f32,
    activation: Activation,
    out: &'a mut [f32],
    room: &'a mut Room,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { image, taps, plane, kernel, bias, activation, out, room } = self;
        let Room { laid_out, sums } = room;
        image.lay_out(plane, &mut laid_out[..image.plane()]);
        let wide = image.with_gaps().div_ceil(S::F32_LANES);
        // Blocks of equal size: with at most eight, nine vectors are five and four.
        let blocks = wide.div_ceil(VECTORS);
        for block in 0..blocks {
            let [from, to] = [block, block + 1].map(|edge| edge * wide / blocks * S::F32_LANES);
            let (read, written) = (&laid_out[from..], &mut sums[from..to]);
            macro_rules! vectors {
                ($($count:literal)*) => {
                    match written.len() / S::F32_LANES {
                        $($count => block_of::<S, $count>(simd, taps, kernel, bias, activation, read, written),)*
                        _ => unreachable!("a block has at most eight vectors"),
                    }
                };
            }
            vectors!(1 2 3 4 5 6 7 8);
        }
        let rows = out.chunks_exact_mut(image.output()[1]).zip(sums.chunks(image.row()));
        rows.for_each(|(out, sums)| out.copy_from_slice(&sums[..out.len()]));
    }
}

/// `N` vectors of outputs, whose first tap reads the start of `read`.
#[inline(always)]
fn block_of<S: Simd, const N: usize>(
    simd: S,
    taps: &[usize],
    kernel: &[f32],
    bias: f32,
    activation: Activation,
    read: &[f32],
    written: &mut [f32],
) {
    let mut sums = [simd.splat_f32s(bias); N];
    for (tap, factor) in taps.iter().zip(kernel) {
        let factor = simd.splat_f32s(*factor);
        let (inputs, _) = S::as_simd_f32s(&read[*tap..][..N * S::F32_LANES]);
        for (sum, input) in sums.iter_mut().zip(inputs) {
            *sum = simd.mul_add_e_f32s(factor, *input, *sum);
        }
    }
    let (written, _) = S::as_mut_simd_f32s(written);
    for (written, sum) in written.iter_mut().zip(sums) {
        *written = activation.of(simd, sum);
    }
}

/// `∂L/∂x` `[B, C, pixels]` from `d` `[B, C, P]`.
pub(super) fn input_gradient(sizes: &Sizes, weight: &[f32], d: &[f32]) -> Vec<f32> {
    let (image, arch) = (&sizes.image, Arch::new());
    let places = image.places();
    let taps = image.taps_from_first();
    let mut output = vec![0.0; sizes.batch * sizes.channels * image.pixels()];
    each_plane(&mut output, image.pixels(), image, |number, out, room| {
        let channel = number % sizes.channels;
        let (d, kernel) = (&d[number * places..][..places], &weight[channel * taps.len()..][..taps.len()]);
        let room = &mut room.laid_out[..image.plane()];
        arch.dispatch(Backward { image, taps: &taps, d, kernel, out, room });
    });
    output
}

/// The backward pass of one plane.
struct Backward<'a> {
    image: &'a Image,
    taps: &'a [usize],
    d: &'a [f32],
    kernel: &'a [f32],
    out: &'a mut [f32],
    room: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { image, taps, d, kernel, out, room } = self;
        room.fill(0.0);
        for (d, start) in d.chunks_exact(image.output()[1]).zip(image.row_starts()) {
            for (tap, factor) in taps.iter().zip(kernel) {
                let to = &mut room[start + tap..][..d.len()];
                to.iter_mut().zip(d).for_each(|(to, d)| *to += factor * d);
            }
        }
        image.take_back(room, out);
    }
}

/// `∂L/∂W` `[C, 1, K, L]` from `d` `[B, C, P]`: by channel, independent of the number of threads.
pub(super) fn weight_gradient(sizes: &Sizes, input: &[f32], d: &[f32]) -> Vec<f32> {
    let (image, arch) = (&sizes.image, Arch::new());
    let taps = image.taps_from_first();
    let mut output = vec![0.0; sizes.channels * taps.len()];
    output.par_chunks_exact_mut(taps.len()).enumerate().for_each(|(channel, out)| {
        arch.dispatch(Kernel { sizes, taps: &taps, input, d, channel, out });
    });
    output
}

/// The gradient of a channel's kernel.
struct Kernel<'a> {
    sizes: &'a Sizes,
    taps: &'a [usize],
    input: &'a [f32],
    d: &'a [f32],
    channel: usize,
    out: &'a mut [f32],
}

impl WithSimd for Kernel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { sizes, taps, input, d, channel, out } = self;
        let (image, places, pixels) = (&sizes.image, sizes.image.places(), sizes.image.pixels());
        let mut room = Buffer::take(image.plane());
        room.fill(0.0);
        // A row of sums for each tap, added at the end, because independent sums can be vectorised.
        let width = image.output()[1];
        let mut sums = Buffer::take(taps.len() * width);
        sums.fill(0.0);
        for number in (channel..sizes.batch * sizes.channels).step_by(sizes.channels) {
            image.lay_out(&input[number * pixels..][..pixels], &mut room);
            for (d, start) in d[number * places..][..places].chunks_exact(width).zip(image.row_starts()) {
                for (tap, sums) in taps.iter().zip(sums.chunks_exact_mut(width)) {
                    let from = &room[start + tap..][..width];
                    sums.iter_mut().zip(d).zip(from).for_each(|((sum, d), x)| *sum += d * x);
                }
            }
        }
        out.iter_mut().zip(sums.chunks_exact(width)).for_each(|(out, sums)| *out = sums.iter().sum());
    }
}
