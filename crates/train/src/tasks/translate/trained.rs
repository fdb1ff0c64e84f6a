//! A translator that has been trained, with all that it needs to translate and to be judged.

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::translator::Translator;

use super::{Languages, TranslateSettings};
use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Progress, Which};

/// The model of a run of `translate`.
#[derive(Debug)]
pub struct TrainedTranslator {
    /// The weights of a checkpoint.
    pub model: Translator,
    /// What it reads and writes.
    pub languages: Languages,
    /// What the run was told.
    pub settings: TranslateSettings,
    /// Where the run stood.
    pub progress: Progress,
    /// Checkpoints that were passed over, each with what is wrong with it.
    pub rejected: Vec<String>,
}

impl TrainedTranslator {
    /// Reads the model of `run` onto `device`.
    ///
    /// # Errors
    ///
    /// When the run is of another task, or a file of it is missing or damaged.
    pub fn open(run: &RunFolder, which: Which, device: &Device) -> Result<Self, TrainError> {
        let settings: TranslateSettings = run.settings()?;
        let languages = Languages::load(&run.vocabulary())?;
        let checkpoint = checkpoint::load(run, which)?;
        // Every weight is read from the checkpoint; those drawn here are thrown away.
        let blank = settings.config(&languages).init_with(&mut ChaCha8Rng::seed_from_u64(0), device);
        let (progress, rejected) = (checkpoint.progress.clone(), checkpoint.rejected.clone());
        Ok(Self { model: checkpoint.model(blank)?, languages, settings, progress, rejected })
    }
}
