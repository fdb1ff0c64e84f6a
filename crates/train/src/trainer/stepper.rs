//! Training steps alone, for a benchmark.

use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use rekindle_settings::Sections;

use crate::carry::Carry;
use crate::clipping::Clip;
use crate::error::TaskError;
use crate::optimizer;
use crate::settings::{RunSettings, TrainingSettings};
use crate::task::Task;

/// Does training steps and nothing else.
pub trait Steps {
    /// Does `count` steps of one batch each and waits for the device. Gives how many items the batches held.
    ///
    /// # Errors
    ///
    /// When the data cannot be read, or the device fails.
    fn steps(&mut self, count: usize) -> Result<u64, TaskError>;

    /// What a batch is counted in, in the plural.
    fn unit(&self) -> &'static str;
}

/// The steps of a task with its default settings.
pub struct Stepper<T: Task> {
    task: T,
    training: TrainingSettings,
    /// The optimizer takes the model and gives it back, so that it can write into the weights.
    model: Option<T::Model>,
    optimizer: ModuleOptimizer,
    carry: Option<T::Carry>,
    device: Device,
    /// Batches done.
    done: u64,
}

impl<T: Task> Stepper<T> {
    /// Opens the task's default data.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn new(device: &Device) -> Result<Self, TaskError> {
        let settings = T::Settings::default();
        settings.validate()?;
        let training = settings.training().clone();
        let mut task = T::open(&settings, None, device)?;
        task.prepare(&mut |_| {})?;
        let device = device.clone().autodiff();
        let model = task.begin(T::model(&settings, task.assets(), training.seed, &device))?;
        let optimizer = optimizer::build(&training);
        Ok(Self { task, training, model: Some(model), optimizer, carry: None, device, done: 0 })
    }

    fn step(&mut self) -> Result<u64, TaskError> {
        let model = self.model.take().expect("a step ends by giving the model back");
        let (epoch, batch) = (self.done / self.task.batches(), self.done % self.task.batches());
        let before = self.carry.take().filter(|_| batch > 0);
        let outcome = self.task.loss(&model, epoch, batch, before)?;
        let gradients = GradientsParams::from_grads(outcome.loss.backward(), &model);
        let clip = Clip { kind: self.training.clip, at: self.training.clip_at };
        let (gradients, _) = clip.apply(&model, gradients);
        self.model = Some(self.optimizer.step(self.training.learning_rate, model, gradients));
        self.carry = Some(outcome.carry.detach());
        self.done += 1;
        Ok(outcome.items)
    }
}

impl<T: Task> Steps for Stepper<T> {
    fn steps(&mut self, count: usize) -> Result<u64, TaskError> {
        let items = (0..count).map(|_| self.step()).sum::<Result<u64, _>>()?;
        self.device.sync()?;
        Ok(items)
    }

    fn unit(&self) -> &'static str {
        self.task.data().unit
    }
}
