//! Stochastic gradient descent with momentum.

use std::sync::{Arc, Mutex};

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource, join_path};
use burn::tensor::{Device, Tensor};
use rekindle_kernels::sgd::{Step, Steps};

/// Stochastic gradient descent. The records of its state and the results are those of Burn's `Sgd`.
#[derive(Clone)]
pub(super) struct Sgd {
    pub momentum: f32,
    pub penalty: f32,
    /// Takes the steps of all parameters at once.
    pub steps: Arc<Mutex<Steps>>,
}

/// The velocity of a parameter, if there is momentum.
#[derive(Clone)]
pub(super) struct SgdState<const D: usize> {
    velocity: Option<Tensor<D>>,
}

/// Written by hand, because Burn's type does not give its velocity away.
impl<const D: usize> RecordState for SgdState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        if let Some(velocity) = &self.velocity {
            out.push_tensor(&join_path(prefix, MOMENTUM), VELOCITY, velocity.clone().into_data());
        }
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let velocity = src.take_tensor(&join_path(prefix, MOMENTUM), VELOCITY);
        Some(Self { velocity: velocity.map(|data| Tensor::from_data(data, device)) })
    }
}

/// Names in records.
const MOMENTUM: &str = "momentum";
const VELOCITY: &str = "velocity";

impl Optimizer for Sgd {
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<SgdState<D>>,
    ) -> (Tensor<D>, Option<SgdState<D>>) {
        let velocity = (self.momentum > 0.0)
            .then(|| state.and_then(|state| state.velocity).unwrap_or_else(|| gradient.zeros_like()));
        let step = Step { momentum: self.momentum, penalty: self.penalty, learning_rate };
        let (parameter, velocity) = super::locked(&self.steps).step(parameter, gradient, velocity, &step);
        (parameter, Some(SgdState { velocity }))
    }

    fn to_device<const D: usize>(state: SgdState<D>, device: &Device) -> SgdState<D> {
        SgdState { velocity: state.velocity.map(|velocity| velocity.to_device(device)) }
    }
}
