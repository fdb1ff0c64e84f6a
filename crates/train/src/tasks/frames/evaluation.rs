//! The figures of a tagger.

use std::sync::Arc;

use rekindle_data::frames::{Classes, Clip, FrameBatch, FrameLoader, Layout};
use rekindle_metrics::tagging::TaggingFigures;
use rekindle_models::decode::log_mean_exp;
use rekindle_models::frame_tagger::{FrameTagger, TaggerState};

use super::settings::ClipSettings;
use super::smoothing::{Smoothed, Smoother};
use crate::group::shared;
use crate::prelude::*;

/// The figures of `models`, whose probabilities are averaged, on all clips of `loader`, each read as a whole; clips
/// without labels do not count.
///
/// The edit score is the mean over clips of the edit score of their segments, from 0 to 100. If each clip has one
/// label, the clip accuracy is the share of clips whose label has the highest mean probability over all frames. With a
/// smoother, the labels and the probabilities are the smoothed ones.
///
/// # Errors
///
/// When an image cannot be read or decoded, or the device fails.
pub fn evaluate(
    models: &[&FrameTagger],
    loader: &mut FrameLoader,
    classes: &Classes,
    settings: &ClipSettings,
    smoother: &Smoother,
    device: &Device,
) -> Result<Report, TaskError> {
    let log_probs = log_probs(models, loader, settings, device)?;
    let mut figures = TaggingFigures::new(classes.len());
    let mut whole_clips = true;
    for (clip, log_probs) in loader.clips().iter().zip(log_probs) {
        let Some(truth) = &clip.labels else { continue };
        let Smoothed { predicted, log_probs } = smoother.smooth(log_probs, classes.len());
        figures.add_predicted(truth, &predicted, &log_probs);
        whole_clips &= clip.whole_clip;
    }
    let (matrix, macro_f1) = (&figures.matrix, figures.matrix.macro_f1());
    let report = Report::new(figures.loss())
        .fact("frames", matrix.total())
        .higher("accuracy", matrix.accuracy())
        .higher("macro_f1", macro_f1)
        .higher("edit_score", figures.edit_score())
        .classes(matrix, classes.names())
        .ranked_by(1.0 - macro_f1);
    Ok(match whole_clips && figures.clips() > 0 {
        true => report.higher("clip_accuracy", figures.clip_accuracy()),
        false => report,
    })
}

/// For each clip of `loader` the log-probabilities of the classes of its frames, `[T, C]`.
pub(super) fn log_probs(
    models: &[&FrameTagger],
    loader: &mut FrameLoader,
    settings: &ClipSettings,
    device: &Device,
) -> Result<Vec<Vec<f32>>, TaskError> {
    let lengths: Vec<usize> = loader.clips().iter().map(Clip::len).collect();
    // A bidirectional model reads whole clips.
    let time = if models.iter().all(|model| model.is_online()) { settings.sequence_length } else { usize::MAX };
    let layout = Layout::whole_clips(&lengths, settings.batch_size, time);
    let classes = models[0].classes();
    let mut found: Vec<Vec<f32>> = lengths.iter().map(|length| vec![0.0; length * classes]).collect();
    // A row of the layout continues from batch to batch, so that a process reads whole rows.
    let size = Share::present().size;
    let parts = shared(size, |rank| {
        let rows = Share { rank, size }.rows(layout.batch_size());
        chunks(models, loader, &Arc::new(layout.part(rows.range())), device)
    })?;
    for (clip, start, log_probs) in parts.into_iter().flatten() {
        found[clip][start * classes..][..log_probs.len()].copy_from_slice(&log_probs);
    }
    Ok(found)
}

/// The log-probabilities `[T, C]` of some frames of a clip from a frame on.
type Chunk = (usize, usize, Vec<f32>);

/// Those of all chunks of a layout.
fn chunks(
    models: &[&FrameTagger],
    loader: &mut FrameLoader,
    layout: &Arc<Layout>,
    device: &Device,
) -> Result<Vec<Chunk>, TaskError> {
    let classes = models[0].classes();
    let mut found = Vec::new();
    let mut states: Vec<Option<TaggerState>> = models.iter().map(|_| None).collect();
    for number in 0..layout.batches() {
        check_stop()?;
        let batch = loader.batch(layout, number)?;
        let frames = frames(&batch, device);
        let mut all = Vec::with_capacity(models.len());
        for (model, state) in models.iter().zip(&mut states) {
            let before = state.take().map(|state| state.reset_rows(&batch.begins));
            let (log_probs, after) = model.forward(frames.clone(), before, &batch.lengths);
            *state = after;
            all.push(log_probs);
        }
        let log_probs = numbers(log_mean_exp(all))?;
        for (row, (place, &length)) in batch.places.iter().zip(&batch.lengths).enumerate() {
            if let Some((clip, start)) = *place {
                let from = &log_probs[row * batch.time * classes..][..length * classes];
                found.push((clip, start, from.to_vec()));
            }
        }
    }
    Ok(found)
}

/// The frames of a batch, `[B, T, F]`.
pub(super) fn frames(batch: &FrameBatch, device: &Device) -> Tensor<3> {
    let (rows, time) = (batch.lengths.len(), batch.time);
    let size = batch.frames.len() / (rows * time);
    Tensor::from_data(TensorData::new(batch.frames.clone(), [rows, time, size]), device)
}
