//! PyTorch's default initialisation of the layers that stand around a recurrence.
//!
//! The numbers are drawn on the host, so that one random state gives one model on every backend.

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// A table `[V, I]` of learned vectors, drawn from `N(0, 1)` as `torch.nn.Embedding` does.
pub fn embedding(vocabulary: usize, features: usize, rng: &mut impl Rng, device: &Device) -> Param<Tensor<2>> {
    let values: Vec<f32> = (0..vocabulary * features).map(|_| rng.sample(StandardNormal)).collect();
    Param::from_data(TensorData::new(values, [vocabulary, features]), device)
}

/// A linear layer with weights and bias from `U(-1/√I, 1/√I)` as `torch.nn.Linear` does.
pub fn linear(input: usize, output: usize, rng: &mut impl Rng, device: &Device) -> Linear {
    let mut uniform = |count: usize| -> Vec<f32> {
        let bound = 1.0 / (input as f32).sqrt();
        (0..count).map(|_| rng.random_range(-bound..bound)).collect()
    };
    Linear {
        weight: Param::from_data(TensorData::new(uniform(input * output), [input, output]), device),
        bias: Some(Param::from_data(TensorData::new(uniform(output), [output]), device)),
    }
}

/// A matrix `[I, O]` without bias from `U(-1/√I, 1/√I)`.
pub(crate) fn matrix(input: usize, output: usize, rng: &mut impl Rng, device: &Device) -> Param<Tensor<2>> {
    let values = uniform(input * output, 1.0 / (input as f32).sqrt(), rng);
    Param::from_data(TensorData::new(values, [input, output]), device)
}

/// Numbers from `U(-bound, bound)`.
pub(crate) fn uniform(count: usize, bound: f32, rng: &mut impl Rng) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-bound..bound)).collect()
}
