//! Convolutions of images, with the bias and the activation behind them.
//!
//! ```text
//! y[b, o, i, j] = f(b_o + Σ_{c, u, v} w[o, c, u, v] x[b, c, s i + u - top, s j + v - left])
//! ```
//!
//! `x` is 0 outside of the image. For `f32` on a CPU, and with one group or one per channel, this is one operation:
//! the product is summed in registers over pieces of the image that are gathered on demand, and bias and activation
//! are applied before a piece leaves the cache. Everywhere else it is Burn's convolution.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::{ConvOptions, PadMode};

#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// The activation after a convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// `x`.
    #[default]
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)` (Krizhevsky, *Convolutional deep belief networks on CIFAR-10*, 2010).
    Relu6,
}

/// The settings of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `s`, for both directions.
    pub stride: usize,
    /// Zeros before and after the rows, and before and after the columns: `[[top, bottom], [left, right]]`.
    pub padding: [[usize; 2]; 2],
    /// Number of channel groups.
    pub groups: usize,
    /// `f`.
    pub activation: Activation,
}

/// The padding before and after a side of `side` pixels so that a convolution reduces it to `⌈side / stride⌉`; an odd
/// padding has the larger part after it, as with TensorFlow's `SAME`.
pub fn same_padding(side: usize, kernel: usize, stride: usize) -> [usize; 2] {
    let total = ((side.div_ceil(stride) - 1) * stride + kernel).saturating_sub(side);
    [total / 2, total - total / 2]
}

/// A convolution of images, with bias and activation.
///
/// # Shapes
/// - `input` `[B, I, H, W]`, `weight` `[O, I / groups, K, L]`, `bias` `[O]`
/// - output `[B, O, (H + top + bottom - K) / s + 1, (W + left + right - L) / s + 1]`
///
/// # Panics
/// If the shapes do not fit, or the kernel is larger than the padded image.
pub fn convolution(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, options: Options) -> Tensor<4> {
    let ([_, channels, height, width], [outputs, depth, tall, wide]) = (input.dims(), weight.dims());
    let Options { stride, padding: [[top, bottom], [left, right]], groups, .. } = options;
    assert!(stride > 0 && groups > 0, "the stride and the number of groups must be at least 1");
    assert!(
        depth * groups == channels && outputs.is_multiple_of(groups),
        "`weight` must be [O, I / groups, K, L] for {channels} channels in {groups} groups, got {:?}",
        weight.dims()
    );
    assert!(bias.dims() == [outputs], "`bias` must be [O] = [{outputs}], got {:?}", bias.dims());
    assert!(
        tall <= height + top + bottom && wide <= width + left + right,
        "a kernel of {tall} x {wide} is larger than the padded image"
    );
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&input) && is_native_on_cpu(&weight) && (groups == 1 || groups == channels && groups == outputs)
    {
        let inputs = [input.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
        return Tensor::from_dispatch(run(cpu::Convolution(options), inputs));
    }
    composed(input, weight, bias, options)
}

/// [`convolution`] in tensor operations: the specification that tests compare the native code with.
pub fn composed(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, options: Options) -> Tensor<4> {
    let Options { stride, padding: [[top, bottom], [left, right]], groups, activation } = options;
    let ([batch, channels, height, width], [outputs, _, tall, wide]) = (input.dims(), weight.dims());
    if tall * wide * stride * groups == 1 && [top, bottom, left, right] == [0; 4] {
        // A matrix product, which is fast on every backend.
        let product = weight.reshape([1, outputs, channels]).matmul(input.reshape([batch, channels, height * width]));
        let product = product + bias.reshape([1, outputs, 1]);
        return activated(product.reshape([batch, outputs, height, width]), activation);
    }
    let (input, inside) = if top == bottom && left == right {
        (input, [top, left])
    } else {
        (input.pad((left, right, top, bottom), PadMode::Constant(0.0)), [0, 0])
    };
    let output = conv2d(input, weight, Some(bias), ConvOptions::new([stride; 2], inside, [1, 1], groups));
    activated(output, activation)
}

fn activated(tensor: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::Identity => tensor,
        Activation::Relu => relu(tensor),
        Activation::Relu6 => tensor.clamp(0.0, 6.0),
    }
}
