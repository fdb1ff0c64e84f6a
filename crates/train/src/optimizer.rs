//! The optimizers, with PyTorch's constants: a faster Adam of our own, and Burn's for the others.

mod adam;

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdaGradConfig, ModuleOptimizer, RmsPropConfig, SgdConfig};
use rekindle_kernels::adam::Decay;

use crate::settings::{OptimizerKind, TrainingSettings};

/// Keeps Adam and RMSProp from dividing by 0. PyTorch's value; Burn's default, 1e-5, is large compared with the
/// gradients of rare tokens.
const EPSILON: f32 = 1e-8;

/// Builds the optimizer of `settings`.
pub fn build(settings: &TrainingSettings) -> ModuleOptimizer {
    let decay = (settings.weight_decay > 0.0).then(|| WeightDecayConfig::new(settings.weight_decay as f32));
    match settings.optimizer {
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
    }
}

fn adam(decay: Decay) -> ModuleOptimizer {
    ModuleOptimizer::from(adam::Adam { epsilon: EPSILON, decay })
}
