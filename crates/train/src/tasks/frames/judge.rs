//! What a tagger is worth.

use std::sync::Arc;

use burn::tensor::Device;
use rekindle_data::frames::{Clip, FrameLoader, Layout};
use rekindle_metrics::classification::ConfusionMatrix;
use rekindle_metrics::segments::edit_score;
use rekindle_models::frame_tagger::{FrameTagger, TaggerState};
use rekindle_models::host::numbers;

use super::{ClipSettings, frames};
use crate::error::TrainError;
use crate::tasks::likeliest;

/// The answers of a model to labelled clips, and what they are worth.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Mean cross-entropy of a frame, in nats.
    pub loss: f64,
    /// Which class was taken for which, frame by frame.
    pub confusion: ConfusionMatrix,
    /// The mean over clips of the edit score of their segments, from 0 to 100.
    pub edit_score: f64,
    /// Where each clip has one label: the share of clips whose label has most of the probability over all frames.
    pub clip_accuracy: Option<f64>,
}

impl Judgement {
    /// The figures by name, those that matter most first.
    pub fn figures(&self) -> Vec<(&'static str, f64)> {
        let mut figures = vec![
            ("accuracy", self.confusion.accuracy()),
            ("macro_f1", self.confusion.macro_f1()),
            ("edit_score", self.edit_score),
        ];
        figures.extend(self.clip_accuracy.map(|accuracy| ("clip_accuracy", accuracy)));
        figures
    }
}

/// Judges `model` on all clips of `loader`, each read from its first frame to its last; frames without a label do not count.
///
/// # Errors
///
/// When an image cannot be read or decoded, or the device fails.
pub fn judge(
    model: &FrameTagger,
    loader: &mut FrameLoader,
    settings: &ClipSettings,
    device: &Device,
) -> Result<Judgement, TrainError> {
    let log_probs = log_probs(model, loader, settings, device)?;
    let classes = model.classes();
    let mut confusion = ConfusionMatrix::new(classes);
    let (mut loss, mut edit, mut labelled, mut clips_right) = (0.0, 0.0, 0, 0);
    let mut whole_clips = true;
    for (clip, log_probs) in loader.clips().iter().zip(&log_probs) {
        let Some(truth) = &clip.labels else { continue };
        let rows = log_probs.chunks_exact(classes);
        let predicted: Vec<u32> = rows.clone().map(|row| likeliest(row) as u32).collect();
        for ((row, &truth), &predicted) in rows.clone().zip(truth).zip(&predicted) {
            loss -= f64::from(row[truth as usize]);
            confusion.add(truth as usize, predicted as usize);
        }
        edit += edit_score(truth, &predicted);
        labelled += 1;
        whole_clips &= clip.whole_clip;
        let sums: Vec<f32> = (0..classes).map(|class| rows.clone().map(|row| row[class].exp()).sum()).collect();
        clips_right += usize::from(truth.first() == Some(&(likeliest(&sums) as u32)));
    }
    let count = f64::from(labelled.max(1));
    Ok(Judgement {
        loss: loss / confusion.total().max(1) as f64,
        confusion,
        edit_score: edit / count,
        clip_accuracy: (whole_clips && labelled > 0).then_some(clips_right as f64 / count),
    })
}

/// For each clip of `loader` the log-probabilities of the classes of its frames, `[T, C]`.
pub(super) fn log_probs(
    model: &FrameTagger,
    loader: &mut FrameLoader,
    settings: &ClipSettings,
    device: &Device,
) -> Result<Vec<Vec<f32>>, TrainError> {
    let lengths: Vec<usize> = loader.clips().iter().map(Clip::len).collect();
    // A model that sees the frames to come must be given them.
    let time = if model.is_online() { settings.sequence_length } else { usize::MAX };
    let layout = Arc::new(Layout::whole_clips(&lengths, settings.batch_size, time));
    let classes = model.classes();
    let mut found: Vec<Vec<f32>> = lengths.iter().map(|length| vec![0.0; length * classes]).collect();
    let mut state: Option<TaggerState> = None;
    for number in 0..layout.batches() {
        let batch = loader.batch(&layout, number)?;
        let before = state.map(|state| state.reset_rows(&batch.begins));
        let (log_probs, after) = model.forward(frames(&batch, device), before, &batch.lengths);
        state = after;
        let log_probs = numbers(log_probs)?;
        for (row, (place, &length)) in batch.places.iter().zip(&batch.lengths).enumerate() {
            if let Some((clip, start)) = *place {
                let from = &log_probs[row * batch.time * classes..][..length * classes];
                found[clip][start * classes..][..length * classes].copy_from_slice(from);
            }
        }
    }
    Ok(found)
}
