//! The trait of a task.

use burn::module::{Module, ParamGroup};
use burn::tensor::{Device, Tensor, TensorData};

use rekindle_rnn::LossParts;

use crate::carry::Carry;
use crate::error::TaskError;
use crate::event::StepFigure;
use crate::origin::Origin;
use crate::report::Report;
use crate::run::assets::Assets;
use crate::run::checkpoint::Progress;
use crate::settings::RunSettings;

/// A task: a model, its data and its figures. [`Trainer`](crate::trainer::Trainer) has what is common to all tasks;
/// [`Operate`](crate::operation::Operate) has the operations of a trained model.
///
/// Six functions are required; the others have defaults. A task without validation data does not evaluate, say.
pub trait Task: Sized + 'static {
    /// The name, on the command line and in the run folder.
    const NAME: &'static str;
    /// A one-line description, for help texts.
    const ABOUT: &'static str;
    /// The unit of the loss; empty if it has none.
    const LOSS_UNIT: &'static str = "nats";

    /// The settings of a run.
    type Settings: RunSettings;
    /// What the model needs in addition to settings and weights, for instance a vocabulary.
    type Assets: Assets;
    /// The model.
    type Model: Module;
    /// State carried from one batch to the next: the hidden state of a stateful model, `()` for others.
    type Carry: Carry;

    /// Opens the data of `settings`: with the assets of an existing run, or for a new run, whose assets are built from
    /// the data.
    ///
    /// # Errors
    ///
    /// When the data cannot be read.
    fn open(settings: &Self::Settings, assets: Option<Self::Assets>, device: &Device) -> Result<Self, TaskError>;

    /// The assets of the run.
    fn assets(&self) -> &Self::Assets;

    /// Checks that `settings` and `assets` of a run fit together: a run's files can be edited. By default they do.
    ///
    /// # Errors
    ///
    /// The first setting that the assets do not allow.
    fn check(settings: &Self::Settings, assets: &Self::Assets) -> Result<(), TaskError> {
        let _ = (settings, assets);
        Ok(())
    }

    /// A model with weights drawn from `seed`.
    fn model(settings: &Self::Settings, assets: &Self::Assets, seed: u64, device: &Device) -> Self::Model;

    /// The training data: its summary and its identity.
    fn data(&self) -> DataInfo;

    /// Batches in an epoch.
    fn batches(&self) -> u64;

    /// The loss of batch `batch` of epoch `epoch`. It must depend on nothing but the arguments and the task's
    /// settings, so that a resumed run computes the same as an unbroken one. `carry` is the carry of the previous
    /// batch, detached; none at the start of an epoch.
    ///
    /// If several processes train the model, each computes the loss of [its rows](crate::group::Share::present), within
    /// [`Rows::within`](rekindle_kernels::rows::Rows::within); a process without a row has
    /// [no loss](BatchLoss::nothing). A task that computes the loss of all rows on each is right all the same, and no
    /// faster with several processes.
    ///
    /// # Errors
    ///
    /// When the data cannot be read.
    fn loss(
        &mut self,
        model: &Self::Model,
        epoch: u64,
        batch: u64,
        carry: Option<Self::Carry>,
    ) -> Result<BatchLoss<Self::Carry>, TaskError>;

    /// The fewest values that a step keeps for its backward pass, for the largest batch: an estimate, by which
    /// settings are rejected that need more memory than there is. 0 if unknown, which is the default.
    fn kept(&self) -> f64 {
        0.0
    }

    /// Changes a model whose weights were just drawn, for instance by loading pretrained weights. Nothing by default.
    ///
    /// # Errors
    ///
    /// When the weights cannot be read or do not fit.
    fn begin(&self, model: Self::Model) -> Result<Self::Model, TaskError> {
        Ok(model)
    }

    /// Checks that a new run may begin with the weights of another run, or with fresh ones. By default it may.
    ///
    /// # Errors
    ///
    /// When the settings want the other.
    fn check_start(&self, from_another: bool) -> Result<(), TaskError> {
        let _ = from_another;
        Ok(())
    }

    /// Whether a loss of more than `--explode-at` times the first one means that the training has diverged. By default
    /// it does. It does not where losses may be negative, as of a density: with a first loss of 0 or below there is no
    /// such bound, whatever this says.
    fn loss_has_bound(&self) -> bool {
        true
    }

    /// Copies the weights of `source` that fit into the fresh `model`. Returns a summary too. Refused by default.
    ///
    /// # Errors
    ///
    /// When the model of `source` has another shape.
    fn start_from(&self, model: Self::Model, source: Trained<Self>) -> Result<(Self::Model, String), TaskError> {
        let _ = (model, source);
        Err(format!("--init-from: the task `{}` cannot start from another run", Self::NAME).into())
    }

    /// Other tasks from whose runs a model can start; none by default.
    fn origins() -> Vec<Origin<Self>> {
        Vec::new()
    }

    /// Prepares the data before the first step, for instance by computing the features of a frozen network. It may
    /// take long. Calling it again does nothing; nothing by default.
    ///
    /// # Errors
    ///
    /// When the data cannot be read, or the result cannot be stored.
    fn prepare(&mut self, report: &mut dyn FnMut(Preparation<'_>)) -> Result<(), TaskError> {
        let _ = report;
        Ok(())
    }

    /// Parameters of `model` with another learning rate, and its factor; none by default.
    fn other_rate(&self, model: &Self::Model) -> Option<(ParamGroup, f64)> {
        let _ = model;
        None
    }

    /// Rebuilds the carry from the `data` of [`to_data`](Carry::to_data); none if it is not from this task's model.
    fn restore_carry(&self, data: Vec<TensorData>, device: &Device) -> Option<Self::Carry> {
        Self::Carry::from_data(data, device)
    }

    /// The figures of `model` (without autodiff) on the validation split; none if nothing is held out.
    ///
    /// # Errors
    ///
    /// When the data cannot be read, or the device fails.
    fn evaluate(&mut self, model: &Self::Model) -> Result<Option<Report>, TaskError> {
        let _ = model;
        Ok(None)
    }

    /// A sample text generated by `model` (without autodiff). The same `seed` gives the same text. None by default.
    ///
    /// # Errors
    ///
    /// When the data cannot be read, or the device fails.
    fn sample(&mut self, model: &Self::Model, seed: u64) -> Result<Option<String>, TaskError> {
        let _ = (model, seed);
        Ok(None)
    }
}

