//! The optimizers, with PyTorch's constants: faster Adam and SGD of our own, and Burn's for the others.

mod adam;
mod sgd;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::Module;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{AdaGradConfig, GradientsParams, ModuleOptimizer, RmsPropConfig};
use burn::store::RecordError;
use burn::tensor::Bytes;
use rekindle_kernels::adam::{self as adam_kernels, Decay};
use rekindle_kernels::sgd as sgd_kernels;

use crate::settings::{OptimizerKind, TrainingSettings};

/// Keeps Adam and RMSProp from dividing by 0. PyTorch's value; Burn's default, 1e-5, is large compared with the
/// gradients of rare tokens.
const EPSILON: f32 = 1e-8;

/// An optimizer of all parameters of a model, which a GPU updates in a few launches.
pub struct Optimizer {
    each: ModuleOptimizer,
    /// The steps that Adam, or SGD, takes for all parameters at once.
    adam: Arc<Mutex<adam_kernels::Steps>>,
    sgd: Arc<Mutex<sgd_kernels::Steps>>,
}

impl Optimizer {
    /// Takes a step of the parameters that have gradients.
    pub fn step<M: Module>(&mut self, rates: impl Into<ModuleLearningRate>, model: M, gradients: GradientsParams) -> M {
        let model = self.each.step(rates, model, gradients);
        locked(&self.adam).run();
        locked(&self.sgd).run();
        model
    }

    /// The state of all parameters, in the format of [`ModuleOptimizer::into_bytes`].
    ///
    /// # Errors
    ///
    /// When it cannot be encoded.
    pub fn into_bytes(&self) -> Result<Bytes, RecordError> {
        self.each.into_bytes()
    }

    /// The optimizer with a state.
    ///
    /// # Errors
    ///
    /// When it cannot be decoded.
    pub fn from_bytes(self, bytes: Bytes) -> Result<Self, RecordError> {
        Ok(Self { each: self.each.from_bytes(bytes)?, ..self })
    }
}

fn locked<S>(steps: &Mutex<S>) -> MutexGuard<'_, S> {
    steps.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Builds the optimizer of `settings`.
pub fn build(settings: &TrainingSettings) -> Optimizer {
    let (of_adam, of_sgd) = (Arc::default(), Arc::default());
    let adam = |decay| ModuleOptimizer::from(adam::Adam { epsilon: EPSILON, decay, steps: Arc::clone(&of_adam) });
    let decay = (settings.weight_decay > 0.0).then(|| WeightDecayConfig::new(settings.weight_decay as f32));
    let each = match settings.optimizer {
        OptimizerKind::Adam => adam(Decay::Gradient(settings.weight_decay as f32)),
        OptimizerKind::AdamW => adam(Decay::Weight(settings.weight_decay as f32)),
        OptimizerKind::Sgd => ModuleOptimizer::from(sgd::Sgd {
            momentum: settings.momentum as f32,
            penalty: settings.weight_decay as f32,
            steps: Arc::clone(&of_sgd),
        }),
        OptimizerKind::RmsProp => RmsPropConfig::new()
            .with_alpha(settings.rmsprop_decay as f32)
            .with_momentum(0.0)
            .with_epsilon(EPSILON)
            .with_weight_decay(decay)
            .init(),
        OptimizerKind::Adagrad => AdaGradConfig::new().with_epsilon(EPSILON).with_weight_decay(decay).init(),
    };
    Optimizer { each, adam: of_adam, sgd: of_sgd }
}
