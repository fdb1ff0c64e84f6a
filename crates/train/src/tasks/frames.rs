//! `frames`: a label for every frame of a clip, from that frame and those before it.
//!
//! Chunks of clips are read side by side, and a clip's next chunk starts from the state that the one before it left. The
//! loss is the mean cross-entropy of the frames in nats; the best checkpoint is the one with the highest macro F1 on the
//! clips that are held out.

mod judge;
mod settings;
mod trained;

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rekindle_data::frames::{Clip, FrameBatch, FrameLoader, FrameSchema, FrameSet, Layout, TrainingPlan};
use rekindle_models::frame_tagger::{FrameTagger, TaggerState};

pub use judge::{Judgement, judge};
pub use settings::{ClipSettings, FramesSettings, Recurrence, TaggerSettings};
pub use trained::{FramesPrediction, Live, TrainedFrames};

use crate::error::TrainError;
use crate::pictures::confusion;
use crate::run::RunFolder;
use crate::run::checkpoint::Which;
use crate::task::{BatchLoss, Evaluation, Task, objective};

/// The clips of a run and what is done with them.
#[derive(Debug)]
pub struct FramesTask {
    settings: FramesSettings,
    schema: FrameSchema,
    train: FrameLoader,
    validation: FrameLoader,
    plan: TrainingPlan,
    /// The layout of the epoch that was asked for last.
    epoch: Option<(u64, Arc<Layout>)>,
    /// What a frame of each class weighs in the loss.
    weights: Option<Vec<f32>>,
    description: String,
    device: Device,
}

impl FramesTask {
    fn from_set(settings: &FramesSettings, set: FrameSet, device: &Device) -> Self {
        let ClipSettings { batch_size, sequence_length, workers, .. } = settings.data;
        let lengths = set.train.iter().map(Clip::len).collect();
        Self {
            plan: TrainingPlan::new(lengths, batch_size, sequence_length, settings.training.seed),
            weights: settings.model.balanced.then(|| balanced(&set)),
            description: describe(&set),
            train: FrameLoader::new(set.train, set.schema.format, workers),
            validation: FrameLoader::new(set.validation, set.schema.format, workers),
            schema: set.schema,
            settings: settings.clone(),
            epoch: None,
            device: device.clone(),
        }
    }

    fn layout(&mut self, epoch: u64) -> Arc<Layout> {
        match &self.epoch {
            Some((number, layout)) if *number == epoch => layout.clone(),
            _ => {
                let layout = Arc::new(self.plan.epoch(epoch));
                self.epoch = Some((epoch, layout.clone()));
                layout
            }
        }
    }
}

impl Task for FramesTask {
    type Settings = FramesSettings;
    type Model = FrameTagger;
    /// None for a model without state.
    type Carry = Option<TaggerState>;

    fn open(settings: &FramesSettings, device: &Device) -> Result<Self, TrainError> {
        settings.validate()?;
        Ok(Self::from_set(settings, settings.data.clips(None)?, device))
    }

    fn reopen(settings: &FramesSettings, run: &RunFolder, device: &Device) -> Result<Self, TrainError> {
        settings.validate()?;
        let schema = FrameSchema::load(run.vocabulary())?;
        Ok(Self::from_set(settings, settings.data.clips(Some(schema))?, device))
    }

    fn save(&self, run: &RunFolder) -> Result<(), TrainError> {
        Ok(self.schema.save(run.vocabulary())?)
    }

    fn describe(&self) -> String {
        self.description.clone()
    }

    fn start_from(&self, model: FrameTagger, source: &RunFolder) -> Result<(FrameTagger, String), TrainError> {
        let source = TrainedFrames::open(source, Which::Best, &self.device.clone().autodiff())?;
        let same = self.schema.classes == source.schema.classes;
        let words = if same { "all weights are" } else { "all weights but the output layer's are" };
        Ok((model.with_weights_of(&source.model, same)?, format!("{words} those of the run to start from")))
    }

