//! The order of elements in memory: views made contiguous, and tensors joined.
//!
//! A transposed or permuted tensor is a view in Burn, which most operations read slowly or copy first. For `f32` on a
//! CPU the copies here are blocked and run on all threads; everywhere else they are Burn's own.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::tensor::Tensor;

#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// The same tensor, with its elements in row-major order where native code runs.
pub fn contiguous<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&input) {
        return Tensor::from_dispatch(run(cpu::Contiguous, [input.into_dispatch()]));
    }
    input
}

/// The `inputs` one after the other along the dimension `axis`, in which alone their sizes may differ.
///
/// # Panics
/// If the shapes do not fit, or `axis` is not below `D`.
pub fn concatenate<const D: usize, const N: usize>(inputs: [Tensor<D>; N], axis: usize) -> Tensor<D> {
    #[cfg(feature = "native-cpu")]
    if inputs.iter().all(is_native_on_cpu) && cpu::fit(inputs.each_ref().map(Tensor::dims), axis) {
        return Tensor::from_dispatch(run(cpu::Concatenate { axis }, inputs.map(Tensor::into_dispatch)));
    }
    // Burn's own refuses what does not fit.
    Tensor::cat(inputs.into(), axis)
}
