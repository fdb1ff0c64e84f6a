//! The contestants of a benchmark, and their training.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rekindle_train::settings::TrainingSettings;
use rekindle_train::trainer::Learner;

use crate::BenchError;

/// A contestant: does the work of this many steps and returns the seconds it took. Other threads may ask it to, as a
/// measurement of [device time](rekindle_kernels::launches::device_time) does.
pub(crate) type Contestant<'a> = Box<dyn FnMut(usize) -> Result<f64, BenchError> + Send + 'a>;

/// A contestant timed from outside: `work` does this many steps.
pub(crate) fn timed<'a>(mut work: impl FnMut(usize) -> Result<(), BenchError> + Send + 'a) -> Contestant<'a> {
    Box::new(move |steps| {
        let started = Instant::now();
        work(steps)?;
        Ok(started.elapsed().as_secs_f64())
    })
}

/// [`training_with`] the default settings of `rekindle train`.
pub(crate) fn training<M: Module + 'static, C: Send + 'static>(
    model: M,
    device: &Device,
    loss: impl FnMut(&M, Option<C>) -> (Tensor<1>, C) + Send + 'static,
) -> Contestant<'static> {
    training_with(TrainingSettings::default(), model, device, loss)
}

/// A contestant that trains `model`, on a device with gradients.
///
/// `loss` gets the carry of the previous step. It returns the loss `[1]` and the carry for the next
/// step.
pub(crate) fn training_with<M: Module + 'static, C: Send + 'static>(
    settings: TrainingSettings,
    model: M,
    device: &Device,
    mut loss: impl FnMut(&M, Option<C>) -> (Tensor<1>, C) + Send + 'static,
) -> Contestant<'static> {
    let mut learner = Learner::new(model, settings, device);
    let mut carry = None;
    timed(move |steps| {
        for _ in 0..steps {
            let before = carry.take();
            carry = Some(learner.step(|model| Ok::<_, BenchError>(loss(model, before)))?);
        }
        Ok(learner.wait()?)
    })
}
