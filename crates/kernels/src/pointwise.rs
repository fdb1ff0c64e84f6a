//! Element-wise operations of models.
//!
//! Burn's element-wise operations run on one CPU thread, and some of them are not vectorised. For
//! `f32` on a CPU, these here use all threads and vectors, and save less for the backward pass;
//! everywhere else they are Burn's own.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::nn::Dropout;
use burn::tensor::{Distribution, Tensor};

#[cfg(feature = "native-cpu")]
use self::cpu::{Curve, Mask, Pointwise};
use crate::rows::{Lines, places};
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
/// backward pass computes it again from those. Of processes that train on one batch all have the
/// same mask: see [`dropout_of_rows`] for the values of their rows.
pub fn dropout<const D: usize>(layer: &Dropout, input: Tensor<D>) -> Tensor<D> {
    match native_mask(layer, &input) {
        #[cfg(feature = "native-cpu")]
        Some(mask) => Tensor::from_dispatch(run(Pointwise::Mask(mask), [input.into_dispatch()])),
        _ => layer.forward(input),
    }
}

/// [`dropout`] of values that belong to rows of a batch: what is dropped of a row depends on its
/// place in the whole batch, whichever [rows](crate::rows) this process has.
///
/// On GPUs it depends on the number of time steps too.
pub fn dropout_of_rows<const D: usize>(layer: &Dropout, input: Tensor<D>, lines: Lines) -> Tensor<D> {
    if layer.prob == 0.0 || !layer.training.is_enabled() || !input.device().is_autodiff() {
        return layer.forward(input);
    }
    let dims = input.dims();
    let (width, count) = (dims[D - 1], dims[..D - 1].iter().product());
    let Some((numbers, all)) = lines.numbers(count) else { return dropout(layer, input) };
    assert!(numbers.len() == count, "{} numbers of {count} lines", numbers.len());
    match native_mask(layer, &input) {
        #[cfg(feature = "native-cpu")]
        Some(mask) => {
            let mask = mask.of_lines(numbers.into(), width);
            Tensor::from_dispatch(run(Pointwise::Mask(mask), [input.into_dispatch()]))
        }
        _ => {
            let kept = Distribution::Bernoulli(1.0 - layer.prob);
            let device = input.device();
            let mask = Tensor::<2>::random([all, width], kept, &device).select(0, places(numbers, &device));
            input * mask.reshape(dims) / (1.0 - layer.prob)
        }
    }
}

/// The native code's mask; none without native code, or where nothing is dropped.
#[cfg(feature = "native-cpu")]
fn native_mask<const D: usize>(layer: &Dropout, input: &Tensor<D>) -> Option<Mask> {
    let drops = layer.prob > 0.0 && layer.training.is_enabled() && input.device().is_autodiff();
    (drops && is_native_on_cpu(input)).then(|| {
        let drawn = Tensor::<1>::random([2], Distribution::Default, &input.device().inner());
        let drawn: Vec<f32> = drawn.into_data().iter().collect();
        Mask::new([drawn[0], drawn[1]], layer.prob)
    })
}

#[cfg(not(feature = "native-cpu"))]
fn native_mask<const D: usize>(_: &Dropout, _: &Tensor<D>) -> Option<std::convert::Infallible> {
    None
}

#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
