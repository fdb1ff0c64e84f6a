//! Single steps on a CPU, as in sampling and search: the weights are packed once, and a step is a
//! few products over slices, without tensors.
//!
//! - [`PackedLinear`]: the layers around a recurrence.
//! - [`CellStepper`]: the recurrence of a layer; the caller owns the state.
//! - [`attend`], [`tanh`]: attention and its output.
//! - [`log_sum_exp`]: the normaliser of a softmax.
//!
//! All take any number of rows side by side. Weights are packed for one row or for several,
//! [`Rows`]; both give the same values.
//!
//! Layers and recurrences can be built from tensors that [`can_pack`] accepts; for others their constructors return
//! `None`. A step reads the weights once: `4 G H` bytes for a cell.

mod attention;
mod cell;
mod linear;
mod normalise;

#[cfg(all(test, feature = "flex"))]
mod tests;

pub use attention::{attend, tanh};
pub use cell::{Cell, CellStepper};
pub use linear::{PackedLinear, Rows};
pub use normalise::log_sum_exp;

use burn::tensor::Tensor;

use crate::device::is_native;

/// Whether steps support weights like this one: `f32`, on a backend that this crate has code for. Those of a GPU are
/// read back, since a step is too short for one.
pub fn can_pack<const D: usize>(weight: &Tensor<D>) -> bool {
    is_native(weight)
}

/// The elements in row-major order, if native code supports the tensor.
fn elements<const D: usize>(tensor: Tensor<D>) -> Option<Vec<f32>> {
    if !can_pack(&tensor) {
        return None;
    }
    Some(tensor.into_data().try_into_vec().expect("native code runs tensors of f32"))
}

/// `bias` `[N]`, or zeros if there is none; `None` if native code does not support it.
///
/// # Panics
/// If the bias does not have `count` elements.
fn bias_of(name: &str, bias: Option<Tensor<1>>, count: usize) -> Option<Vec<f32>> {
    let bias = match bias {
        Some(bias) => elements(bias)?,
        None => vec![0.0; count],
    };
    assert_eq!(bias.len(), count, "`{name}` must have the shape [{count}], a number for each output");
    Some(bias)
}
