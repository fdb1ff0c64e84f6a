//! Frame encoders: from a frame to a vector.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_kernels::convolution::{self as kernels, Activation, Options};
use rekindle_kernels::linear::apply;
use rekindle_rnn::parameter;

use crate::init::{he_uniform, zeros};

/// Channels after the first convolution; each later one has twice as many, up to [`MOST_CHANNELS`].
const CHANNELS: usize = 16;
const MOST_CHANNELS: usize = 64;
/// Largest side of the map that the linear layer reads as a whole.
const SMALL: usize = 4;

/// The kind and size of a frame's input.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum FrameInput {
    /// A vector of `width` features.
    Features {
        /// Number of features.
        width: usize,
    },
    /// An image of `channels` times `height` times `width` numbers, in this order.
    Pixels {
        /// 1 for grey, 3 for red, green and blue.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

impl FrameInput {
    /// Numbers in a frame, `F`.
    pub fn size(self) -> usize {
        match self {
            Self::Features { width } => width,
            Self::Pixels { channels, height, width } => channels * height * width,
        }
    }

    /// Whether a recurrence can read frames as they are, without an encoder.
    pub fn may_be_raw(self) -> bool {
        matches!(self, Self::Features { .. })
    }

    pub(super) fn encoder(self, size: usize, rng: &mut impl Rng, device: &Device) -> FrameEncoder {
        match self {
            Self::Features { width } => FrameEncoder::Features(crate::init::linear(width, size, rng, device)),
            Self::Pixels { channels, height, width } => {
                FrameEncoder::Pixels(PixelEncoder::init([channels, height, width], size, rng, device))
            }
        }
    }
}

/// The encoder of single frames in a [`FrameTagger`](super::FrameTagger).
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a model has one")]
pub enum FrameEncoder {
    /// `relu(W x + b)`.
    Features(Linear),
    /// A convolutional network.
    Pixels(PixelEncoder),
}

impl FrameEncoder {
    /// The frames that it reads.
    pub fn input(&self) -> FrameInput {
        match self {
            Self::Features(linear) => FrameInput::Features { width: linear.weight.dims()[0] },
            Self::Pixels(pixels) => {
                let [channels, height, width] = pixels.shape;
                FrameInput::Pixels { channels, height, width }
            }
        }
    }

    /// Vectors `[B, T, E]` of `frames` `[B, T, F]`.
    ///
    /// # Panics
    ///
    /// When `F` is not that of the encoder.
    pub fn forward(&self, frames: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Features(linear) => relu(apply(linear, frames)),
            Self::Pixels(pixels) => pixels.forward(frames),
        }
    }
}

/// Convolutions of 3 by 3 with stride 2 and ReLU until the map is small, then a linear layer on the whole map, which
/// keeps the position of features.
#[derive(Module, Debug)]
pub struct PixelEncoder {
    /// The convolutions, each with stride 2.
    pub convolutions: Vec<Conv2d>,
    /// The linear layer from the last map to the vector.
    pub output: Linear,
    shape: [usize; 3],
}

impl PixelEncoder {
    fn init(shape: [usize; 3], size: usize, rng: &mut impl Rng, device: &Device) -> Self {
        let [mut channels, mut height, mut width] = shape;
        let mut convolutions = Vec::new();
        while height.max(width) > SMALL || convolutions.is_empty() {
            let wider = (CHANNELS << convolutions.len()).min(MOST_CHANNELS);
            convolutions.push(convolution(channels, wider, rng, device));
            (channels, height, width) = (wider, height.div_ceil(2), width.div_ceil(2));
        }
        let inputs = channels * height * width;
        let output = Linear {
            weight: parameter([inputs, size], device, || he_uniform(inputs, size, rng)),
            bias: Some(zeros([size], device)),
        };
        Self { convolutions, output, shape }
    }

    fn forward(&self, frames: Tensor<3>) -> Tensor<3> {
        let [batch, time, _] = frames.dims();
        let [channels, height, width] = self.shape;
        let pictures = frames.reshape([batch * time, channels, height, width]);
        let map = self.convolutions.iter().fold(pictures, |map, convolution| convolved(convolution, map));
        relu(apply(&self.output, map.flatten::<2>(1, 3))).reshape([batch as i64, time as i64, -1])
    }
}

/// ReLU of the convolution.
fn convolved(layer: &Conv2d, map: Tensor<4>) -> Tensor<4> {
    let bias = layer.bias.as_ref().expect("the convolutions have biases").val();
    let options = Options { stride: 2, padding: [[1, 1]; 2], groups: 1, activation: Activation::Relu };
    kernels::convolution(map, layer.weight.val(), bias, options)
}

/// A convolution of 3 by 3 with stride 2.
fn convolution(from: usize, to: usize, rng: &mut impl Rng, device: &Device) -> Conv2d {
    // PyTorch's smaller default more than halves the difference between two frames in each layer, and a recurrence
    // that must compare frames then hardly begins to learn.
    let config = Conv2dConfig::new([from, to], [3, 3]).with_stride([2, 2]);
    let mut convolution = config.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device);
    convolution.weight = parameter([to, from, 3, 3], device, || he_uniform(9 * from, to, rng));
    convolution.bias = Some(zeros([to], device));
    convolution
}
