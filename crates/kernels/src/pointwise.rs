//! What models do to every number of a tensor.
//!
//! Burn's element-wise operations run on one thread of a CPU, and some of them number by
//! number. For `f32` on a CPU these here use all threads and vectors, and leave less for
//! the backward pass to keep; everywhere else they are Burn's own.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::nn::Dropout;
#[cfg(feature = "native-cpu")]
use burn::tensor::Distribution;
use burn::tensor::Tensor;

#[cfg(feature = "native-cpu")]
use self::cpu::{Mask, Pointwise};
#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// `tanh(x)`, to a few units in the last place.
pub fn tanh<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&input) {
        return Tensor::from_dispatch(run(Pointwise::Tanh, [input.into_dispatch()]));
    }
    input.tanh()
}

/// What `layer` makes of its input: while training, each number is 0 with the layer's
/// probability, or else divided by that of being kept (Srivastava et al., *Dropout*, 2014).
///
/// The natively computed mask is a function of two numbers that are drawn from the
/// device's generator. The backward pass draws it anew from those.
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
