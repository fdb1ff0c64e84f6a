//! EfficientNet-Lite0, a small and fast network.
//!
//! Tan and Le 2019 (arXiv 1905.11946), in the variant without squeeze-and-excitation and with ReLU6: Liu 2020,
//! <https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite>. Weights have the names of the
//! package `efficientnet-lite-pytorch`.
//!
//! ```text
//! block:  x -> 1x1 to e C, ReLU6 -> k x k for each channel, ReLU6 -> 1x1 to C' (+ x where it has the shape)
//! ```

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_kernels::convolution::Activation;
use rekindle_weights::{WeightError, WeightTensor};

use super::convolution::{Convolution, Loader, Norm, Shape};

/// `[blocks, kernel, stride, expansion e, channels C']` of each stage.
const STAGES: [[usize; 5]; 7] = [
    [1, 3, 1, 1, 16],
    [2, 3, 2, 6, 24],
    [2, 5, 2, 6, 40],
    [3, 3, 2, 6, 80],
    [3, 5, 1, 6, 112],
    [4, 5, 2, 6, 192],
    [1, 3, 1, 6, 320],
];

/// Channels before the first stage.
const STEM: usize = 32;

/// Epsilon of the batch norms in TensorFlow's models.
const EPSILON: f32 = 1e-3;

/// The network up to the map that the classifier reads. Batch norms are folded into the convolutions: their statistics
/// stay those of ImageNet, in training too.
#[derive(Module, Debug)]
pub struct EfficientNetLite0 {
    /// The first convolution, with stride 2.
    pub stem: Convolution,
    /// The 16 blocks.
    pub blocks: Vec<Block>,
    /// The convolution to the 1280 channels of the map.
    pub head: Convolution,
}

/// An inverted residual block (Sandler et al. 2018, arXiv 1801.04381).
#[derive(Module, Debug)]
pub struct Block {
    /// Expands the channels; none with an expansion of 1.
    pub expand: Option<Convolution>,
    /// The depthwise convolution.
    pub depthwise: Convolution,
    /// Projects to fewer channels.
    pub project: Convolution,
    skip: bool,
}

impl EfficientNetLite0 {
    /// Channels of the map.
    pub(super) const FEATURES: usize = 1280;

    pub(super) fn init(rng: &mut impl Rng, device: &Device) -> Self {
        let mut convolution =
            |input, output, kernel, stride, groups| Shape { input, output, kernel, stride, groups }.init(rng, device);
        let stem = convolution(3, STEM, 3, 2, 1);
        let mut input = STEM;
        let mut blocks = Vec::new();
        for [count, kernel, first_stride, expansion, output] in STAGES {
            for index in 0..count {
                let stride = if index == 0 { first_stride } else { 1 };
                let wide = input * expansion;
                blocks.push(Block {
                    expand: (expansion > 1).then(|| convolution(input, wide, 1, 1, 1)),
                    depthwise: convolution(wide, wide, kernel, stride, wide),
                    project: convolution(wide, output, 1, 1, 1),
                    skip: stride == 1 && input == output,
                });
                input = output;
            }
        }
        Self { stem, blocks, head: convolution(input, Self::FEATURES, 1, 1, 1) }
    }

    /// Loads the weights of the file, without its classifier.
    pub(super) fn load(self, weights: &BTreeMap<String, WeightTensor>) -> Result<Self, WeightError> {
        let mut loader = Loader::new(weights);
        let mut folded = |convolution, name: &str, norm: &str| {
            loader.convolution(convolution, name, Some(Norm { name: norm, epsilon: EPSILON }))
        };
        let stem = folded(self.stem, "_conv_stem", "_bn0");
        let mut blocks = Vec::new();
        for (number, block) in self.blocks.into_iter().enumerate() {
            let mut part = |convolution, name, norm| {
                folded(convolution, &format!("_blocks.{number}.{name}"), &format!("_blocks.{number}.{norm}"))
            };
            blocks.push(Block {
                expand: block.expand.map(|expand| part(expand, "_expand_conv", "_bn0")),
                depthwise: part(block.depthwise, "_depthwise_conv", "_bn1"),
                project: part(block.project, "_project_conv", "_bn2"),
                skip: block.skip,
            });
        }
        let head = folded(self.head, "_conv_head", "_bn1");
        loader.finish(&["_fc."])?;
        Ok(Self { stem, blocks, head })
    }

    /// The map `[B, 1280, H / 32, W / 32]` of pictures `[B, 3, H, W]`.
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        let map = self.stem.forward(pictures, Activation::Relu6);
        let map = self.blocks.iter().fold(map, |map, block| block.forward(map));
        self.head.forward(map, Activation::Relu6)
    }
}

impl Block {
    /// Whether the input is added to the output.
    pub fn has_skip(&self) -> bool {
        self.skip
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let wide = match &self.expand {
            Some(expand) => expand.forward(input.clone(), Activation::Relu6),
            None => input.clone(),
        };
        let narrow = self.project.forward(self.depthwise.forward(wide, Activation::Relu6), Activation::Identity);
        if self.skip { narrow + input } else { narrow }
    }
}
