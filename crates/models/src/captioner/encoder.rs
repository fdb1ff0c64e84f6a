//! Image encoders: convolutional networks.
//!
//! | name | image | map | vector | normalisation of images |
//! |---|---|---|---|---|
//! | `vgg16`, `vgg19` | 224 | 14 x 14 x 512, of the last convolution | 4096, before the classes | `(x - mean) / deviation` of ImageNet's red, green and blue, `x` from 0 to 1: torchvision's `VGG16_Weights.IMAGENET1K_V1` |
//! | `efficientnet-lite0` | 224 | 7 x 7 x 1280 | 1280, the map's mean | `(x - 127) / 128`, `x` from 0 to 255: `MEAN_RGB` and `STDDEV_RGB` of TensorFlow's `efficientnet_lite_builder.py` |
//! | `small` | any | side / 8, 64 deep | 128 | `2 x - 1`, `x` from 0 to 1 |

mod convolution;
mod efficientnet;
mod small;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
mod vgg;

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rekindle_kernels::device::is_cpu;
use rekindle_kernels::parallel::for_each;
use rekindle_settings::{SettingError, names, settings};
use rekindle_weights::{WeightError, WeightTensor};
use serde::{Deserialize, Serialize};

pub use convolution::Convolution;
pub use efficientnet::{Block, EfficientNetLite0};
pub use small::SmallCnn;
pub use vgg::Vgg;

/// Pictures that go through all layers together on a CPU, without gradients: the outputs of more do not stay in the
/// caches from one layer to the next.
const IN_CACHE: usize = 2;

names! {
    /// The image encoder.
    #[derive(Default)]
    pub enum EncoderKind {
        /// [`SmallCnn`], trained from scratch.
        #[default]
        Small = "small",
        /// [`EfficientNetLite0`].
        EfficientNetLite0 = "efficientnet-lite0",
        /// [`Vgg`] with 16 layers.
        Vgg16 = "vgg16",
        /// [`Vgg`] with 19 layers.
        Vgg19 = "vgg19",
    }
}

settings! {
    /// Settings of an [`Encoder`].
    #[check(Self::consistent)]
    pub struct EncoderSettings {
        /// Image encoder; small is trained from scratch, the others are pretrained
        encoder: EncoderKind => value("NAME").choices(EncoderKind::NAMES.iter().copied());
        /// Pretrained weights of the image encoder, of efficientnet-lite-pytorch or torchvision
        encoder_weights: Option<PathBuf> => value("FILE");
        /// Side of the images in pixels with --encoder small; the others read 224
        image_size: usize = 48 => value("PIXELS").at_least(8).at_most(1024);
        /// Train the image encoder too, after this many steps
        fine_tune_after: Option<u64> => value("STEPS").unset("never; from the first step with --encoder small");
        /// Factor of the learning rate for the image encoder
        encoder_rate: f64 = 1.0 => value("FACTOR").at_least(0);
    }
}

impl EncoderSettings {
    fn consistent(&self) -> Result<(), SettingError> {
        match &self.encoder_weights {
            None if self.encoder != EncoderKind::Small => Err(SettingError::invalid(
                "encoder",
                self.encoder,
                "given with --encoder-weights FILE, the file of its pretrained weights",
            )),
            Some(file) if self.encoder == EncoderKind::Small => {
                Err(SettingError::invalid("encoder-weights", file.display(), "left out with --encoder small"))
            }
            _ => Ok(()),
        }
    }

    /// Whether the image encoder is trained, as part of the model.
    pub fn trains_encoder(&self) -> bool {
        self.encoder == EncoderKind::Small || self.fine_tune_after.is_some()
    }

    /// The image encoder's configuration.
    pub fn config(&self) -> EncoderConfig {
        EncoderConfig::new(self.encoder).with_side(self.encoder.side().unwrap_or(self.image_size))
    }
}

impl EncoderKind {
    /// Mean and standard deviation of red, green and blue for standardising images with values from 0 to 1.
    pub fn standard(self) -> [[f32; 3]; 2] {
        match self {
            Self::Small => [[0.5; 3], [0.5; 3]],
            Self::EfficientNetLite0 => [[127.0 / 255.0; 3], [128.0 / 255.0; 3]],
            Self::Vgg16 | Self::Vgg19 => [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]],
        }
    }

    /// The side of the images in pixels; none if any will do.
    pub fn side(self) -> Option<usize> {
        (self != Self::Small).then_some(224)
    }
}

/// The image features that the decoder reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// The map: `P` places, row by row, with a pillar of `F` numbers each.
    Map,
    /// The vector, as a single place.
    Vector,
}

/// Configuration of an [`Encoder`].
#[derive(Config, Debug)]
pub struct EncoderConfig {
    /// The network.
    pub kind: EncoderKind,
    /// Side of the images in pixels.
    #[config(default = 224)]
    pub side: usize,
    /// Channels of VGG's first convolution; later levels have 2, 4 and 8 times as many.
    #[config(default = 64)]
    pub channels: usize,
    /// Width of VGG's vector.
    #[config(default = 4096)]
    pub wide: usize,
}

