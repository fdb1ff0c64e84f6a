//! Metrics of a frame tagger, clip by clip: of frames, of segments and of whole clips.

use crate::classification::{ConfusionMatrix, most_likely};
use crate::segments::edit_score;

/// The metrics of clips of labelled frames.
#[derive(Clone, Debug, PartialEq)]
pub struct TaggingFigures {
    /// The confusion matrix of the frames.
    pub matrix: ConfusionMatrix,
    nats: f64,
    edit: f64,
    clips: u32,
    clips_right: u32,
}

impl TaggingFigures {
    /// The metrics of no clip, for `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self { matrix: ConfusionMatrix::new(classes), nats: 0.0, edit: 0.0, clips: 0, clips_right: 0 }
    }

    /// Adds a clip: the true labels `[T]` of its frames, and the log-probabilities of the classes, `[T, C]`. The most
    /// probable classes are the predicted ones.
    ///
    /// # Panics
    ///
    /// When a label is not below the number of classes.
    pub fn add(&mut self, truth: &[u32], log_probs: &[f32]) {
        let rows = log_probs.chunks_exact(self.matrix.classes());
        let predicted: Vec<u32> = rows.map(|row| most_likely(row) as u32).collect();
        self.add_predicted(truth, &predicted, log_probs);
    }

    /// The same with other predicted labels `[T]` than the most probable ones.
    ///
    /// # Panics
    ///
    /// When a label is not below the number of classes.
    pub fn add_predicted(&mut self, truth: &[u32], predicted: &[u32], log_probs: &[f32]) {
        let classes = self.matrix.classes();
        let rows = log_probs.chunks_exact(classes);
        for ((row, &truth), &predicted) in rows.clone().zip(truth).zip(predicted) {
            self.nats -= f64::from(row[truth as usize]);
            self.matrix.add(truth as usize, predicted as usize);
        }
        self.edit += edit_score(truth, predicted);
        self.clips += 1;
        let sums: Vec<f32> = (0..classes).map(|class| rows.clone().map(|row| row[class].exp()).sum()).collect();
        self.clips_right += u32::from(truth.first() == Some(&(most_likely(&sums) as u32)));
    }

    /// Number of clips.
    pub fn clips(&self) -> u32 {
        self.clips
    }

    /// The mean cross-entropy of the frames in nats.
    pub fn loss(&self) -> f64 {
        self.nats / self.matrix.total().max(1) as f64
    }

    /// The mean over clips of the edit score of their segments, from 0 to 100.
    pub fn edit_score(&self) -> f64 {
        self.edit / f64::from(self.clips.max(1))
    }

    /// If each clip has one label: the share of clips whose label has the highest mean probability over all frames.
    pub fn clip_accuracy(&self) -> f64 {
        f64::from(self.clips_right) / f64::from(self.clips.max(1))
    }
}

#[cfg(test)]
mod tests;
