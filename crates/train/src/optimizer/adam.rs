//! Adam and AdamW, in one pass over each parameter where a CPU computes.

use burn::optim::{AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};
use rekindle_kernels::adam::{self, Decay, Step};

/// How much of the mean of the gradients, and of that of their squares, is kept.
const BETAS: [f32; 2] = [0.9, 0.999];

/// The optimizer. Its state is that of Burn's `Adam`, and so are its numbers.
#[derive(Clone)]
pub(super) struct Adam {
    pub epsilon: f32,
    pub decay: Decay,
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
        let (parameter, [moment_1, moment_2]) = adam::step(parameter, gradient, moments, &step);
        (parameter, Some(AdamState::new(AdaptiveMomentumState::new(time, moment_1, moment_2))))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        AdamState::new(state.momentum.to_device(device))
    }
}
