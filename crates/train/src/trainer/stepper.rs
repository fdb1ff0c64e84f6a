//! Training steps alone, for benchmarks.

use burn::tensor::Device;
use rekindle_settings::Sections;

use super::learner::Learner;
use crate::carry::Carry;
use crate::error::TaskError;
use crate::event::{Event, Observer};
use crate::settings::RunSettings;
use crate::task::{Preparation, Task};

/// Runs training steps and nothing else.
pub trait Steps {
    /// Runs `count` steps of one batch each and waits for the device. Returns the number of items in the batches.
    ///
    /// # Errors
    ///
    /// When the data cannot be read, or the device fails.
    fn steps(&mut self, count: usize) -> Result<u64, TaskError>;

    /// The unit of a batch's items, in the plural.
    fn unit(&self) -> &'static str;
}

/// The steps of a task.
pub struct Stepper<T: Task> {
    task: T,
    learner: Learner<T::Model>,
    carry: Option<T::Carry>,
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
        let task = T::open(&settings, None, device)?;
        Self::with(task, &settings, device, &mut ())
    }

    /// The steps of `task` with its settings. `observer` is shown how its data is prepared.
    ///
    /// # Errors
    ///
    /// When the data cannot be read.
    pub fn with(
        mut task: T,
        settings: &T::Settings,
        device: &Device,
        observer: &mut dyn Observer,
    ) -> Result<Self, TaskError> {
        let training = settings.training().clone();
        task.prepare(&mut |news| match news {
            Preparation::Message(message) => observer.observe(&Event::Warning { message }),
            Preparation::Progress { what, done, total } => observer.observe(&Event::Preparing { what, done, total }),
        })?;
        let device = device.clone().autodiff();
        let model = task.begin(T::model(settings, task.assets(), training.seed, &device))?;
        Ok(Self { task, learner: Learner::new(model, training, &device), carry: None, done: 0 })
    }

    fn step(&mut self) -> Result<u64, TaskError> {
        let Self { task, learner, carry, done } = self;
        let (epoch, batch) = (*done / task.batches(), *done % task.batches());
        let before = carry.take().filter(|_| batch > 0);
        let (after, items) = learner.step(|model| {
            let outcome = task.loss(model, epoch, batch, before)?;
            Ok::<_, TaskError>((outcome.loss.sum(), (outcome.carry.detach(), outcome.items)))
        })?;
        (*carry, *done) = (Some(after), *done + 1);
        Ok(items)
    }
}

impl<T: Task> Steps for Stepper<T> {
    fn steps(&mut self, count: usize) -> Result<u64, TaskError> {
        let items = (0..count).map(|_| self.step()).sum::<Result<u64, _>>()?;
        self.learner.wait()?;
        Ok(items)
    }

    fn unit(&self) -> &'static str {
        self.task.data().unit
    }
}
