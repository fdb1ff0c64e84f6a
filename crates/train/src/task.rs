//! What a task gives to the loop.

use burn::module::{Module, ParamGroup};
use burn::tensor::{Device, Tensor, TensorData};

use crate::carry::Carry;
use crate::error::TaskError;
use crate::report::Report;
use crate::run::assets::Assets;
use crate::run::checkpoint::Progress;
use crate::settings::RunSettings;

/// A model, its data and its figures. All that is the same for every task is in [`Trainer`](crate::trainer::Trainer), and what
/// a trained model can be asked for is in [`Operate`](crate::operation::Operate).
///
/// Six functions are required. The others have a default: a task without validation data does not evaluate, say.
pub trait Task: Sized + 'static {
    /// The name, on the command line and in the run folder.
    const NAME: &'static str;
    /// The task in a line, for help texts.
    const ABOUT: &'static str;
    /// The unit of the loss; empty where it has none.
    const LOSS_UNIT: &'static str = "nats";

    /// The settings of a run.
    type Settings: RunSettings;
    /// What the model needs beside settings and weights: a vocabulary, say.
    type Assets: Assets;
    /// What is trained.
    type Model: Module;
    /// What one batch hands to the next: the hidden state of a stateful model, `()` for others.
    type Carry: Carry;

    /// Opens the data that `settings` name: with the assets of the run to go on with, or for a new run, whose assets follow from
    /// the data.
    ///
    /// # Errors
    ///
    /// When the data cannot be read.
    fn open(settings: &Self::Settings, assets: Option<Self::Assets>, device: &Device) -> Result<Self, TaskError>;

    /// The assets of the run.
    fn assets(&self) -> &Self::Assets;

    /// Checks that `settings` and `assets` of a run go together: the files of a run can be edited. They do by default.
    ///
    /// # Errors
    ///
    /// For the first setting that the assets do not allow.
    fn check(settings: &Self::Settings, assets: &Self::Assets) -> Result<(), TaskError> {
        let _ = (settings, assets);
        Ok(())
    }

    /// A model with weights drawn by `seed`.
    fn model(settings: &Self::Settings, assets: &Self::Assets, seed: u64, device: &Device) -> Self::Model;

    /// The training data: its summary and its identity.
    fn data(&self) -> DataInfo;

    /// Batches in an epoch.
    fn batches(&self) -> u64;

    /// The loss of batch `batch` of epoch `epoch`. It must depend on nothing but the arguments and the task's settings,
    /// so that a resumed run sees what the unbroken one saw. `carry` is what the batch before gave, detached; none at
    /// the start of an epoch.
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

    /// The least numbers that a step keeps for its backward pass, for the largest batch: an estimate, by which settings are
    /// refused that need more memory than there is. 0 where it is not known, which is the default.
    fn kept(&self) -> f64 {
        0.0
    }

    /// Changes a model whose weights have just been drawn: pretrained weights, say. Nothing by default.
    ///
    /// # Errors
    ///
    /// When what is put in cannot be read or does not fit.
    fn begin(&self, model: Self::Model) -> Result<Self::Model, TaskError> {
        Ok(model)
    }

    /// `model`, fresh, with the weights of `source` where they fit, and in words how much did. By default it is refused.
    ///
    /// # Errors
    ///
    /// When the model of `source` has another shape.
    fn start_from(&self, model: Self::Model, source: Trained<Self>) -> Result<(Self::Model, String), TaskError> {
        let _ = (model, source);
        Err(format!("--init-from: the task `{}` cannot start from another run", Self::NAME).into())
    }

    /// Does what must be done once before the first step and may take long: computes the features of a frozen network, say.
    /// Nothing by default. Doing it again does nothing.
    ///
    /// # Errors
    ///
    /// When the data cannot be read, or what is computed cannot be kept.
    fn prepare(&mut self, report: &mut dyn FnMut(Preparation<'_>)) -> Result<(), TaskError> {
        let _ = report;
        Ok(())
    }

    /// Parameters of `model` that learn at another rate than the others, and its factor; none by default.
    fn other_rate(&self, model: &Self::Model) -> Option<(ParamGroup, f64)> {
        let _ = model;
        None
    }

    /// The carry whose [`to_data`](Carry::to_data) gave `data`; none when it is not from this task's model.
    fn restore_carry(&self, data: Vec<TensorData>, device: &Device) -> Option<Self::Carry> {
        Self::Carry::from_data(data, device)
    }

    /// The figures of `model` (without autodiff) on the validation split; none when nothing is held out.
    ///
    /// # Errors
    ///
    /// When the data cannot be read, or the device fails.
    fn evaluate(&mut self, model: &Self::Model) -> Result<Option<Report>, TaskError> {
        let _ = model;
        Ok(None)
    }

    /// Something to look at: a text that `model` (without autodiff) writes. The same `seed` gives the same. None by default.
    ///
    /// # Errors
    ///
    /// When the data cannot be read, or the device fails.
    fn sample(&mut self, model: &Self::Model, seed: u64) -> Result<Option<String>, TaskError> {
        let _ = (model, seed);
        Ok(None)
    }
}

/// A trained model with all that it needs to be used. [`Trained::open`] reads it from a run.
#[derive(Debug)]
pub struct Trained<T: Task> {
    /// The weights of a checkpoint.
    pub model: T::Model,
    /// What it needs beside settings and weights.
    pub assets: T::Assets,
    /// The settings of the run.
    pub settings: T::Settings,
    /// Where the run stood.
    pub progress: Progress,
    /// Checkpoints that were passed over, each with what is wrong with it.
    pub rejected: Vec<String>,
    /// Where the model is.
    pub device: Device,
}

/// The training data of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataInfo {
    /// What a batch is counted in, in the plural: "characters", "sentences".
    pub unit: &'static str,
    /// The data in a line or a few, for a person to read before training begins.
    pub summary: String,
    /// Name and size. In runs of version 0.1 this is all that tells the data from other data.
    pub identity: String,
    /// SHA-256 of the content: a run goes on only with the data that it began with.
    pub sha256: String,
}

/// Progress and messages of a task's preparation.
#[derive(Clone, Copy, Debug)]
pub enum Preparation<'a> {
    /// Something that the user should know.
    Message(&'a str),
    /// How far it is.
    Progress {
        /// What is counted, in the plural.
        what: &'static str,
        /// How many are done.
        done: u64,
        /// Of how many.
        total: u64,
    },
}

/// The outcome of a batch.
#[derive(Debug)]
pub struct BatchLoss<C> {
    /// Mean loss, `[1]`.
    pub loss: Tensor<1>,
    /// What the next batch starts from.
    pub carry: C,
    /// How many of the task's units the batch held.
    pub items: u64,
}
