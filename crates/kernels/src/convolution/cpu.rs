//! The convolution over slices.

mod channelwise;
mod image;
mod pointwise;
mod spatial;

use std::ops::Range;

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd};
use rayon::prelude::*;

use super::{Activation, Options};
use crate::cpu::{
    blocks::CHUNK,
    lanes::{Lanewise, apply},
    operation::Operation,
    tensors::CpuBackend,
};
use image::Image;

/// A convolution of `input`, `weight` and `bias`, with one group or one for each channel.
#[derive(Clone, Debug)]
pub(super) struct Convolution(pub Options);

/// State for the backward pass.
#[derive(Clone, Debug)]
pub(super) struct Saved<B: CpuBackend> {
    sizes: Sizes,
    activation: Activation,
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    /// If the activation's derivative is a function of it.
    output: Option<FloatTensor<B>>,
}

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: usize,
    /// Channels of the input and of the output.
    channels: usize,
    outputs: usize,
    image: Image,
    /// Whether each channel has its own kernel.
    channelwise: bool,
}

impl Sizes {
    /// Number of weights per output channel.
    fn depth(&self) -> usize {
        self.image.taps() * if self.channelwise { 1 } else { self.channels }
    }
}

/// Which code computes a convolution.
enum Kind {
    Channelwise,
    /// The kernel is one pixel.
    Pointwise,
    Spatial,
}

impl Sizes {
    fn kind(&self) -> Kind {
        match (self.channelwise, self.image.is_plain()) {
            (true, _) => Kind::Channelwise,
            (false, true) => Kind::Pointwise,
            (false, false) => Kind::Spatial,
        }
    }
}

/// `∂L/∂x` from the weights and `d`, or `∂L/∂W` from the inputs and `d`.
type Gradient = fn(&Sizes, &[f32], &[f32]) -> Vec<f32>;

impl Operation<3> for Convolution {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(self, inputs: [FloatTensor<B>; 3]) -> (FloatTensor<B>, Saved<B>) {
        let [input, weight, bias] = inputs.map(B::contiguous);
        let Options { stride, padding: [rows, columns], groups, activation } = self.0;
        let ([batch, channels, height, width], [outputs, _, tall, wide]) =
            (input.shape().dims(), weight.shape().dims());
        let image = Image::new([height, width], [tall, wide], stride, [rows, columns]);
        let sizes = Sizes { batch, channels, outputs, image, channelwise: groups > 1 };
        let forward = match sizes.kind() {
            Kind::Channelwise => channelwise::forward,
            Kind::Pointwise => pointwise::forward,
            Kind::Spatial => spatial::forward,
        };
        let elements = forward(&sizes, [&input, &weight, &bias].map(|tensor| B::slice(tensor)), activation);
        let [height, width] = image.output();
        let output = B::from_elements(elements, [batch, outputs, height, width].into());
        let kept = (activation != Activation::Identity).then(|| output.clone());
        (output, Saved { sizes, activation, input, weight, output: kept })
    }

    fn backward<B: CpuBackend>(
        saved: Saved<B>,
        gradient: FloatTensor<B>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        let Saved { sizes, activation, input, weight, output } = saved;
        let gradient = match output {
            None => B::contiguous(gradient),
            Some(output) => sloped::<B>(gradient, &output, activation),
        };
        let d = B::slice(&gradient);
        let (x, w) = (B::slice(&input), B::slice(&weight));
        let (to_input, to_weight): (Gradient, Gradient) = match sizes.kind() {
            Kind::Channelwise => (channelwise::input_gradient, channelwise::weight_gradient),
            Kind::Pointwise => (pointwise::input_gradient, pointwise::weight_gradient),
            Kind::Spatial => (spatial::input_gradient, spatial::weight_gradient),
        };
        [
            wanted[0].then(|| B::from_elements(to_input(&sizes, w, d), input.shape())),
            wanted[1].then(|| B::from_elements(to_weight(&sizes, x, d), weight.shape())),
            wanted[2].then(|| B::from_elements(bias_gradient(&sizes, d), [sizes.outputs].into())),
        ]
    }
}

