//! Normalising features, so that a model reads recordings of other people and sensors.
//!
//! ```text
//! training   x' = (x_t - mean) / deviation              over the training frames
//! running    x' = (x_t - mean_t) / deviation_t          over the frames of the recording up to t
//! robust     x' = (x_t - median_t) / spread_t           over the last 4,096 frames of the recording up to t
//! recording  x' = (x_t - mean) / deviation              over all frames of the recording
//! ```
//!
//! `spread` is the median absolute deviation times 1.4826, which is the deviation of a normal distribution. Where more
//! than half of the values are equal, it is the mean absolute deviation times 1.2533. A feature that does not vary
//! becomes 0.
//!
//! In the mean and the deviation of a whole recording, outliers have a limited share. A value counts as at most 20
//! spreads from the median; after that, three times, as at most 4 deviations from the mean that was just found. (These
//! are winsorised moments: Huber 1981, *Robust Statistics*.)
//!
//! `running` and `robust` depend on no later frame, so that a clip can be read as it is recorded. Their first frame is
//! 0 in all features. No statistics of the recording depend on the unit or the zero of a feature.

mod recording;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::recording::Recording;
use super::Standardization;

/// The statistics that features are normalised by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistics {
    /// The mean and the deviation of the training frames.
    #[default]
    Training,
    /// The mean and the deviation of the recording so far.
    Running,
    /// The median and the median absolute deviation of the recording so far.
    Robust,
    /// The mean and the deviation of the whole recording, but for its outliers.
    Recording,
}

impl Statistics {
    /// The names of all variants, in configurations and on the command line.
    pub const NAMES: [&str; 4] = ["training", "running", "robust", "recording"];
}

/// How features are normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// The statistics.
    pub statistics: Statistics,
    /// Normalised values beyond this many deviations are clipped to it; none are if there is no such limit.
    pub clip: Option<f32>,
}

/// Normalises the frames of one recording, in their order.
#[derive(Clone, Debug)]
pub(super) struct Normalizer<'a> {
    normalization: Normalization,
    recording: Option<Recording>,
    standardization: Option<&'a Standardization>,
}

impl Normalization {
    /// A normaliser for a new recording of `width` features. `standardization` is that of the training frames: of their
    /// values or, with statistics of the recording, of these values normalised and clipped. It gives every input of a
    /// model the deviation 1 in training, and makes features 0 that were constant there.
    ///
    /// None if the statistics are of the whole recording.
    pub(super) fn start(self, width: usize, standardization: Option<&Standardization>) -> Option<Normalizer<'_>> {
        let recording = match self.statistics {
            Statistics::Training => None,
            Statistics::Running => Some(Recording::running(width)),
            Statistics::Robust => Some(Recording::robust(width)),
            Statistics::Recording => return None,
        };
        Some(Normalizer { normalization: self, recording, standardization })
    }

    /// A normaliser for the recording `values`, `[T, F]`, of which all frames are known; otherwise as
    /// [`start`](Self::start).
    pub(super) fn start_of<'a>(
        self,
        values: &[f32],
        width: usize,
        standardization: Option<&'a Standardization>,
    ) -> Normalizer<'a> {
        self.start(width, standardization).unwrap_or_else(|| {
            let recording = Some(Recording::whole(values, width));
            Normalizer { normalization: self, recording, standardization }
        })
    }
}

impl Normalizer<'_> {
    /// Normalises the next frame `[F]` in place.
    ///
    /// # Errors
    ///
    /// The index of the first feature whose value, or normalised value, is too large for a number.
    pub(super) fn frame(&mut self, frame: &mut [f32]) -> Result<(), usize> {
        let finite = |frame: &[f32]| frame.iter().position(|x| !x.is_finite()).map_or(Ok(()), Err);
        finite(frame)?;
        if let Some(recording) = &mut self.recording {
            recording.normalize(frame);
            self.clip(frame);
        }
        if let Some(standardization) = self.standardization {
            standardization.apply(frame);
        }
        if self.recording.is_none() {
            self.clip(frame);
        }
        finite(frame)
    }

    fn clip(&self, frame: &mut [f32]) {
        if let Some(clip) = self.normalization.clip {
            frame.iter_mut().for_each(|x| *x = x.clamp(-clip, clip));
        }
    }
}
