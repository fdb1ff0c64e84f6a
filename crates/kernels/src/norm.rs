//! The norm of a gradient, for clipping.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::tensor::Tensor;

#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// The sum of the squares of all elements, `[1]`.
///
/// For `f32` on a CPU one pass on all threads, with the same result for any number of them; elsewhere Burn's operations.
pub fn squared_norm<const D: usize>(input: Tensor<D>) -> Tensor<1> {
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&input) {
        return Tensor::from_dispatch(run(cpu::SquaredNorm, [input.into_dispatch()]));
    }
    input.square().sum()
}