/// A trained model with everything it needs. [`Trained::open`] reads it from a run.
#[derive(Debug)]
pub struct Trained<T: Task> {
    /// The weights of a checkpoint.
    pub model: T::Model,
    /// What it needs in addition to settings and weights.
    pub assets: T::Assets,
    /// The settings of the run.
    pub settings: T::Settings,
    /// The progress of the run.
    pub progress: Progress,
    /// Checkpoints that were skipped, each with its error.
    pub rejected: Vec<String>,
    /// The device of the model.
    pub device: Device,
    /// Runs that answer together with this one: their probabilities are averaged.
    pub others: Vec<Trained<T>>,
}

impl<T: Task> Trained<T> {
    /// The model of this run, and those that answer together with it.
    pub fn models(&self) -> Vec<&T::Model> {
        [&self.model].into_iter().chain(self.others.iter().map(|other| &other.model)).collect()
    }
}

/// A description of a run's training data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataInfo {
    /// The unit of a batch's items, in the plural: "characters", "sentences".
    pub unit: &'static str,
    /// A description in a line or a few, shown before training.
    pub summary: String,
    /// Name and size. In runs of version 0.1 nothing else identifies the data.
    pub identity: String,
    /// SHA-256 of the content: a run resumes only with the data that it started with.
    pub sha256: String,
}

/// Progress and messages of a task's preparation.
#[derive(Clone, Copy, Debug)]
pub enum Preparation<'a> {
    /// A message for the user.
    Message(&'a str),
    /// The progress of the preparation.
    Progress {
        /// The counted items, in the plural.
        what: &'static str,
        /// Items done.
        done: u64,
        /// Items in total.
        total: u64,
    },
}

/// The most means in a loss.
pub(crate) const MOST_MEANS: usize = 8;

/// The result of a batch, or of a process's rows of it.
#[derive(Debug)]
pub struct BatchLoss<C> {
    /// The means whose sum is the loss.
    pub loss: LossParts,
    /// The carry for the next batch.
    pub carry: C,
    /// Number of items in the batch, in the task's unit.
    pub items: u64,
    /// A figure of the batch besides its loss, for instance a reward.
    pub figure: Option<StepFigure>,
}

impl<C> BatchLoss<C> {
    /// A loss without another figure: a mean `[1]` over the items.
    pub fn new(loss: Tensor<1>, carry: C, items: u64) -> Self {
        Self::of_parts(LossParts::of(loss, items as f64), carry, items)
    }

    /// A loss of several means, without another figure.
    ///
    /// # Panics
    ///
    /// When there are more than 8 means: processes that share a batch exchange so many counts.
    pub fn of_parts(loss: LossParts, carry: C, items: u64) -> Self {
        assert!(loss.parts().len() <= MOST_MEANS, "a loss of {} means", loss.parts().len());
        Self { loss, carry, items, figure: None }
    }

    /// That of a process that has no row of the batch.
    pub fn nothing(carry: C) -> Self {
        Self::of_parts(LossParts::default(), carry, 0)
    }

    /// The same with a figure. It is shown and logged beside the loss, under its name; the name must not change within
    /// a run.
    pub fn with_figure(self, name: &'static str, value: f64) -> Self {
        Self { figure: Some(StepFigure { name, value }), ..self }
    }
}