    fn unit(&self) -> &'static str {
        "frames"
    }

    fn data(&self) -> String {
        self.description.clone()
    }

    fn init_model(&self, rng: &mut impl Rng, device: &Device) -> FrameTagger {
        self.settings.model.config(&self.schema).init_with(rng, device)
    }

    fn batches(&self) -> u64 {
        self.plan.batches() as u64
    }

    fn loss(
        &mut self,
        model: &FrameTagger,
        epoch: u64,
        batch: u64,
        carry: Option<Option<TaggerState>>,
    ) -> Result<BatchLoss<Option<TaggerState>>, TrainError> {
        let layout = self.layout(epoch);
        let batch = self.train.batch(&layout, batch as usize)?;
        let state = carry.flatten().map(|state| state.reset_rows(&batch.begins));
        let frames = frames(&batch, &self.device);
        let (loss, carry) = model.loss(frames, state, &batch.lengths, &batch.labels, self.weights.as_deref());
        Ok(BatchLoss { loss, carry, items: batch.lengths.iter().sum::<usize>() as u64 })
    }

    fn restore_carry(&self, data: Vec<TensorData>, device: &Device) -> Option<Option<TaggerState>> {
        let TaggerSettings { cell, feedback, .. } = self.settings.model;
        match cell.0 {
            Some(cell) if !data.is_empty() => TaggerState::from_data(data, cell, feedback, device).map(Some),
            _ => Some(None),
        }
    }

    fn evaluate(&mut self, model: &FrameTagger) -> Result<Option<Evaluation>, TrainError> {
        if self.validation.clips().is_empty() {
            return Ok(None);
        }
        let judgement = judge(model, &mut self.validation, &self.settings.data, &self.device)?;
        let names: Vec<&str> = self.schema.classes.names().iter().map(String::as_str).collect();
        Ok(Some(Evaluation {
            loss: judgement.loss,
            figures: judgement.figures(),
            objective: objective(1.0 - judgement.confusion.macro_f1(), judgement.loss),
            pictures: vec![confusion(&judgement.confusion, &names)],
        }))
    }

    fn sample(&mut self, _model: &FrameTagger, _seed: u64) -> Result<Option<String>, TrainError> {
        Ok(None)
    }
}

/// The frames of a batch, `[B, T, F]`.
fn frames(batch: &FrameBatch, device: &Device) -> Tensor<3> {
    let (rows, time) = (batch.lengths.len(), batch.time);
    let size = batch.frames.len() / (rows * time);
    Tensor::from_data(TensorData::new(batch.frames.clone(), [rows, time, size]), device)
}

/// How many frames of each class the training clips have.
fn counts(set: &FrameSet) -> Vec<usize> {
    let mut counts = vec![0; set.schema.classes.len()];
    for &label in set.train.iter().filter_map(|clip| clip.labels.as_ref()).flatten() {
        counts[label as usize] += 1;
    }
    counts
}

/// Weights with which every class weighs the same; 1 on average over the frames.
fn balanced(set: &FrameSet) -> Vec<f32> {
    let counts = counts(set);
    let (frames, classes) = (counts.iter().sum::<usize>() as f32, counts.len() as f32);
    counts.into_iter().map(|count| frames / (classes * count.max(1) as f32)).collect()
}

/// What is said of the clips before training begins, and what tells them from other clips.
fn describe(set: &FrameSet) -> String {
    let frames = |clips: &[Clip]| clips.iter().map(Clip::len).sum::<usize>();
    let part = |clips: &[Clip], purpose| format!("{} clips of {} frames {purpose}", clips.len(), frames(clips));
    let all = frames(&set.train).max(1) as f64;
    let share = |(name, count): (&String, usize)| format!("{name} {:.1} %", 100.0 * count as f64 / all);
    let shares: Vec<_> = set.schema.classes.names().iter().zip(counts(set)).map(share).collect();
    let parts = [part(&set.train, "to train on"), part(&set.validation, "to judge by"), part(&set.test, "to test on")];
    format!("{}\n{}", parts.join(", "), shares.join(", "))
}
