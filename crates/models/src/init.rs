//! PyTorch's default initialisation of the layers around a recurrence.
//!
//! Values are drawn on the host, so that one random state gives one model on every backend.

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use rekindle_rnn::{CHAR_RNN_BOUND, MIN_CHAR_RNN_DEVIATION, Scheme, parameter};

/// An embedding table `[V, I]`, drawn from `N(0, 1)` as by `torch.nn.Embedding`.
pub fn embedding(vocabulary: usize, features: usize, rng: &mut impl Rng, device: &Device) -> Param<Tensor<2>> {
    normal(vocabulary, features, 1.0, rng, device)
}

/// A linear layer with weights and bias from `U(-1/√I, 1/√I)`, as in `torch.nn.Linear`.
pub fn linear(input: usize, output: usize, rng: &mut impl Rng, device: &Device) -> Linear {
    let weight = matrix(input, output, rng, device);
    let bias = parameter([output], device, || uniform(output, 1.0 / (input as f32).sqrt(), rng));
    Linear { weight, bias: Some(bias) }
}

/// The output layer of a language model whose recurrence is initialised by `scheme`: the programs that a scheme is
/// named after draw both alike. For the others it is [`linear`].
pub(crate) fn output_linear(
    scheme: Scheme,
    input: usize,
    output: usize,
    rng: &mut impl Rng,
    device: &Device,
) -> Linear {
    match scheme {
        Scheme::CharRnn => {
            let bound = CHAR_RNN_BOUND as f32;
            let weight = parameter([input, output], device, || uniform(input * output, bound, rng));
            let bias = parameter([output], device, || uniform(output, bound, rng));
            Linear { weight, bias: Some(bias) }
        }
        Scheme::MinCharRnn => {
            let weight = normal(input, output, MIN_CHAR_RNN_DEVIATION as f32, rng, device);
            Linear { weight, bias: Some(zeros([output], device)) }
        }
        // Torch's layers start as PyTorch's do.
        Scheme::TorchRnn | Scheme::Pytorch | Scheme::Xavier | Scheme::Orthogonal => linear(input, output, rng, device),
    }
}

/// A matrix `[I, O]` without bias from `U(-1/√I, 1/√I)`.
pub(crate) fn matrix(input: usize, output: usize, rng: &mut impl Rng, device: &Device) -> Param<Tensor<2>> {
    parameter([input, output], device, || uniform(input * output, 1.0 / (input as f32).sqrt(), rng))
}

/// The weights `[V, I]` of an output layer from `U(-1/√I, 1/√I)`. A row is a token, so that the table can serve as the
/// token embeddings too.
pub(crate) fn output(vocabulary: usize, features: usize, rng: &mut impl Rng, device: &Device) -> Param<Tensor<2>> {
    let draw = || uniform(vocabulary * features, 1.0 / (features as f32).sqrt(), rng);
    parameter([vocabulary, features], device, draw)
}

/// A table `[V, I]` from `N(0, deviation²)`.
pub(crate) fn normal(
    vocabulary: usize,
    features: usize,
    deviation: f32,
    rng: &mut impl Rng,
    device: &Device,
) -> Param<Tensor<2>> {
    let draw = || (0..vocabulary * features).map(|_| rng.sample::<f32, _>(StandardNormal) * deviation).collect();
    parameter([vocabulary, features], device, draw)
}

/// Values from `U(-bound, bound)`.
pub(crate) fn uniform(count: usize, bound: f32, rng: &mut impl Rng) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-bound..bound)).collect()
}

/// Weights of `outputs` units that read `inputs` values and are followed by ReLU, from `U(-√(6/I), √(6/I))`, which
/// preserves the variance (He et al. 2015, arXiv 1502.01852).
pub(crate) fn he_uniform(inputs: usize, outputs: usize, rng: &mut impl Rng) -> Vec<f32> {
    uniform(inputs * outputs, (6.0 / inputs as f32).sqrt(), rng)
}

/// A parameter of zeros.
pub(crate) fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    parameter(shape, device, || vec![0.0; shape.iter().product()])
}
