//! Events of the training loop.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::report::Report;
use crate::updates::LayerUpdate;

/// An event of a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// Training starts or resumes.
    Started {
        /// Steps done before; 0 for a new run.
        step: u64,
        /// Steps of the whole run.
        total_steps: u64,
        /// Steps per epoch.
        steps_per_epoch: u64,
        /// Number of trained parameters.
        parameters: usize,
        /// The unit of a batch's items, in the plural.
        unit: &'static str,
        /// The unit of the loss; empty if it has none.
        loss_unit: &'static str,
    },
    /// A problem that does not stop the run.
    Warning {
        /// The message.
        message: &'a str,
    },
    /// The task prepares its data before the first step.
    Preparing {
        /// The counted items, in the plural.
        what: &'static str,
        /// Items done.
        done: u64,
        /// Items in total.
        total: u64,
    },
    /// A step is done.
    Step(StepReport),
    /// The norms of the layers at an update, with `--watch-gradients`.
    Updated {
        /// Steps done, this one included.
        step: u64,
        /// The norms, by layer.
        layers: &'a [LayerUpdate],
    },
    /// How long the processes of a group worked, with `--report-ranks`.
    Ranks {
        /// Steps done.
        step: u64,
        /// The processes, in the order of their numbers.
        ranks: &'a [RankTimes],
    },
    /// An evaluation starts.
    Evaluating,
    /// The model has been evaluated on the validation split.
    Evaluated {
        /// Steps done.
        step: u64,
        /// Epochs done, with the fraction of the current one.
        epoch: f64,
        /// The evaluation's report.
        report: &'a Report,
        /// Whether it is the best so far.
        best: bool,
    },
    /// The model has generated a sample.
    Sampled {
        /// Steps done.
        step: u64,
        /// The sample.
        text: &'a str,
    },
    /// A checkpoint is safely on disk.
    Checkpointed {
        /// Steps done.
        step: u64,
        /// Its folder.
        path: &'a Path,
    },
}

/// The times of a process since the last line of figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankTimes {
    /// Its machine.
    pub host: String,
    /// Time in its own work.
    pub computing: Duration,
    /// Time in sums with the others, the wait for them included.
    pub summing: Duration,
}

/// A figure of a step besides those that every task has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepFigure {
    /// Its name.
    pub name: &'static str,
    /// Its value: the mean over the batches of the step.
    pub value: f64,
}

/// The figures of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Steps done, this one included.
    pub step: u64,
    /// Epochs done, with the fraction of the current one.
    pub epoch: f64,
    /// Mean loss of the step.
    pub loss: f64,
    /// The global norm of the gradients before clipping.
    pub gradient_norm: f64,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// Number of items in the step, in the task's unit.
    pub items: u64,
    /// Items per second, over the steps since the last printed one.
    pub items_per_second: f64,
    /// A figure that only this task has.
    pub figure: Option<StepFigure>,
    /// Whether this step's figures are printed, as every `print_every`-th step's are.
    pub printed: bool,
}

/// Receives training events; `()` ignores them.
pub trait Observer {
    /// Receives an event.
    fn observe(&mut self, event: &Event<'_>);
}

impl Observer for () {
    fn observe(&mut self, _event: &Event<'_>) {}
}