/// A convolutional network; see the [module](self).
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a model has one")]
pub enum Encoder {
    /// Trained from scratch.
    Small(SmallCnn),
    /// Trained on ImageNet.
    EfficientNetLite0(EfficientNetLite0),
    /// Trained on ImageNet, with 16 layers.
    Vgg16(Vgg),
    /// The same with 19 layers.
    Vgg19(Vgg),
}

impl EncoderConfig {
    /// Number of places and features of each, `[P, F]`.
    pub fn shape(&self, view: View) -> [usize; 2] {
        let (side, depth, vector) = match self.kind {
            EncoderKind::Small => (SmallCnn::map_side(self.side), SmallCnn::FEATURES, SmallCnn::VECTOR),
            EncoderKind::EfficientNetLite0 => {
                (self.side.div_ceil(32), EfficientNetLite0::FEATURES, EfficientNetLite0::FEATURES)
            }
            EncoderKind::Vgg16 | EncoderKind::Vgg19 => (self.side / 16, 8 * self.channels, self.wide),
        };
        match view {
            View::Map => [side * side, depth],
            View::Vector => [1, vector],
        }
    }

    /// A network with weights drawn from `rng`.
    pub fn init_with(&self, rng: &mut impl Rng, device: &Device) -> Encoder {
        let mut vgg = |layers| Vgg::init(layers, self.channels, self.wide, rng, device);
        match self.kind {
            EncoderKind::Vgg16 => Encoder::Vgg16(vgg(16)),
            EncoderKind::Vgg19 => Encoder::Vgg19(vgg(19)),
            EncoderKind::Small => Encoder::Small(SmallCnn::init(self.side, rng, device)),
            EncoderKind::EfficientNetLite0 => Encoder::EfficientNetLite0(EfficientNetLite0::init(rng, device)),
        }
    }
}

impl Encoder {
    /// The kind of network.
    pub fn kind(&self) -> EncoderKind {
        match self {
            Self::Small(_) => EncoderKind::Small,
            Self::EfficientNetLite0(_) => EncoderKind::EfficientNetLite0,
            Self::Vgg16(_) => EncoderKind::Vgg16,
            Self::Vgg19(_) => EncoderKind::Vgg19,
        }
    }

    /// This network with weights from another program, the classifier's included: those of torchvision's `vgg16` and
    /// `vgg19`, or of `efficientnet-lite-pytorch`.
    ///
    /// # Errors
    ///
    /// [`WeightError::DoesNotFit`], with the names that are missing, left over or of another shape. No other program
    /// has weights for the small network, so all names are left over.
    pub fn load(self, weights: &BTreeMap<String, WeightTensor>) -> Result<Self, WeightError> {
        Ok(match self {
            Self::Small(small) => {
                convolution::Loader::new(weights).finish(&[])?;
                Self::Small(small)
            }
            Self::EfficientNetLite0(network) => Self::EfficientNetLite0(network.load(weights)?),
            Self::Vgg16(network) => Self::Vgg16(network.load(weights)?),
            Self::Vgg19(network) => Self::Vgg19(network.load(weights)?),
        })
    }

    /// Features `[B, P, F]` of `pictures` `[B, 3, H, W]`, with red, green and blue from 0 to 1.
    pub fn forward(&self, pictures: Tensor<4>, view: View) -> Tensor<3> {
        let device = pictures.device();
        let [batch, ..] = pictures.dims();
        if batch <= IN_CACHE || !is_cpu(&device) || device.is_autodiff() {
            return self.forward_group(pictures, view);
        }
        Tensor::cat(for_each(&device, pictures.split(IN_CACHE, 0), |group| self.forward_group(group, view)), 0)
    }

    fn forward_group(&self, pictures: Tensor<4>, view: View) -> Tensor<3> {
        let [mean, deviation] = self.kind().standard();
        let device = pictures.device();
        let channels =
            |values: [f32; 3]| Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device);
        let pictures = match (mean, deviation) {
            // The same for all three: numbers, since a CPU backend walks slowly along tensors of different shapes.
            ([m, m2, m3], [d, d2, d3]) if m == m2 && m == m3 && d == d2 && d == d3 => (pictures - m) / d,
            _ => (pictures - channels(mean)) / channels(deviation),
        };
        let map = match self {
            Self::Small(network) => network.forward(pictures),
            Self::EfficientNetLite0(network) => network.forward(pictures),
            Self::Vgg16(network) | Self::Vgg19(network) => network.forward(pictures),
        };
        match (view, self) {
            (View::Map, _) => pillars(map),
            (View::Vector, Self::Small(network)) => network.vector(map).unsqueeze_dim(1),
            (View::Vector, Self::EfficientNetLite0(_)) => pillars(map).mean_dim(1),
            (View::Vector, Self::Vgg16(network) | Self::Vgg19(network)) => network.vector(map).unsqueeze_dim(1),
        }
    }
}

/// Rearranges `[B, F, H, W]` to `[B, H W, F]`.
fn pillars(map: Tensor<4>) -> Tensor<3> {
    map.flatten::<3>(2, 3).swap_dims(1, 2)
}
