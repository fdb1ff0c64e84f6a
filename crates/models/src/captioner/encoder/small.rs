//! A small network that is trained from scratch, together with the words.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use rand::Rng;

use super::convolution::{Convolution, Shape};

/// Channels behind each of the convolutions.
const CHANNELS: [usize; 3] = [16, 32, 64];

/// Three convolutions of 3 by 3 that halve the picture, ReLU after each, and a linear layer that sees where on the map
/// something is.
#[derive(Module, Debug)]
pub struct SmallCnn {
    /// The convolutions.
    pub convolutions: Vec<Convolution>,
    /// From the map to the vector.
    pub output: Linear,
}

impl SmallCnn {
    /// Depth of the map.
    pub(super) const FEATURES: usize = CHANNELS[CHANNELS.len() - 1];

    /// Numbers of the vector.
    pub(super) const VECTOR: usize = 128;

    /// For pictures of `side` by `side`.
    pub(super) fn init(side: usize, rng: &mut impl Rng, device: &Device) -> Self {
        let inputs = [3].into_iter().chain(CHANNELS);
        let shape = |(input, output)| Shape { input, output, kernel: 3, stride: 2, groups: 1 };
        let convolutions = inputs.zip(CHANNELS).map(|both| shape(both).init(rng, device)).collect();
        let places = Self::map_side(side).pow(2);
        Self { convolutions, output: crate::init::linear(Self::FEATURES * places, Self::VECTOR, rng, device) }
    }

    pub(super) fn map_side(side: usize) -> usize {
        CHANNELS.iter().fold(side, |side, _| side.div_ceil(2))
    }

    /// The map `[B, 64, H / 8, W / 8]` of pictures `[B, 3, H, W]`.
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        self.convolutions.iter().fold(pictures, |map, convolution| relu(convolution.forward(map)))
    }

    /// The vector `[B, 128]` of the map.
    pub(super) fn vector(&self, map: Tensor<4>) -> Tensor<2> {
        relu(self.output.forward(map.flatten::<2>(1, 3)))
    }
}
