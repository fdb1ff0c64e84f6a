//! Training a model step by step, without a run.

use burn::backend::ExecutionError;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rekindle_kernels::precision::within;

use crate::clipping::Clip;
use crate::optimizer::{self, Optimizer};
use crate::precision::{LossScale, multiplied, scaled};
use crate::settings::TrainingSettings;

/// A model in training, with the clipping and the optimizer of `rekindle train`.
pub struct Learner<M: Module> {
    /// The optimizer takes the model by value and returns it, so that it can update the weights in place.
    model: Option<M>,
    optimizer: Optimizer,
    settings: TrainingSettings,
    loss_scale: Option<LossScale>,
    device: Device,
}

impl<M: Module> Learner<M> {
    /// A learner for `model`, whose weights are on `device`, one with [gradients](Device::autodiff).
    ///
    /// It uses the settings of the optimizer, of clipping and of the precision, and the learning rate, which stays
    /// constant.
    pub fn new(model: M, settings: TrainingSettings, device: &Device) -> Self {
        let (optimizer, loss_scale) = (optimizer::build(&settings), settings.precision.first_scale());
        Self { model: Some(model), optimizer, settings, loss_scale, device: device.clone() }
    }

    /// One training step: forward pass, backward pass, clipping, optimizer.
    ///
    /// `loss` returns the loss `[1]` and what it carries to the next step, which `step` returns. In `f16`, a step whose
    /// gradients overflow leaves the weights as they are, and lowers the [scale](crate::precision) of the loss.
    ///
    /// # Errors
    ///
    /// Those of `loss`; the weights then stay as they are.
    pub fn step<C, E>(&mut self, loss: impl FnOnce(&M) -> Result<(Tensor<1>, C), E>) -> Result<C, E> {
        let model = self.model.as_ref().expect("each step ends by putting the model back");
        let (loss, carry) = within(self.settings.precision.of_products(), || loss(model))?;
        let factor = self.loss_scale.map_or(1.0, |scale| scale.factor);
        let gradients = GradientsParams::from_grads(scaled(loss, factor).backward(), model);
        let clip = Clip { kind: self.settings.clip, at: self.settings.clip_at };
        let (gradients, norm) = clip.apply(model, multiplied(model, gradients, 1.0 / factor));
        if self.loss_scale.as_mut().is_some_and(|scale| scale.overflows(&norm)) {
            return Ok(carry);
        }
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
