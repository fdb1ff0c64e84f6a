//! Smoothing predicted labels by how labels follow each other in training.

use rekindle_data::frames::Transitions;
use rekindle_metrics::classification::most_likely;
use rekindle_models::frame_tagger::{LabelFilter, ScoreWeights, TransitionModel};
use rekindle_settings::names;

use super::error::FramesError;
use super::task::FramesTask;
use crate::prelude::*;

names! {
    /// How predicted labels are smoothed.
    #[derive(Default)]
    pub enum Smoothing {
        /// Not at all: the most probable label of each frame.
        #[default]
        None = "none",
        /// The most probable sequence of labels of a whole clip.
        Viterbi = "viterbi",
        /// The most probable label of each frame given those before it, as they come.
        Filter = "filter",
    }
}

settings! {
    /// How predicted labels are smoothed.
    pub struct SmoothingSettings {
        /// Smooth labels by how labels follow each other in training: viterbi finds the most probable sequence of a
        /// whole clip, filter works frame by frame as they come
        smoothing: Smoothing => value("METHOD").choices(Smoothing::NAMES.iter().copied());
        /// With --smoothing: weight of the model's log-probabilities beside those of the transitions
        score_weight: f64 = SCORE_WEIGHT => value("WEIGHT").above(0).used_with("smoothing", SMOOTHED);
        /// With --smoothing: divide probabilities by the shares of the classes in training to this power
        prior_weight: Option<f64> =>
            value("POWER").at_least(0).unset("1; 0 for a model trained with --balanced").used_with("smoothing", SMOOTHED);
        /// With --smoothing filter: label a frame when so many frames after it have been read
        lag: usize => value("FRAMES").at_least(0).used_with("smoothing", ["filter"]);
    }
}

/// That of the model itself, and the best on recordings of gestures, each held out in turn: see docs/frames.md.
const SCORE_WEIGHT: f64 = 1.0;

/// The methods that smooth.
const SMOOTHED: [&str; 2] = ["viterbi", "filter"];

/// Smooths the predictions of a run; the default does not.
#[derive(Clone, Debug, Default)]
pub struct Smoother {
    model: Option<TransitionModel>,
    settings: SmoothingSettings,
}

/// The labels of the frames of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Smoothed {
    /// The predicted class of each frame, `[T]`.
    pub predicted: Vec<u32>,
    /// The log-probabilities of the classes, `[T, C]`.
    pub log_probs: Vec<f32>,
}

impl Trained<FramesTask> {
    /// A smoother of the predictions of this run, and of those that answer together with it.
    ///
    /// # Errors
    ///
    /// When the run has no counts of transitions, or the runs were trained with different weights of the classes and
    /// `prior_weight` is not given.
    pub fn smoother(&self, settings: &SmoothingSettings) -> Result<Smoother, FramesError> {
        let settings = settings.clone();
        if settings.smoothing == Smoothing::None {
            return Ok(Smoother::default());
        }
        let Transitions { starts, pairs } = self.assets.transitions.as_ref().ok_or(FramesError::NoTransitions)?;
        let balanced = self.settings.model.balanced;
        if settings.prior_weight.is_none() && self.others.iter().any(|run| run.settings.model.balanced != balanced) {
            return Err(FramesError::Priors);
        }
        // The weighted loss makes all classes equally likely.
        let prior = settings.prior_weight.unwrap_or(if balanced { 0.0 } else { 1.0 });
        let weights = ScoreWeights { score: settings.score_weight, prior };
        Ok(Smoother { model: Some(TransitionModel::new(starts, &pairs.concat(), weights)), settings })
    }
}

impl Smoother {
    /// Smooths the log-probabilities of the classes of a clip's frames, `[T, C]`: with Viterbi, by all frames; with a
    /// filter, by the frames up to each and `lag` more.
    pub fn smooth(&self, log_probs: Vec<f32>, classes: usize) -> Smoothed {
        let log_probs = match &self.model {
            None => log_probs,
            Some(model) if self.settings.smoothing == Smoothing::Viterbi => {
                return Smoothed { predicted: model.viterbi(&log_probs), log_probs: model.posteriors(&log_probs) };
            }
            Some(model) => {
                let mut filter = model.filter(self.settings.lag);
                let rows = log_probs.chunks_exact(classes);
                let mut smoothed: Vec<Vec<f32>> = rows.filter_map(|row| filter.push(row)).collect();
                smoothed.extend(filter.finish());
                smoothed.concat()
            }
        };
        let predicted = log_probs.chunks_exact(classes).map(|row| most_likely(row) as u32).collect();
        Smoothed { predicted, log_probs }
    }

    /// The filter for frames as they come; none without smoothing.
    ///
    /// # Errors
    ///
    /// When the smoothing needs the whole clip.
    pub fn live(&self) -> Result<Option<LabelFilter<'_>>, FramesError> {
        match (&self.model, self.settings.smoothing) {
            (Some(_), Smoothing::Viterbi) => Err(FramesError::ViterbiLive),
            (model, _) => Ok(model.as_ref().map(|model| model.filter(self.settings.lag))),
        }
    }
}
