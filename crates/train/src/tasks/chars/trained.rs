//! A model that has been trained, with all that it needs to write and to be judged.

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::Vocabulary;
use rekindle_models::char_lm::CharLm;

use super::CharsSettings;
use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Progress, Which};

/// The model of a run of `chars`.
#[derive(Debug)]
pub struct TrainedChars {
    /// The weights of a checkpoint.
    pub model: CharLm,
    /// The symbols that it reads and writes.
    pub vocabulary: Vocabulary,
    /// What the run was told.
    pub settings: CharsSettings,
    /// Where the run stood.
    pub progress: Progress,
    /// Checkpoints that were passed over, each with what is wrong with it.
    pub rejected: Vec<String>,
}

impl TrainedChars {
    /// Reads the model of `run` onto `device`.
    ///
    /// # Errors
    ///
    /// When the run is of another task, or a file of it is missing or damaged.
    pub fn open(run: &RunFolder, which: Which, device: &Device) -> Result<Self, TrainError> {
        let settings: CharsSettings = run.settings()?;
        let vocabulary = Vocabulary::load(run.vocabulary())?;
        let checkpoint = checkpoint::load(run, which)?;
        // Every weight is read from the checkpoint; those drawn here are thrown away.
        let blank = settings.model.config(vocabulary.len()).init_with(&mut ChaCha8Rng::seed_from_u64(0), device);
        Ok(Self {
            model: checkpoint.model(blank)?,
            vocabulary,
            settings,
            progress: checkpoint.progress,
            rejected: checkpoint.rejected,
        })
    }
}
