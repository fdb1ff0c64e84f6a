//! What a run is and how far it has come, from its folder alone: for a table of runs, whichever their tasks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::RunFolder;
use super::checkpoint::Which;
use super::figures::{BestFigures, Entry, EntryKind};
use crate::error::TrainError;
use crate::registry::{recurrence, weights_of_unknown};

/// A run in a table of runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// Its folder.
    pub run: PathBuf,
    /// Its task.
    pub task: String,
    /// Its recurrence in words: `lstm, 2 x 128, forget bias 1`.
    pub model: String,
    /// Number of parameters; none without a checkpoint.
    pub parameters: Option<usize>,
    /// Steps of the last figures.
    pub steps: u64,
    /// Seconds of training, over all resumptions; none in runs of version 0.1.
    pub seconds: Option<f64>,
    /// The best evaluation.
    pub best: Option<BestFigures>,
    /// The mean loss of training steps: `(epochs, loss)`.
    pub training: Vec<(f64, f64)>,
    /// The figures of all evaluations, by name, the loss among them: `(epochs, value)`.
    pub evaluations: BTreeMap<String, Vec<(f64, f64)>>,
}

impl RunSummary {
    /// Reads the folder of a run. Lines of `metrics.jsonl` that are not JSON are skipped: a run may be in training.
    ///
    /// # Errors
    ///
    /// When there is no run, or one of its files is damaged.
    pub fn read(run: &RunFolder) -> Result<Self, TrainError> {
        let config = run.config()?;
        let parameters = match weights_of_unknown(run, Which::Best) {
            Ok(weights) => Some(weights.tensors.values().map(|tensor| tensor.values().len()).sum()),
            // A run that has just begun has none.
            Err(TrainError::NoCheckpoint { rejected, .. }) if rejected.is_empty() => None,
            Err(error) => return Err(error),
        };
        let mut summary = Self {
            run: run.path().to_owned(),
            task: run.head()?.task,
            model: recurrence(&config),
            parameters,
            steps: 0,
            seconds: None,
            best: None,
            training: Vec::new(),
            evaluations: BTreeMap::new(),
        };
        run.figures()?.into_iter().for_each(|entry| summary.add(entry));
        Ok(summary)
    }

    fn add(&mut self, Entry { step, epoch, seconds, kind }: Entry) {
        self.steps = self.steps.max(step);
        self.seconds = seconds.or(self.seconds);
        match kind {
            EntryKind::Step(loss) => self.training.extend(loss.map(|loss| (epoch, loss))),
            EntryKind::Evaluation { figures, best, .. } => {
                for (name, value) in &figures {
                    self.evaluations.entry(name.clone()).or_default().push((epoch, *value));
                }
                if best {
                    self.best = Some(BestFigures { step, figures });
                }
            }
            EntryKind::Other => {}
        }
    }
}
