//! What a run of `draw` is told.

use rekindle_data::images::{Binarization, ImageReader};
use rekindle_models::draw::{DrawConfig, Likelihood};
use serde::{Deserialize, Serialize};

use super::ImageShape;
use crate::error::TrainError;
use crate::run::RunSettings;
use crate::settings::{TrainingSettings, setting};

/// Settings of `draw`. Every field has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(default)]
pub struct DrawSettings {
    /// The images.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Images"))]
    pub data: ImageSettings,
    /// The model.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Model"))]
    pub model: ModelSettings,
    /// The loop.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Training"))]
    pub training: TrainingSettings,
}

/// Which images, and how they are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct ImageSettings {
    /// A folder of images or with the files of MNIST, an idx or amat file, builtin:strokes or builtin:shapes
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH", default_value_t = ImageSettings::default().data))]
    pub data: String,
    /// Resize the images to this width and height [default: as they are; 28 for a folder of images]
    #[cfg_attr(feature = "clap", arg(long, value_name = "PIXELS"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// Read the images of a folder in colour
    #[cfg_attr(feature = "clap", arg(long))]
    pub colour: bool,
    /// From grey to black and white: stochastic (anew each epoch), threshold, none (for --gaussian)
    #[cfg_attr(feature = "clap", arg(long, value_name = "KIND", default_value_t = ImageSettings::default().binarize))]
    pub binarize: Binarization,
    /// Share of the images to evaluate on while training
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = ImageSettings::default().validation_share))]
    pub validation_share: f64,
    /// Share of the images for `eval --part test`, where the data has no test part of its own
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = ImageSettings::default().test_share))]
    pub test_share: f64,
    /// Images of a step
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = ImageSettings::default().batch_size))]
    pub batch_size: usize,
}

/// The shape of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// T: how often the image is read and written
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = ModelSettings::default().glimpses))]
    pub glimpses: usize,
    /// Width of the hidden state of encoder and decoder
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "rnn-size", value_name = "WIDTH", default_value_t = ModelSettings::default().hidden))]
    pub hidden: usize,
    /// Numbers of the latent of a glimpse
    #[cfg_attr(feature = "clap", arg(long, value_name = "WIDTH", default_value_t = ModelSettings::default().latent))]
    pub latent: usize,
    /// Read through a grid of this many by this many filters; 0 reads the whole image
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", default_value_t = ModelSettings::default().read))]
    pub read: usize,
    /// Write through a grid of this many by this many filters; 0 writes the whole image
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", default_value_t = ModelSettings::default().write))]
    pub write: usize,
    /// A pixel is normal with this standard deviation, from 0 to 1 [default: it is black or white]
    #[cfg_attr(feature = "clap", arg(long, value_name = "DEVIATION"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gaussian: Option<f64>,
}

impl Default for ImageSettings {
    fn default() -> Self {
        let ImageReader { validation_share, test_share, .. } = ImageReader::default();
        Self {
            data: "builtin:strokes".to_owned(),
            image_size: None,
            colour: false,
            binarize: Binarization::Stochastic,
            validation_share,
            test_share,
            batch_size: 100,
        }
    }
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self { glimpses: 10, hidden: 256, latent: 100, read: 0, write: 0, gaussian: None }
    }
}

impl DrawSettings {
    /// Checks the values that have no meaning.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for the first one.
    pub fn validate(&self) -> Result<(), TrainError> {
        self.training.validate()?;
        let Self { data, model, .. } = self;
        let sizes = [("glimpses", model.glimpses), ("hidden", model.hidden), ("latent", model.latent)];
        for (name, size) in sizes {
            if size == 0 {
                return setting(name, size, "1 or more");
            }
        }
        match (model.gaussian, data.binarize) {
            (Some(deviation), _) if !(deviation > 0.0 && deviation <= 1.0) => {
                setting("gaussian", deviation, "above 0 and at most 1")
            }
            (Some(_), Binarization::Stochastic | Binarization::Threshold) => {
                setting("binarize", data.binarize, "none with --gaussian, which is for grey levels and colours")
            }
            (None, Binarization::None) => {
                setting("binarize", "none", "stochastic or threshold, or give --gaussian: without it pixels are 0 or 1")
            }
            _ => Ok(()),
        }
    }
}

impl RunSettings for DrawSettings {
    const TASK: &'static str = "draw";

    fn training(&mut self) -> &mut TrainingSettings {
        &mut self.training
    }
}

impl ImageSettings {
    /// How the images are read.
    pub fn reader(&self) -> ImageReader {
        let Self { image_size: size, colour, validation_share, test_share, .. } = *self;
        ImageReader { size, colour, validation_share, test_share }
    }
}

impl ModelSettings {
    /// Whether grids of filters fit images with a shorter side of `side` pixels.
    pub(super) fn validate_for(&self, side: usize) -> Result<(), TrainError> {
        for (name, size) in [("read", self.read), ("write", self.write)] {
            if size > side {
                return setting(name, size, "no more than the height and the width of the images");
            }
        }
        Ok(())
    }

    pub(super) fn config(&self, shape: ImageShape) -> DrawConfig {
        let grid = |size: usize| (size > 0).then_some(size);
        let likelihood = match self.gaussian {
            Some(deviation) => Likelihood::Gaussian { deviation },
            None => Likelihood::Bernoulli,
        };
        DrawConfig::new(shape.channels, shape.height, shape.width)
            .with_steps(self.glimpses)
            .with_hidden_size(self.hidden)
            .with_latent_size(self.latent)
            .with_read_size(grid(self.read))
            .with_write_size(grid(self.write))
            .with_likelihood(likelihood)
    }
}
