//! Events of the training loop.

use std::path::Path;

use crate::report::Report;

/// An event of a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// Training begins or goes on.
    Started {
        /// Steps done before, 0 for a new run.
        step: u64,
        /// Steps of the whole run.
        total_steps: u64,
        /// Steps of an epoch.
        steps_per_epoch: u64,
        /// Numbers that are trained.
        parameters: usize,
        /// What a batch is counted in, in the plural.
        unit: &'static str,
        /// The unit of the loss; empty where it has none.
        loss_unit: &'static str,
    },
    /// Something that the user should know, and that does not stop the run.
    Warning {
        /// What it is.
        message: &'a str,
    },
    /// The task prepares itself, before the first step.
    Preparing {
        /// What is counted, in the plural.
        what: &'static str,
        /// How many are done.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// A step was done.
    Step(StepReport),
    /// An evaluation begins.
    Evaluating,
    /// The model was evaluated on the validation split.
    Evaluated {
        /// Steps done.
        step: u64,
        /// Epochs done, with the fraction of the one under way.
        epoch: f64,
        /// The figures.
        report: &'a Report,
        /// Whether it is the best so far.
        best: bool,
    },
    /// The model wrote something.
    Sampled {
        /// Steps done.
        step: u64,
        /// What it wrote.
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

/// The figures of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Steps done, this one included.
    pub step: u64,
    /// Epochs done, with the fraction of the one under way.
    pub epoch: f64,
    /// Mean loss of the step.
    pub loss: f64,
    /// The global norm of the gradients before they were bounded.
    pub gradient_norm: f64,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// The task's units in the step.
    pub items: u64,
    /// The task's units a second, over the steps since the last line of figures.
    pub items_per_second: f64,
    /// Whether this step is one of those whose figures are written down, every `print_every`.
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
