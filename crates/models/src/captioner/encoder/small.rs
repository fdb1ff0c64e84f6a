//! A small network that is trained from scratch, together with the decoder.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rekindle_kernels::convolution::Activation;
use rekindle_kernels::linear::apply;

use super::convolution::{Convolution, Shape};

/// Channels after each convolution, and its stride.
const CONVOLUTIONS: [(usize, usize); 4] = [(16, 2), (32, 2), (64, 2), (64, 1)];

/// Four convolutions of 3 by 3 with ReLU, and a linear layer on the whole map. Three have stride 2; the fourth extends
/// a place's receptive field to 31 pixels each way, enough for all of an object across its border. The input includes
/// each pixel's coordinates: otherwise the features of a place would not say which place it is.
#[derive(Module, Debug)]
pub struct SmallCnn {
    /// The convolutions.
    pub convolutions: Vec<Convolution>,
    /// The linear layer from the map to the vector.
    pub output: Linear,
}

impl SmallCnn {
    /// Channels of the map.
    pub(super) const FEATURES: usize = CONVOLUTIONS[CONVOLUTIONS.len() - 1].0;

    /// Width of the vector.
    pub(super) const VECTOR: usize = 128;

    /// A network for images of `side` by `side` pixels.
    pub(super) fn init(side: usize, rng: &mut impl Rng, device: &Device) -> Self {
        let inputs = [3 + 2].into_iter().chain(CONVOLUTIONS.map(|(channels, _)| channels));
        let shape = |(input, (output, stride))| Shape { input, output, kernel: 3, stride, groups: 1 };
        let convolutions = inputs.zip(CONVOLUTIONS).map(|both| shape(both).init(rng, device)).collect();
        let places = Self::map_side(side).pow(2);
        Self { convolutions, output: crate::init::linear(Self::FEATURES * places, Self::VECTOR, rng, device) }
    }

    pub(super) fn map_side(side: usize) -> usize {
        CONVOLUTIONS.iter().fold(side, |side, (_, stride)| side.div_ceil(*stride))
    }

    /// The coordinates of each pixel of an image, `[2, H, W]`: horizontal and vertical, from -1 to 1.
    pub fn places(height: usize, width: usize) -> Vec<f32> {
        let along = |at: usize, of: usize| 2.0 * (at as f32 + 0.5) / of as f32 - 1.0;
        let right = (0..height * width).map(|pixel| along(pixel % width, width));
        let down = (0..height * width).map(|pixel| along(pixel / width, height));
        right.chain(down).collect()
    }

    /// The map `[B, 64, H / 8, W / 8]` of pictures `[B, 3, H, W]`.
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        self.convolutions
            .iter()
            .fold(with_places(pictures), |map, convolution| convolution.forward(map, Activation::Relu))
    }

    /// The vector `[B, 128]` of the map.
    pub(super) fn vector(&self, map: Tensor<4>) -> Tensor<2> {
        relu(apply(&self.output, map.flatten::<2>(1, 3)))
    }
}

/// Appends the coordinates of each pixel, horizontal and vertical, from -1 to 1, to `[B, 3, H, W]` (Liu et al. 2018,
/// *An intriguing failing of convolutional neural networks and the CoordConv solution*, arXiv 1807.03247).
fn with_places(pictures: Tensor<4>) -> Tensor<4> {
    let ([batch, _, height, width], device) = (pictures.dims(), pictures.device());
    let places = SmallCnn::places(height, width);
    let places = Tensor::<4>::from_data(TensorData::new(places, [1, 2, height, width]), &device);
    Tensor::cat(vec![pictures, places.expand([batch, 2, height, width])], 1)
}
