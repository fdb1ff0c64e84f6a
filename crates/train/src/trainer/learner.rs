//! Training a model step by step, without a run.

use burn::backend::ExecutionError;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};

use crate::clipping::Clip;
use crate::optimizer;
use crate::settings::TrainingSettings;

/// A model in training, with the clipping and the optimizer of `rekindle train`.
pub struct Learner<M: Module> {
    /// The optimizer takes the model by value and returns it, so that it can update the weights in place.
    model: Option<M>,
    optimizer: ModuleOptimizer,
    settings: TrainingSettings,
    device: Device,
}

impl<M: Module> Learner<M> {
    /// A learner for `model`, whose weights are on `device`, one with [gradients](Device::autodiff).
    ///
    /// It uses the settings of the optimizer and of clipping, and the learning rate, which stays constant.
    pub fn new(model: M, settings: TrainingSettings, device: &Device) -> Self {
        Self { model: Some(model), optimizer: optimizer::build(&settings), settings, device: device.clone() }
    }

    /// One training step: forward pass, backward pass, clipping, optimizer.
    ///
    /// `loss` returns the loss `[1]` and what it carries to the next step, which `step` returns.
    ///
    /// # Errors
    ///
    /// Those of `loss`; the weights then stay as they are.
    pub fn step<C, E>(&mut self, loss: impl FnOnce(&M) -> Result<(Tensor<1>, C), E>) -> Result<C, E> {
        let model = self.model.as_ref().expect("each step ends by putting the model back");
        let (loss, carry) = loss(model)?;
        let gradients = GradientsParams::from_grads(loss.backward(), model);
        let clip = Clip { kind: self.settings.clip, at: self.settings.clip_at };
        let (gradients, _) = clip.apply(model, gradients);
        let rate = self.settings.learning_rate;
        self.model = self.model.take().map(|model| self.optimizer.step(rate, model, gradients));
        Ok(carry)
    }

    /// Waits until the device has finished all steps.
    ///
    /// # Errors
    ///
    /// When the device has failed.
    pub fn wait(&self) -> Result<(), ExecutionError> {
        self.device.sync()
    }
}
