//! Settings of `draw`.

use rekindle_data::images::{Binarization, ImageReader};
use rekindle_models::draw::DrawModelSettings;

use crate::prelude::*;

crate::run_settings! {
    /// Settings of `draw`.
    #[check(Self::consistent)]
    pub struct DrawSettings {
        /// The images.
        data: ImageSettings => "Images";
        /// The model.
        model: DrawModelSettings => "Model";
        /// The loop.
        // A canvas is a sum over all glimpses: with Adam at its usual rate from the first step, small batches throw it
        // far off.
        training: TrainingSettings =
            TrainingSettings { learning_rate: 1e-3, warmup: 100, ..TrainingSettings::default() } => "Training";
    }
}

settings! {
    /// Which images, and how they are read.
    pub struct ImageSettings {
        /// A folder of images or with the files of MNIST, an idx or amat file, builtin:strokes or builtin:shapes
        data: String = "builtin:strokes".to_owned() => value("PATH");
        /// Resize the images to this width and height
        image_size: Option<usize> => value("PIXELS").unset("as they are; 28 for a folder of images");
        /// Read the images of a folder in colour
        colour: bool;
        /// Binarisation: stochastic samples again each epoch, none is for --gaussian
        binarize: Binarization = Binarization::Stochastic =>
            value("KIND").choices(["stochastic", "threshold", "none"]);
        /// What is held out.
        @flatten hold_out: HoldOutSettings =
            HoldOutSettings { validation_share: ImageReader::default().validation_share } =>
            help("validation_share", "Share of the images to hold out for validation");
        /// Share of the images to hold out for testing, where the data has no test split of its own
        test_share: f64 = ImageReader::default().test_share => value("SHARE").at_least(0).below(1);
        /// Images in a batch
        batch_size: usize = 100 => value("COUNT").at_least(1);
    }
}

impl DrawSettings {
    /// Checks that the pixels fit the model's distribution.
    fn consistent(&self) -> Result<(), SettingError> {
        let wanted = match (self.model.gaussian, self.data.binarize) {
            (Some(_), Binarization::Stochastic | Binarization::Threshold) => {
                "none with --gaussian, which is for grey levels and colours"
            }
            (None, Binarization::None) => {
                "stochastic or threshold without --gaussian, as pixels are black or white; or give --gaussian"
            }
            _ => return Ok(()),
        };
        Err(SettingError::invalid("binarize", self.data.binarize, wanted))
    }
}

impl ImageSettings {
    /// How the images are read.
    pub fn reader(&self) -> ImageReader {
        ImageReader {
            size: self.image_size,
            colour: self.colour,
            validation_share: self.hold_out.validation_share,
            test_share: self.test_share,
        }
    }
}
