//! A model that has been trained, with all that it needs to tag clips and to be judged.

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::frames::{Clip, FrameLoader, FrameSchema};
use rekindle_models::frame_tagger::{FrameTagger, LiveTagger};

use super::judge::log_probs;
use super::{FramesSettings, Judgement, judge};
use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Progress, Which};
use crate::tasks::likeliest;

/// The model of a run of `frames`.
#[derive(Debug)]
pub struct TrainedFrames {
    /// The weights of a checkpoint.
    pub model: FrameTagger,
    /// What it reads and answers.
    pub schema: FrameSchema,
    /// What the run was told.
    pub settings: FramesSettings,
    /// Where the run stood.
    pub progress: Progress,
    /// Checkpoints that were passed over, each with what is wrong with it.
    pub rejected: Vec<String>,
    device: Device,
}

/// What a model says of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FramesPrediction {
    /// The number of the most probable class.
    pub class: usize,
    /// Its probability.
    pub probability: f32,
}

impl FramesPrediction {
    fn of(log_probs: &[f32]) -> Self {
        let class = likeliest(log_probs);
        Self { class, probability: log_probs[class].exp() }
    }
}

impl TrainedFrames {
    /// Reads the model of `run` onto `device`.
    ///
    /// # Errors
    ///
    /// When the run is of another task, or a file of it is missing or damaged.
    pub fn open(run: &RunFolder, which: Which, device: &Device) -> Result<Self, TrainError> {
        let settings: FramesSettings = run.settings()?;
        let schema = FrameSchema::load(run.vocabulary())?;
        let checkpoint = checkpoint::load(run, which)?;
        // Every weight is read from the checkpoint; those drawn here are thrown away.
        let blank = settings.model.config(&schema).init_with(&mut ChaCha8Rng::seed_from_u64(0), device);
        Ok(Self {
            model: checkpoint.model(blank)?,
            schema,
            settings,
            progress: checkpoint.progress,
            rejected: checkpoint.rejected,
            device: device.clone(),
        })
    }

    /// Judges the model on labelled clips.
    ///
    /// # Errors
    ///
    /// When an image cannot be read or decoded.
    pub fn judge(&self, clips: Vec<Clip>) -> Result<Judgement, TrainError> {
        judge(&self.model, &mut self.loader(clips), &self.settings.data, &self.device)
    }

    /// What the model says of every frame of each clip.
    ///
    /// # Errors
    ///
    /// When an image cannot be read or decoded.
    pub fn predict(&self, clips: Vec<Clip>) -> Result<Vec<Vec<FramesPrediction>>, TrainError> {
        let found = log_probs(&self.model, &mut self.loader(clips), &self.settings.data, &self.device)?;
        let classes = self.model.classes();
        Ok(found.iter().map(|rows| rows.chunks_exact(classes).map(FramesPrediction::of).collect()).collect())
    }

    /// A tagger for frames that come one by one; none for a bidirectional model.
    pub fn live(&self) -> Option<Live<'_>> {
        Some(Live { tagger: self.model.live()? })
    }

    fn loader(&self, clips: Vec<Clip>) -> FrameLoader {
        FrameLoader::new(clips, self.schema.format, self.settings.data.workers)
    }
}

/// Answers each frame as it comes.
#[derive(Debug)]
pub struct Live<'a> {
    tagger: LiveTagger<'a>,
}

impl Live<'_> {
    /// What the model says of the next frame, `[F]`: the numbers that [`FrameSchema::frame`] gives.
    ///
    /// # Panics
    ///
    /// When `F` is not that of the model.
    pub fn push(&mut self, frame: &[f32]) -> FramesPrediction {
        FramesPrediction::of(&self.tagger.push(frame))
    }
}
