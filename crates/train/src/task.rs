//! What a task gives to the loop.

use burn::module::{Module, ParamGroup};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rekindle_models::frame_tagger::TaggerState;
use rekindle_rnn::State;

use crate::error::TrainError;
use crate::pictures::Picture;
use crate::run::{RunFolder, RunSettings};

/// A model, its data and its figures. All that is the same for every task is in [`Trainer`](crate::trainer::Trainer).
pub trait Task: Sized {
    /// What a run is told, with the name of the task.
    type Settings: RunSettings;
    /// What is trained.
    type Model: Module;
    /// What one batch hands to the next: the hidden state of a stateful model, `()` for others.
    type Carry: Carry;

    /// Opens the data that `settings` name, for a new run.
    ///
    /// # Errors
    ///
    /// When a setting has no meaning, or the data cannot be read.
    fn open(settings: &Self::Settings, device: &Device) -> Result<Self, TrainError>;

    /// Opens the data for a run to go on with: what [`save`](Self::save) wrote is read back from its folder.
    ///
    /// # Errors
    ///
    /// When a setting has no meaning, or the data or a file of the run cannot be read.
    fn reopen(settings: &Self::Settings, run: &RunFolder, device: &Device) -> Result<Self, TrainError>;

    /// Writes into the folder of a new run what its model needs besides settings and weights: the vocabulary, say.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    fn save(&self, run: &RunFolder) -> Result<(), TrainError>;

    /// The data in a line or a few, for a person to read before training begins.
    fn describe(&self) -> String;

    /// Does what must be done once before the first step and may take long: computes what a frozen network sees, say.
    /// Nothing by default. Doing it again does nothing.
    ///
    /// # Errors
    ///
    /// When the data cannot be read, or what is computed cannot be kept.
    fn prepare(&mut self, report: &mut dyn FnMut(Preparation<'_>)) -> Result<(), TrainError> {
        let _ = report;
        Ok(())
    }

    /// `model`, fresh, with the weights of the run `source` where they fit, and in words how much did.
    ///
    /// # Errors
    ///
    /// When `source` is of another task or cannot be read, or its model is of another shape.
    fn start_from(&self, model: Self::Model, source: &RunFolder) -> Result<(Self::Model, String), TrainError>;

    /// Parameters of `model` that learn at another rate than the others, and its factor; none by default.
    fn other_rate(&self, model: &Self::Model) -> Option<(ParamGroup, f64)> {
        let _ = model;
        None
    }

    /// What a batch is counted in, in the plural: "characters", "sentences".
    fn unit(&self) -> &'static str;

    /// What tells the training data from other data, in words: a run goes on only with the data that it began with.
    fn data(&self) -> String;

    /// A model whose weights are drawn from `rng`.
    fn init_model(&self, rng: &mut impl Rng, device: &Device) -> Self::Model;

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
    ) -> Result<BatchLoss<Self::Carry>, TrainError>;

    /// The carry whose [`to_data`](Carry::to_data) gave `data`; none when it is not from this task's model.
    fn restore_carry(&self, data: Vec<TensorData>, device: &Device) -> Option<Self::Carry>;

    /// The figures of `model` (without autodiff) on the held-out part; none when nothing is held out.
    ///
    /// # Errors
    ///
    /// When the data cannot be read.
    fn evaluate(&mut self, model: &Self::Model) -> Result<Option<Evaluation>, TrainError>;

    /// Something to look at: a text that `model` (without autodiff) writes. The same `seed` gives the same.
    ///
    /// # Errors
    ///
    /// When the data cannot be read.
    fn sample(&mut self, model: &Self::Model, seed: u64) -> Result<Option<String>, TrainError>;
}

/// What a task tells while it prepares itself.
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
    /// Mean loss in nats, `[1]`.
    pub loss: Tensor<1>,
    /// What the next batch starts from.
    pub carry: C,
    /// How many of the task's units the batch held.
    pub items: u64,
}

/// The outcome of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean loss in nats.
    pub loss: f64,
    /// Other figures, by the name under which they are written down.
    pub figures: Vec<(&'static str, f64)>,
    /// What decides which checkpoint is best: lower is better.
    pub objective: f64,
    /// Pictures of it, kept in the run folder for the best evaluation.
    pub pictures: Vec<Picture>,
}

/// The objective of a figure that falls short of its best by `shortfall`: of two evaluations with the same figure, the one
/// with less `loss` is better.
pub fn objective(shortfall: f64, loss: f64) -> f64 {
    shortfall + 1e-6 * loss
}

/// What one batch hands to the next.
pub trait Carry: Clone {
    /// The same values, cut off from the graph that made them: back-propagation through time stops here.
    fn detach(self) -> Self;

    /// The values, for a checkpoint.
    fn to_data(&self) -> Vec<TensorData>;
}

impl Carry for State {
    fn detach(self) -> Self {
        State::detach(self)
    }

    fn to_data(&self) -> Vec<TensorData> {
        State::to_data(self)
    }
}

impl Carry for TaggerState {
    fn detach(self) -> Self {
        TaggerState::detach(self)
    }

    fn to_data(&self) -> Vec<TensorData> {
        TaggerState::to_data(self)
    }
}

/// For models that may have no state.
impl<C: Carry> Carry for Option<C> {
    fn detach(self) -> Self {
        self.map(C::detach)
    }

    fn to_data(&self) -> Vec<TensorData> {
        self.as_ref().map(C::to_data).unwrap_or_default()
    }
}

impl Carry for () {
    fn detach(self) {}

    fn to_data(&self) -> Vec<TensorData> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::objective;

    #[test]
    fn loss_decides_between_equal_figures_only() {
        assert!(objective(0.1, 1.0) < objective(0.1, 2.0));
        assert!(objective(0.1, 9.0) < objective(0.2, 0.0));
    }
}
