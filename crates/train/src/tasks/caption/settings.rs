//! The settings of `caption`.

use std::path::PathBuf;

use rekindle_data::builtin;
use rekindle_data::captions::CaptionOptions;
use rekindle_models::attention::AttentionKind;
use rekindle_models::captioner::{CaptionerSettings, ImageTerm};
use rekindle_models::captioner::encoder::EncoderSettings;
use rekindle_models::decode::Search;

use super::self_critical::SelfCriticalSettings;
use crate::prelude::*;

crate::run_settings! {
    /// Settings of `caption`.
    #[check(Self::consistent)]
    pub struct CaptionSettings {
        /// The images and their captions.
        data: CaptionDataSettings => "Images and captions";
        /// The model.
        model: CaptionModelSettings => "Model";
        /// Training by rewards.
        reward: SelfCriticalSettings => "Self-critical training";
        /// The loop.
        training: TrainingSettings => "Training";
    }
}

settings! {
    /// Which images and captions, and how they are read.
    pub struct CaptionDataSettings {
        /// Captions: Flickr8k, Kaggle's captions.txt, COCO's or Karpathy's JSON, builtin:shapes or
        /// builtin:scenes
        data: String = "builtin:shapes".to_owned() => value("PATH");
        /// Folder of the images
        images: Option<PathBuf> => value("FOLDER").unset("beside the captions, as the format has it");
        /// Skip images that are missing or have no caption
        allow_missing: bool;
        /// What is held out.
        @flatten hold_out: HoldOutSettings => help(
            "validation_share",
            "Share of the images, from the end, for validation, where the data has no validation split"
        );
        /// The vocabulary.
        @flatten vocabulary: VocabularySettings = VocabularySettings { min_count: 5, max_vocabulary: None };
        /// Longest caption: training captions are cut there, and written ones end there
        max_length: usize = 24 => value("TOKENS").at_least(1).at_most(LONGEST);
        /// Most captions of an image in an epoch; the next epoch has others
        captions_per_image: usize = 5 => value("COUNT").at_least(1);
        /// Images in a batch, each with its captions
        batch_size: usize = 32 => value("COUNT").at_least(1);
        /// Mirror half of the training images; with a frozen image encoder see --versions
        flip: bool;
        /// Crop training images to a random 7/8 of each side; with a frozen image encoder see --versions
        crop: bool;
        /// With a frozen image encoder: versions of each training image whose features are cached, the image as it is
        /// and others by --flip and --crop; each takes as much time and disk space as the first
        versions: usize = 1 => value("COUNT").at_least(1).at_most(64);
        /// Threads that decode images ahead of the model
        workers: usize = 2 => value("COUNT").at_least(0).at_most(WORKERS);
        /// Folder for the features of a frozen image encoder, which are computed once
        cache: PathBuf = PathBuf::from("runs/features") => value("FOLDER");
    }
}

settings! {
    /// The shape of the model.
    pub struct CaptionModelSettings {
        /// The image encoder.
        @flatten encoder: EncoderSettings;
        /// The recurrent network that writes.
        @flatten captioner: CaptionerSettings;
    }
}

impl CaptionSettings {
    fn consistent(&self) -> Result<(), SettingError> {
        let CaptionDataSettings { flip, crop, versions, .. } = self.data;
        let given = [("flip", flip), ("crop", crop)].into_iter().find(|(_, given)| *given);
        let trained = self.model.encoder.trains_encoder();
        let wrong = |wanted: &str| Err(SettingError::invalid("versions", versions, wanted));
        match given {
            Some((option, _)) if !trained && versions == 1 => Err(SettingError::invalid(
                option,
                true,
                "given with --versions 2 or more where the image encoder is frozen, as its features are cached; or left \
                 out; or the encoder is trained, with --fine-tune-after",
            )),
            _ if versions == 1 => Ok(()),
            _ if trained => wrong("1 where the image encoder is trained: each epoch changes the images anew"),
            None => wrong("given with --flip, --crop or both: they make the versions"),
            _ if !crop && versions > 2 => wrong("2 with --flip alone: the image and its mirror image"),
            _ => Ok(()),
        }
    }

    /// Checks the settings of a new run further: older runs may have been trained with others.
    pub(super) fn check_used(&self) -> Result<(), SettingError> {
        let CaptionDataSettings { data, images, allow_missing, flip, crop, .. } = &self.data;
        let CaptionerSettings { attention, image_term, no_gate, doubly_stochastic, .. } = self.model.captioner;
        let encoder = &self.model.encoder;
        let (plain, builtin) = (attention == AttentionKind::None, data.starts_with(builtin::PREFIX));
        let frozen = !encoder.trains_encoder();
        let without = "left out with --attention none: it is a part of attention";
        let of_folder = "left out with generated images: it is for those of a folder";
        let places = "left out with generated images: their captions say where things are";
        // What has no effect, or a wrong one.
        let unfit = [
            (plain && doubly_stochastic > 0.0, "doubly-stochastic", doubly_stochastic.to_string(), without),
            (plain && no_gate, "no-gate", no_gate.to_string(), without),
            (
                !plain && image_term != ImageTerm::default(),
                "image-term",
                image_term.to_string(),
                "left out with attention, which reads the image at every time step; give --attention none",
            ),
            (
                frozen && encoder.encoder_rate != 1.0,
                "encoder-rate",
                encoder.encoder_rate.to_string(),
                "left out where the image encoder is frozen; train it with --fine-tune-after",
            ),
            (builtin && images.is_some(), "images", images.iter().map(|path| path.display().to_string()).collect(), of_folder),
            (builtin && *allow_missing, "allow-missing", allow_missing.to_string(), of_folder),
            (builtin && *flip, "flip", flip.to_string(), places),
            (builtin && *crop, "crop", crop.to_string(), places),
        ];
        match unfit.into_iter().find(|(unfit, ..)| *unfit) {
            Some((_, option, value, wanted)) => Err(SettingError::invalid(option, value, wanted)),
            None => Ok(()),
        }
    }

    /// The search for captions in evaluations, and the default elsewhere. A mean over tokens would prefer longer
    /// captions than people write.
    pub fn search(&self) -> Search {
        Search { beam: 3, length_normalization: 0.7, max_length: self.data.max_length, ..Search::default() }
    }
}

impl CaptionDataSettings {
    /// The options for opening captions.
    pub fn options(&self) -> CaptionOptions {
        CaptionOptions {
            images: self.images.clone(),
            allow_missing: self.allow_missing,
            validation_share: self.hold_out.validation_share,
        }
    }
}