/// `∂L/∂b` from `d` `[B, O, P]`, by channel: independent of the number of threads.
fn bias_gradient(sizes: &Sizes, d: &[f32]) -> Vec<f32> {
    let places = sizes.image.places();
    let channel = |output: usize| {
        let planes = d.chunks_exact(places).skip(output).step_by(sizes.outputs);
        planes.map(sum).sum()
    };
    (0..sizes.outputs).into_par_iter().map(channel).collect()
}

/// Parts of the batch whose weight gradients are summed separately, for any number of threads.
const PARTS: usize = 16;

/// Elements that these sums may have in total.
const PARTS_NUMBERS: usize = 1 << 22;

/// The sum of the weight gradients that `part` computes for some images each.
fn sum_of_parts(sizes: &Sizes, part: impl Fn(Range<usize>) -> Vec<f32> + Sync) -> Vec<f32> {
    let numbers = sizes.outputs * sizes.depth();
    let parts = PARTS.min(PARTS_NUMBERS / numbers.max(1)).clamp(1, sizes.batch.max(1));
    let edge = |part: usize| part * sizes.batch / parts;
    let sums: Vec<Vec<f32>> = (0..parts).into_par_iter().map(|index| part(edge(index)..edge(index + 1))).collect();
    let sum = |mut sum: Vec<f32>, part: Vec<f32>| {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        sum
    };
    sums.into_iter().reduce(sum).unwrap_or_default()
}

/// The sum of a plane, in lanes that the compiler can vectorise.
fn sum(plane: &[f32]) -> f32 {
    let (vectors, rest) = plane.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for vector in vectors {
        sums.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
    }
    sums.iter().chain(rest).sum()
}

/// The gradient of the pre-activation.
fn sloped<B: CpuBackend>(gradient: FloatTensor<B>, output: &FloatTensor<B>, activation: Activation) -> FloatTensor<B> {
    let (mut gradient, arch) = (B::owned(gradient), Arch::new());
    let chunks = B::slice_mut(&mut gradient).par_chunks_mut(CHUNK).zip(B::slice(output).par_chunks(CHUNK));
    chunks.for_each(|(gradient, output)| apply(arch, Slope(activation), [output], [gradient]));
    gradient
}

/// A gradient where the output is between the activation's bounds, else 0.
#[derive(Clone, Copy)]
struct Slope(Activation);

impl Lanewise<1, 1> for Slope {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [y]: [S::f32s; 1], [gradient]: [S::f32s; 1]) -> [S::f32s; 1] {
        let zero = simd.splat_f32s(0.0);
        let mut inside = simd.less_than_f32s(zero, y);
        if self.0 == Activation::Relu6 {
            inside = simd.and_m32s(inside, simd.less_than_f32s(y, simd.splat_f32s(6.0)));
        }
        [simd.select_f32s(inside, gradient, zero)]
    }
}

/// The activation of a sum and the bias.
#[derive(Clone, Copy)]
struct Finish {
    bias: f32,
    activation: Activation,
}

impl Lanewise<1, 1> for Finish {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [sum]: [S::f32s; 1], _: [S::f32s; 1]) -> [S::f32s; 1] {
        [self.activation.of(simd, simd.add_f32s(sum, simd.splat_f32s(self.bias)))]
    }
}

impl Activation {
    /// `f(x)`. NaN is preserved.
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let (zero, six) = (simd.splat_f32s(0.0), simd.splat_f32s(6.0));
        let positive = |x| simd.select_f32s(simd.less_than_f32s(x, zero), zero, x);
        match self {
            Self::Identity => x,
            Self::Relu => positive(x),
            Self::Relu6 => simd.select_f32s(simd.less_than_f32s(six, x), six, positive(x)),
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
