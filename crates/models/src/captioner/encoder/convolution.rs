//! The convolution of all encoders, and loading its weights from PyTorch.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rekindle_kernels::convolution::{Activation, Options, convolution, same_padding};
use rekindle_rnn::parameter;
use rekindle_weights::{LoadReport, WeightError, WeightTensor, WrongShape};

use crate::init::{he_uniform, zeros};

/// A convolution with padding such that a side of `n` becomes `⌈n / stride⌉`.
///
/// Where the padding is odd, the right and the lower edge get one more, as with TensorFlow's `SAME`.
#[derive(Module, Debug)]
pub struct Convolution {
    /// `[O, I / groups, K, K]`
    pub weight: Param<Tensor<4>>,
    /// `[O]`
    pub bias: Param<Tensor<1>>,
    stride: usize,
    groups: usize,
}

/// The shape of a [`Convolution`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub input: usize,
    pub output: usize,
    pub kernel: usize,
    pub stride: usize,
    pub groups: usize,
}

impl Shape {
    /// A convolution with weights from [`he_uniform`] and biases of 0.
    pub fn init(self, rng: &mut impl Rng, device: &Device) -> Convolution {
        let Self { input, output, kernel, stride, groups } = self;
        let shape = [output, input / groups, kernel, kernel];
        let fan_in: usize = shape[1..].iter().product();
        Convolution {
            weight: parameter(shape, device, || he_uniform(fan_in, output, rng)),
            bias: zeros([output], device),
            stride,
            groups,
        }
    }
}

impl Convolution {
    /// Pixels from one place of the output to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Groups of channels, each read by outputs of its own.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Maps `[B, I, H, W]` to `activation` of `[B, O, ⌈H / stride⌉, ⌈W / stride⌉]`.
    pub fn forward(&self, input: Tensor<4>, activation: Activation) -> Tensor<4> {
        let (weight, stride, groups) = (self.weight.val(), self.stride, self.groups);
        let [[_, _, height, width], [_, _, kernel, _]] = [input.dims(), weight.dims()];
        let padding = [height, width].map(|side| same_padding(side, kernel, stride));
        convolution(input, weight, self.bias.val(), Options { stride, padding, groups, activation })
    }
}

/// A batch norm that is folded into the convolution before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Norm<'a> {
    /// Its name.
    pub name: &'a str,
    /// Added to the variance, against division by 0.
    pub epsilon: f32,
}

/// Loads PyTorch weights by name, and records those that are missing, left over or of another shape.
pub(super) struct Loader<'w> {
    weights: &'w BTreeMap<String, WeightTensor>,
    unused: BTreeSet<&'w str>,
    report: LoadReport,
}

impl<'w> Loader<'w> {
    pub fn new(weights: &'w BTreeMap<String, WeightTensor>) -> Self {
        Self { weights, unused: weights.keys().map(String::as_str).collect(), report: LoadReport::default() }
    }

    /// The values of `name`; zeros, after recording it, if it is missing or of another shape.
    fn values(&mut self, name: String, shape: &[usize]) -> Vec<f32> {
        let zeros = || vec![0.0; shape.iter().product()];
        let Some(tensor) = self.weights.get(&name) else {
            self.report.missing.push(name);
            return zeros();
        };
        self.unused.remove(name.as_str());
        if tensor.shape() != shape {
            let (wanted, found) = (shape.to_vec(), tensor.shape().to_vec());
            self.report.wrong_shape.push(WrongShape { name, wanted, found });
            return zeros();
        }
        self.report.applied.push(name);
        tensor.values().to_vec()
    }

    /// Loads `convolution` from the weights `name`. A batch norm `γ (x - μ) / √(σ² + ε) + β` with fixed statistics is
    /// folded in: weights `w γ / √(σ² + ε)`, bias `β - μ γ / √(σ² + ε)`. Without a norm, the file has the bias.
    pub fn convolution(&mut self, convolution: Convolution, name: &str, norm: Option<Norm<'_>>) -> Convolution {
        let shape = convolution.weight.dims();
        let output = shape[0];
        let mut weight = self.values(format!("{name}.weight"), &shape);
        let bias = match norm {
            None => self.values(format!("{name}.bias"), &[output]),
            Some(Norm { name, epsilon }) => {
                let [gain, shift, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
                    .map(|part| self.values(format!("{name}.{part}"), &[output]));
                self.unused.remove(format!("{name}.num_batches_tracked").as_str());
                let factors: Vec<f32> = gain.iter().zip(&variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
                let rows = weight.chunks_mut(shape[1..].iter().product());
                for (row, factor) in rows.zip(&factors) {
                    row.iter_mut().for_each(|value| *value *= factor);
                }
                let biases = shift.iter().zip(&mean).zip(&factors);
                biases.map(|((shift, mean), factor)| shift - mean * factor).collect()
            }
        };
        let device = convolution.weight.val().device();
        Convolution {
            weight: parameter(shape, &device, || weight),
            bias: parameter([output], &device, || bias),
            ..convolution
        }
    }

    /// Loads `linear` from the weights `name`, transposed.
    pub fn linear(&mut self, linear: &Linear, name: &str) -> Linear {
        let [input, output] = linear.weight.dims();
        let weight = self.values(format!("{name}.weight"), &[output, input]);
        let bias = self.values(format!("{name}.bias"), &[output]);
        let device = linear.weight.val().device();
        let weight = Tensor::<2>::from_data(TensorData::new(weight, [output, input]), &device);
        Linear { weight: Param::from_tensor(weight.transpose()), bias: Some(parameter([output], &device, || bias)) }
    }

    /// # Errors
    ///
    /// When weights are missing or of another shape, or unused ones do not start with a prefix of `left_out`.
    pub fn finish(mut self, left_out: &[&str]) -> Result<(), WeightError> {
        self.unused.retain(|name| !left_out.iter().any(|prefix| name.starts_with(prefix)));
        self.report.unused = self.unused.into_iter().map(str::to_owned).collect();
        if self.report.is_complete() { Ok(()) } else { Err(WeightError::DoesNotFit { report: Box::new(self.report) }) }
    }
}
