//! Element-wise operations of models.
//!
//! Burn's element-wise operations run on one CPU thread, and some of them are not vectorised. For
//! `f32` on a CPU, these here use all threads and vectors, and save less for the backward pass;
//! everywhere else they are Burn's own.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::nn::Dropout;
#[cfg(feature = "native-cpu")]
use burn::tensor::Distribution;
use burn::tensor::Tensor;

#[cfg(feature = "native-cpu")]
use self::cpu::{Curve, Mask, Pointwise};
#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// `tanh(x)`, to a few units in the last place.
pub fn tanh<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&input) {
        return Tensor::from_dispatch(run(Pointwise::Curve(Curve::Tanh), [input.into_dispatch()]));
    }
    input.tanh()
}

/// `σ(x) = 1 / (1 + e^{-x})`, to a few units in the last place.
pub fn sigmoid<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&input) {
        return Tensor::from_dispatch(run(Pointwise::Curve(Curve::Sigmoid), [input.into_dispatch()]));
    }
    burn::tensor::activation::sigmoid(input)
}

/// Applies the dropout `layer`: in training, each element is 0 with the layer's probability, or
/// else divided by that of being kept (Srivastava et al., *Dropout*, 2014).
///
/// The native code's mask is a function of two random numbers from the device's generator. The
/// backward pass computes it again from those.
pub fn dropout<const D: usize>(layer: &Dropout, input: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "native-cpu")]
    if layer.prob > 0.0 && layer.training.is_enabled() && input.device().is_autodiff() && is_native_on_cpu(&input) {
        let drawn = Tensor::<1>::random([2], Distribution::Default, &input.device().inner());
        let drawn: Vec<f32> = drawn.into_data().iter().collect();
        let mask = Mask::new([drawn[0], drawn[1]], layer.prob);
        return Tensor::from_dispatch(run(Pointwise::Mask(mask), [input.into_dispatch()]));
    }
    layer.forward(input)
}
