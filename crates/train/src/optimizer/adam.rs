//! Adam and AdamW, in one pass over each parameter.

use std::sync::{Arc, Mutex};

use burn::optim::{AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};
use rekindle_kernels::adam::{Decay, Step, Steps};

/// Decay of the running means of the gradients and of their squares.
const BETAS: [f32; 2] = [0.9, 0.999];

/// Adam and AdamW. The state and the results are those of Burn's `Adam`.
#[derive(Clone)]
pub(super) struct Adam {
    pub epsilon: f32,
    pub decay: Decay,
    /// Takes the steps of all parameters at once.
    pub steps: Arc<Mutex<Steps>>,
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let [beta_1, beta_2] = BETAS;
        let (before, moments) = match state {
            Some(AdamState { momentum }) => (momentum.time, [momentum.moment_1, momentum.moment_2]),
            None => (0, [gradient.zeros_like(), gradient.zeros_like()]),
        };
        let time = before + 1;
        let step = Step { beta_1, beta_2, epsilon: self.epsilon, decay: self.decay, learning_rate, time };
        let (parameter, [moment_1, moment_2]) = super::locked(&self.steps).step(parameter, gradient, moments, &step);
        (parameter, Some(AdamState::new(AdaptiveMomentumState::new(time, moment_1, moment_2))))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        AdamState::new(state.momentum.to_device(device))
    }
}
