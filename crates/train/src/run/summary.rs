//! What a run is and how far it has come, from its folder alone: for a table of runs, whichever their tasks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::RunFolder;
use super::checkpoint::{self, Which};
use super::figures::{BestFigures, Entry, EntryKind};
use crate::error::TrainError;
use crate::registry::{recurrence, weights_of_unknown};
use crate::report::shortfall;

/// The values of a perfect model: of shares, of CIDEr-D, of BLEU.
const PERFECT: [f64; 3] = [1.0, 10.0, 100.0];

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
    /// What the best evaluation is ranked by, where lower is better; none without a checkpoint.
    #[serde(skip)]
    pub objective: Option<f64>,
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
        let mut summary = Self::without_parameters(run)?;
        summary.parameters = match weights_of_unknown(run, Which::Best) {
            Ok(weights) => Some(weights.tensors.values().map(|tensor| tensor.values().len()).sum()),
            // A run that has just begun has none.
            Err(TrainError::NoCheckpoint { rejected, .. }) if rejected.is_empty() => None,
            Err(error) => return Err(error),
        };
        Ok(summary)
    }

    /// The same without [`parameters`](Self::parameters), which are counted in the weights: quick, for many runs.
    ///
    /// # Errors
    ///
    /// When there is no run, or one of its files is damaged.
    pub fn without_parameters(run: &RunFolder) -> Result<Self, TrainError> {
        let mut summary = Self {
            run: run.path().to_owned(),
            task: run.head()?.task,
            model: recurrence(&run.config()?),
            parameters: None,
            steps: 0,
            seconds: None,
            best: None,
            objective: checkpoint::best(run).map(|best| best.objective),
            training: Vec::new(),
            evaluations: BTreeMap::new(),
        };
        run.figures()?.into_iter().for_each(|entry| summary.add(entry));
        Ok(summary)
    }

    /// The figure of the best evaluation that ranks it: the loss, unless the task ranks by another.
    pub fn best_figure(&self) -> Option<(&str, f64)> {
        let figures = &self.best.as_ref()?.figures;
        let loss = figures.get_key_value("loss");
        // A figure for which higher is better ranks by what it lacks: see `Report::ranked_by`.
        let shortfall = self.objective.zip(loss).map(|(objective, (_, loss))| shortfall(objective, *loss));
        let ranks = |value: f64| {
            let lacks = PERFECT.iter().map(|perfect| perfect - value).chain([100.0 - 100.0 * value]);
            shortfall.is_some_and(|shortfall| lacks.into_iter().any(|lacks| (shortfall - lacks).abs() < 1e-9))
        };
        let is_loss = loss.is_some_and(|(_, loss)| Some(*loss) == self.objective);
        let other = figures.iter().filter(|(name, _)| *name != "loss" && !is_loss).find(|(_, value)| ranks(**value));
        other.or(loss).map(|(name, value)| (name.as_str(), *value))
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
