//! The convolution that all encoders are made of, and how weights of PyTorch get into it.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::module::conv2d;
use burn::tensor::ops::{ConvOptions, PadMode};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rekindle_rnn::parameter;
use rekindle_weights::{LoadReport, WeightError, WeightTensor, WrongShape};

use crate::init::{he_uniform, zeros};

/// A convolution with padding such that a side of `n` becomes `⌈n / stride⌉`.
///
/// Where the padding is odd, the right and the lower edge have one more, as TensorFlow's `SAME` has it.
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
    /// From `[B, I, H, W]` to `[B, O, ⌈H / stride⌉, ⌈W / stride⌉]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        let [output, depth, kernel, _] = weight.dims();
        let [batch, _, height, width] = input.dims();
        if kernel == 1 && self.stride == 1 && self.groups == 1 {
            // A product of matrices, which every backend is quick at.
            let pillars = input.reshape([batch, depth, height * width]);
            let products = weight.reshape([1, output, depth]).matmul(pillars);
            let products = products + self.bias.val().reshape([1, output, 1]);
            return products.reshape([batch, output, height, width]);
        }
        let padding = |side: usize| {
            let total = ((side.div_ceil(self.stride) - 1) * self.stride + kernel).saturating_sub(side);
            (total / 2, total - total / 2)
        };
        let ((top, bottom), (left, right)) = (padding(height), padding(width));
        let (input, inside) = if top == bottom && left == right {
            (input, [top, left])
        } else {
            (input.pad((left, right, top, bottom), PadMode::Constant(0.0)), [0, 0])
        };
        let options = ConvOptions::new([self.stride; 2], inside, [1, 1], self.groups);
        conv2d(input, weight, Some(self.bias.val()), options)
    }
}

/// The numbers of a batch norm, to be folded into the convolution before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Norm<'a> {
    /// Its name.
    pub name: &'a str,
    /// What keeps it from dividing by 0.
    pub epsilon: f32,
}

/// Takes weights of PyTorch by their names, and keeps account of them.
pub(super) struct Loader<'w> {
    weights: &'w BTreeMap<String, WeightTensor>,
    unused: BTreeSet<&'w str>,
    report: LoadReport,
}

impl<'w> Loader<'w> {
    pub fn new(weights: &'w BTreeMap<String, WeightTensor>) -> Self {
        Self { weights, unused: weights.keys().map(String::as_str).collect(), report: LoadReport::default() }
    }

    /// The values of `name`; zeros, once reported, where they are not there or of another shape.
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

    /// `convolution` with the weights `name`. With a norm `γ (x - μ) / √(σ² + ε) + β` behind it, whose statistics are
    /// fixed, they become `w γ / √(σ² + ε)` and the bias `β - μ γ / √(σ² + ε)`; without one the bias is in the file.
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

    /// `linear` with the weights `name`, turned round.
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
    /// When weights were missing or of another shape, or the file has others than these and those below `left_out`.
    pub fn finish(mut self, left_out: &[&str]) -> Result<(), WeightError> {
        self.unused.retain(|name| !left_out.iter().any(|prefix| name.starts_with(prefix)));
        self.report.unused = self.unused.into_iter().map(str::to_owned).collect();
        if self.report.is_complete() { Ok(()) } else { Err(WeightError::DoesNotFit { report: Box::new(self.report) }) }
    }
}
