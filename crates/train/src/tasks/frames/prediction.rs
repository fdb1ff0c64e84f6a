//! Labels of new clips and of single frames.

use std::sync::Arc;

use rekindle_data::frames::{Clip, FrameFormat, FrameLoader, Layout, PIXEL_DEVIATION, PIXEL_MEAN};
use rekindle_metrics::classification::most_likely;
use rekindle_models::decode::mix_rows;
use rekindle_models::frame_tagger::{LabelFilter, LiveTagger};
use rekindle_pictures::png_address;
use rekindle_rnn::LayerTrace;

use super::evaluation::{evaluate, log_probs};
use super::error::FramesError;
use super::smoothing::{Smoothed, Smoother};
use super::task::FramesTask;
use crate::prelude::*;

/// The class of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FramePrediction {
    /// The index of the predicted class: the most probable one, but that of the most probable sequence with Viterbi.
    pub class: usize,
    /// Its probability.
    pub probability: f32,
}

impl FramePrediction {
    fn new(log_probs: &[f32]) -> Self {
        let class = most_likely(log_probs);
        Self { class, probability: log_probs[class].exp() }
    }
}

impl Trained<FramesTask> {
    /// The figures of the model on labelled clips.
    ///
    /// # Errors
    ///
    /// When an image cannot be read or decoded, or the device fails.
    pub fn evaluate(&self, clips: Vec<Clip>, smoother: &Smoother) -> Result<Report, TaskError> {
        let (classes, settings) = (&self.assets.classes, &self.settings.data);
        evaluate(&self.models(), &mut self.loader(clips), classes, settings, smoother, &self.device)
    }

    /// The class of every frame of each clip.
    ///
    /// # Errors
    ///
    /// When an image cannot be read or decoded, or the device fails.
    pub fn predict(&self, clips: Vec<Clip>, smoother: &Smoother) -> Result<Vec<Vec<FramePrediction>>, TaskError> {
        let classes = self.model.classes();
        let clip = |Smoothed { predicted, log_probs }| {
            let frames = predicted.into_iter().zip(log_probs.chunks_exact(classes));
            let prediction = |(class, row): (u32, &[f32])| {
                let class = class as usize;
                FramePrediction { class, probability: row[class].exp() }
            };
            frames.map(prediction).collect()
        };
        Ok(self.smoothed(clips, smoother)?.into_iter().map(clip).collect())
    }

    /// The classes of every frame of each clip, with the log-probabilities of all classes.
    ///
    /// # Errors
    ///
    /// When an image cannot be read or decoded, or the device fails.
    pub fn smoothed(&self, clips: Vec<Clip>, smoother: &Smoother) -> Result<Vec<Smoothed>, TaskError> {
        let found = log_probs(&self.models(), &mut self.loader(clips), &self.settings.data, &self.device)?;
        Ok(found.into_iter().map(|clip| smoother.smooth(clip, self.model.classes())).collect())
    }

    /// The frames of a clip of images as small images, addresses of data; none for features, and for more than `most`.
    pub(super) fn thumbnails(&self, clip: &Clip, most: usize) -> Result<Option<Vec<String>>, TaskError> {
        let FrameFormat::Pixels { channels, height, width } = self.assets.format else { return Ok(None) };
        if clip.len() > most {
            return Ok(None);
        }
        let values = clip.values(self.assets.format)?;
        let frame = |frame: &[f32]| {
            let byte = |value: &f32| ((value * PIXEL_DEVIATION + PIXEL_MEAN) * 255.0).round() as u8;
            let pixels: Vec<u8> = frame.iter().map(byte).collect();
            png_address(&pixels, [channels, height, width])
        };
        Ok(Some(values.chunks_exact(channels * height * width).map(frame).collect()))
    }

    /// The activations of the model over the first `frames` of a clip, time-major with `B = 1`; none without
    /// recurrence.
    pub(super) fn trace(&self, clip: Clip, frames: usize) -> Result<Option<Vec<LayerTrace>>, TaskError> {
        let layout = Arc::new(Layout::whole_clips(&[clip.len()], 1, frames));
        let batch = self.loader(vec![clip]).batch(&layout, 0)?;
        Ok(self.model.trace(super::evaluation::frames(&batch, &self.device)))
    }

    /// A tagger for single frames as they arrive.
    ///
    /// # Errors
    ///
    /// When a model is bidirectional, or the smoothing needs the whole clip.
    pub fn live<'a>(&'a self, smoother: &'a Smoother) -> Result<Live<'a>, FramesError> {
        let taggers = self.models().into_iter().map(|model| model.live()).collect::<Option<Vec<_>>>();
        let taggers = taggers.ok_or(FramesError::NotOnline)?;
        Ok(Live { taggers, mixed: Vec::new(), filter: smoother.live()? })
    }

    fn loader(&self, clips: Vec<Clip>) -> FrameLoader {
        FrameLoader::new(clips, self.assets.format, self.settings.data.workers)
    }
}

/// Classifies each frame as it arrives.
#[derive(Debug)]
pub struct Live<'a> {
    taggers: Vec<LiveTagger<'a>>,
    /// The log-probabilities of several taggers.
    mixed: Vec<f32>,
    filter: Option<LabelFilter<'a>>,
}

impl Live<'_> {
    /// Reads the next frame, `[F]`, the features from
    /// [`LiveFrames::frame`](rekindle_data::frames::LiveFrames::frame), and classifies it or, with a lag, the frame so
    /// many frames before it, if there is one.
    ///
    /// # Panics
    ///
    /// When `F` is not that of the model.
    pub fn push(&mut self, frame: &[f32]) -> Option<FramePrediction> {
        let all: Vec<Vec<f32>> = self.taggers.iter_mut().map(|tagger| tagger.push(frame)).collect();
        let log_probs = if let [log_probs] = &all[..] {
            log_probs
        } else {
            mix_rows(&all.iter().map(Vec::as_slice).collect::<Vec<_>>(), all[0].len(), &mut self.mixed);
            &self.mixed
        };
        let Some(filter) = &mut self.filter else { return Some(FramePrediction::new(log_probs)) };
        filter.push(log_probs).as_deref().map(FramePrediction::new)
    }

    /// Classifies the last frames of the clip, which a lag has left.
    pub fn finish(self) -> Vec<FramePrediction> {
        let rest = self.filter.map(LabelFilter::finish).unwrap_or_default();
        rest.iter().map(|row| FramePrediction::new(row)).collect()
    }
}
