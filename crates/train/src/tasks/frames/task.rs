//! Training a tagger.

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rekindle_data::frames::{Clip, FrameFormat, FrameLoader, FrameSchema, FrameSet, Frames, Layout, TrainingPlan};
use rekindle_models::frame_tagger::{FrameInput, FrameTagger, TaggerState};

use super::error::FramesError;
use super::evaluation::{evaluate, frames};
use super::settings::{ClipSettings, FramesSettings};
use super::smoothing::Smoother;
use crate::error::TrainError;
use crate::prelude::*;
use crate::run::assets::vocabulary_file;

/// A run's clips and their batches.
#[derive(Debug)]
pub struct FramesTask {
    settings: FramesSettings,
    schema: FrameSchema,
    data: DataInfo,
    train: FrameLoader,
    validation: FrameLoader,
    plan: TrainingPlan,
    /// The layout of the latest epoch.
    epoch: OfEpoch<Arc<Layout>>,
    /// Weights of the classes in the loss.
    weights: Option<Vec<f32>>,
    device: Device,
}

vocabulary_file!(FrameSchema);

impl Task for FramesTask {
    const NAME: &'static str = "frames";
    const ABOUT: &'static str = "Frame tagging: a label for every frame of a clip";

    type Settings = FramesSettings;
    type Assets = FrameSchema;
    type Model = FrameTagger;
    /// None for a model without state.
    type Carry = Option<TaggerState>;

    fn open(settings: &FramesSettings, assets: Option<FrameSchema>, device: &Device) -> Result<Self, TaskError> {
        let is_new = assets.is_none();
        if is_new {
            settings.check_used()?;
        }
        let set = settings.data.clips(assets)?;
        if is_new {
            settings.data.check_used(set.schema.format)?;
        }
        Self::check(settings, &set.schema)?;
        let ClipSettings { batch_size, sequence_length, workers, .. } = settings.data;
        let lengths = set.train.iter().map(Clip::len).collect();
        let data = DataInfo {
            unit: "frames",
            summary: describe(&set, counted, ["to train on", "for validation", "to test on"]),
            // Runs of version 0.1 store this text.
            identity: describe(&set, |count, nouns| format!("{count} {nouns}"), ["to train on", "to judge by", "to test on"]),
            sha256: sha256(set.train.iter().chain(&set.validation).flat_map(content)),
        };
        Ok(Self {
            plan: TrainingPlan::new(lengths, batch_size, sequence_length, settings.training.seed),
            weights: settings.model.balanced.then(|| balanced(&set)),
            data,
            train: FrameLoader::new(set.train, set.schema.format, workers),
            validation: FrameLoader::new(set.validation, set.schema.format, workers),
            schema: set.schema,
            settings: settings.clone(),
            epoch: OfEpoch::default(),
            device: device.clone(),
        })
    }

    fn assets(&self) -> &FrameSchema {
        &self.schema
    }

    fn check(settings: &FramesSettings, schema: &FrameSchema) -> Result<(), TaskError> {
        let encoder = settings.model.encoder;
        if encoder == 0 && !input(schema).may_be_raw() {
            return Err(SettingError::invalid("encoder", encoder, "at least 1 for images").into());
        }
        Ok(())
    }

    fn model(settings: &FramesSettings, schema: &FrameSchema, seed: u64, device: &Device) -> FrameTagger {
        settings.model.init_with(input(schema), schema.classes.len(), &mut seeded(seed), device)
    }

    fn data(&self) -> DataInfo {
        self.data.clone()
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
    ) -> Result<BatchLoss<Option<TaggerState>>, TaskError> {
        let share = Share::present();
        let rows = share.rows(self.plan.batch_size());
        if rows.is_empty() {
            return Err(TrainError::TooManyRanks { ranks: share.size, rows: rows.all }.into());
        }
        let layout = self.epoch.get(epoch, |epoch| Arc::new(self.plan.epoch(epoch).part(rows.range())));
        let batch = self.train.batch(layout, batch as usize)?;
        let state = carry.flatten().map(|state| state.reset_rows(&batch.begins));
        let frames = frames(&batch, &self.device);
        let weights = self.weights.as_deref();
        let (loss, carry) =
            rows.within(|| model.loss_parts(frames, state, &batch.lengths, &batch.labels, weights));
        Ok(BatchLoss::of_parts(loss, carry, batch.lengths.iter().sum::<usize>() as u64))
    }

