//! The optimizers, with PyTorch's constants: a faster Adam of our own, and Burn's for the others.

mod adam;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::Module;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdaGradConfig, GradientsParams, ModuleOptimizer, RmsPropConfig, SgdConfig};
use burn::store::RecordError;
use burn::tensor::Bytes;
use rekindle_kernels::adam::{Decay, Steps};

use crate::settings::{OptimizerKind, TrainingSettings};

/// Keeps Adam and RMSProp from dividing by 0. PyTorch's value; Burn's default, 1e-5, is large compared with the
/// gradients of rare tokens.
const EPSILON: f32 = 1e-8;

/// An optimizer of all parameters of a model, which a GPU updates in a few launches.
pub struct Optimizer {
    each: ModuleOptimizer,
    /// The steps that Adam takes for all parameters at once.
    steps: Arc<Mutex<Steps>>,
}

impl Optimizer {
    /// Takes a step of the parameters that have gradients.
    pub fn step<M: Module>(&mut self, rates: impl Into<ModuleLearningRate>, model: M, gradients: GradientsParams) -> M {
        let model = self.each.step(rates, model, gradients);
        locked(&self.steps).run();
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

fn locked(steps: &Mutex<Steps>) -> MutexGuard<'_, Steps> {
    steps.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Builds the optimizer of `settings`.
pub fn build(settings: &TrainingSettings) -> Optimizer {
    let steps = Arc::new(Mutex::new(Steps::new()));
    let adam = |decay| ModuleOptimizer::from(adam::Adam { epsilon: EPSILON, decay, steps: steps.clone() });
    let decay = (settings.weight_decay > 0.0).then(|| WeightDecayConfig::new(settings.weight_decay as f32));
    let each = match settings.optimizer {
        OptimizerKind::Adam => adam(Decay::Gradient(settings.weight_decay as f32)),
        OptimizerKind::AdamW => adam(Decay::Weight(settings.weight_decay as f32)),
        OptimizerKind::Sgd => {
            let momentum = MomentumConfig::new().with_momentum(settings.momentum).with_dampening(0.0);
            let momentum = (settings.momentum > 0.0).then_some(momentum);
            SgdConfig::new().with_momentum(momentum).with_weight_decay(decay).init()
        }
        OptimizerKind::RmsProp => RmsPropConfig::new()
            .with_alpha(settings.rmsprop_decay as f32)
            .with_momentum(0.0)
            .with_epsilon(EPSILON)
            .with_weight_decay(decay)
            .init(),
        OptimizerKind::Adagrad => AdaGradConfig::new().with_epsilon(EPSILON).with_weight_decay(decay).init(),
    };
    Optimizer { each, steps }
}
