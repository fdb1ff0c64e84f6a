//! VGG-16 and VGG-19, the networks of the lecture.
//!
//! Simonyan and Zisserman 2015 (arXiv 1409.1556), columns D and E, with the weights and names of torchvision's `vgg16`
//! and `vgg19`. The last fully connected layer and the softmax are dropped: the output is the 4096 numbers before.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::pool::MaxPool2dConfig;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_kernels::convolution::Activation;
use rekindle_kernels::linear::apply;
use rekindle_weights::{WeightError, WeightTensor};

use super::convolution::{Convolution, Loader, Shape};

/// Channels of each level, as multiples of the first's 64.
const LEVELS: [usize; 5] = [1, 2, 4, 8, 8];

/// Side of the map after the last pooling layer, for images of 224 pixels.
const POOLED: usize = 7;

/// Convolutions of 3 by 3 in five levels, with pooling that halves the map after each, and two fully connected layers.
#[derive(Module, Debug)]
pub struct Vgg {
    /// All convolutions.
    pub convolutions: Vec<Convolution>,
    /// From the last map, after pooling, to the first 4096 numbers: torchvision's `classifier.0`.
    pub first: Linear,
    /// To the 4096 numbers before the classes: torchvision's `classifier.3`.
    pub second: Linear,
    /// Number of convolutions in each level.
    counts: [usize; 5],
}

impl Vgg {
    /// Number of convolutions in each level.
    pub fn counts(&self) -> [usize; 5] {
        self.counts
    }

    /// A network of 16 or 19 layers with weights, 3 of them fully connected. VGG has 64 for `channels` and 4096 for
    /// `wide`.
    pub(super) fn init(layers: usize, channels: usize, wide: usize, rng: &mut impl Rng, device: &Device) -> Self {
        let later = (layers - 7) / 3;
        let counts = [2, 2, later, later, later];
        let mut input = 3;
        let mut convolutions = Vec::new();
        for (count, level) in counts.into_iter().zip(LEVELS) {
            for _ in 0..count {
                let output = channels * level;
                convolutions.push(Shape { input, output, kernel: 3, stride: 1, groups: 1 }.init(rng, device));
                input = output;
            }
        }
        Self {
            convolutions,
            first: crate::init::linear(input * POOLED * POOLED, wide, rng, device),
            second: crate::init::linear(wide, wide, rng, device),
            counts,
        }
    }

    /// Loads the weights of the file, without its last layer.
    pub(super) fn load(self, weights: &BTreeMap<String, WeightTensor>) -> Result<Self, WeightError> {
        let mut loader = Loader::new(weights);
        let mut convolutions = self.convolutions.into_iter();
        let mut loaded = Vec::new();
        // torchvision numbers every convolution, pooling layer and ReLU.
        let mut number = 0;
        for count in self.counts {
            for convolution in convolutions.by_ref().take(count) {
                loaded.push(loader.convolution(convolution, &format!("features.{number}"), None));
                number += 2;
            }
            number += 1;
        }
        let [first, second] =
            [(&self.first, "classifier.0"), (&self.second, "classifier.3")].map(|(l, name)| loader.linear(l, name));
        loader.finish(&["classifier.6."])?;
        Ok(Self { convolutions: loaded, first, second, counts: self.counts })
    }

    /// The map of the last convolution, `[B, 512, 14, 14]` for pictures `[B, 3, 224, 224]`.
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        let mut map = pictures;
        let mut convolutions = self.convolutions.iter();
        for (level, &count) in self.counts.iter().enumerate() {
            if level > 0 {
                map = halved(map);
            }
            map = convolutions
                .by_ref()
                .take(count)
                .fold(map, |map, convolution| convolution.forward(map, Activation::Relu));
        }
        map
    }

    /// The vector before the classes, `[B, 4096]`, of the map `[B, 512, 14, 14]`.
    pub(super) fn vector(&self, map: Tensor<4>) -> Tensor<2> {
        let first = relu(apply(&self.first, halved(map).flatten::<2>(1, 3)));
        relu(apply(&self.second, first))
    }
}

fn halved(map: Tensor<4>) -> Tensor<4> {
    MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init().forward(map)
}