    fn kept(&self) -> f64 {
        let (data, model) = (&self.settings.data, &self.settings.model);
        let recurrence = model.recurrent.cell.0.map_or(0.0, |cell| model.recurrent.with_cell(cell).kept());
        let frame = match self.schema.format {
            FrameFormat::Features { width } => width,
            FrameFormat::Pixels { channels, height, width } => channels * height * width,
        };
        (data.batch_size.min(self.train.clips().len()) * data.sequence_length) as f64 * (frame as f64 + recurrence)
    }

    fn start_from(&self, model: FrameTagger, source: Trained<Self>) -> Result<(FrameTagger, String), TaskError> {
        if let (Some(here), Some(there)) = (&self.schema.columns, &source.assets.columns)
            && here != there
        {
            return Err(FramesError::OtherColumns { here: here.clone(), there: there.clone() }.into());
        }
        let same = self.schema.classes == source.assets.classes;
        let words = if same { "all weights are" } else { "all weights but the output layer's are" };
        Ok((model.with_weights_of(&source.model, same)?, format!("{words} those of the --init-from run")))
    }

    fn restore_carry(&self, data: Vec<TensorData>, device: &Device) -> Option<Option<TaggerState>> {
        let model = &self.settings.model;
        match model.recurrent.cell.0 {
            Some(cell) if !data.is_empty() => TaggerState::from_data(data, cell, model.feedback, device).map(Some),
            _ => Some(None),
        }
    }

    fn evaluate(&mut self, model: &FrameTagger) -> Result<Option<Report>, TaskError> {
        if self.validation.clips().is_empty() {
            return Ok(None);
        }
        let (classes, settings) = (&self.schema.classes, &self.settings.data);
        let smoother = Smoother::default();
        Ok(Some(evaluate(&[model], &mut self.validation, classes, settings, &smoother, &self.device)?))
    }
}

/// What a model of `schema` reads.
fn input(schema: &FrameSchema) -> FrameInput {
    match schema.format {
        FrameFormat::Features { width } => FrameInput::Features { width },
        FrameFormat::Pixels { channels, height, width } => FrameInput::Pixels { channels, height, width },
    }
}

/// Frames of each class in the training clips.
fn counts(set: &FrameSet) -> Vec<usize> {
    let mut counts = vec![0; set.schema.classes.len()];
    for &label in set.train.iter().filter_map(|clip| clip.labels.as_ref()).flatten() {
        counts[label as usize] += 1;
    }
    counts
}

/// Class weights that give every class the same total weight, 1 on average over the frames.
fn balanced(set: &FrameSet) -> Vec<f32> {
    let counts = counts(set);
    let (frames, classes) = (counts.iter().sum::<usize>() as f32, counts.len() as f32);
    counts.into_iter().map(|count| frames / (classes * count.max(1) as f32)).collect()
}

/// A description of the clips of each split, `counted`, each followed by its purpose, and the class shares.
fn describe(set: &FrameSet, counted: fn(usize, &str) -> String, purposes: [&str; 3]) -> String {
    let frames = |clips: &[Clip]| clips.iter().map(Clip::len).sum::<usize>();
    let splits = [&set.train, &set.validation, &set.test].into_iter().zip(purposes);
    let splits = splits.map(|(clips, purpose)| format!("{} of {} {purpose}", counted(clips.len(), "clips"), counted(frames(clips), "frames")));
    let all = frames(&set.train).max(1) as f64;
    let share = |(name, count): (&String, usize)| format!("{name} {:.1} %", 100.0 * count as f64 / all);
    let shares = set.schema.classes.names().iter().zip(counts(set)).map(share);
    format!("{}\n{}", splits.collect::<Vec<_>>().join(", "), shares.collect::<Vec<_>>().join(", "))
}

/// The length, the frames and the labels of a clip; for images in files, their names and sizes.
fn content(clip: &Clip) -> [Cow<'_, [u8]>; 3] {
    let image = |path: &PathBuf| {
        let bytes = fs::metadata(path).map_or(0, |file| file.len());
        format!("{} {bytes}\n", path.file_name().unwrap_or_default().display())
    };
    let frames = match &clip.frames {
        Frames::Features { values, .. } => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Frames::Pixels { values, .. } => Cow::Borrowed(&values[..]),
        Frames::Images(paths) => paths.iter().map(image).collect::<String>().into_bytes().into(),
    };
    let labels = clip.labels.iter().flatten().flat_map(|label| label.to_le_bytes());
    [(clip.len() as u64).to_le_bytes().to_vec().into(), frames, labels.collect()]
}
