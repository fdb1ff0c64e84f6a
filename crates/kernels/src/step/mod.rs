//! One sequence read step by step on a CPU, as in sampling: the weights are packed once,
//! and a step is a few matrix-vector products over slices, with no tensor and no
//! allocation.
//!
//! - [`CellStepper`]: the recurrence of a layer, with its state.
//! - [`PackedLinear`]: the layers around it.
//! - [`PackedRows`], [`CellRows`], [`attend`], [`tanh`]: the same for several rows side by side, as in a search.
//! - [`log_sum_exp`]: the normaliser of what comes out.
//!
//! Layers and recurrences are made of `f32` tensors of a CPU backend and of no others; their constructors
//! return `None` where the sequence operations would not run native code. A step takes the
//! weights through the caches once: `4 G H` bytes for a cell.

mod cell;
mod linear;
mod normalise;
mod rows;

pub use cell::{Cell, CellStepper};
pub use linear::PackedLinear;
pub use normalise::log_sum_exp;
pub use rows::{CellRows, PackedRows, attend, tanh};

use burn::tensor::Tensor;

use crate::device::is_native;

/// The elements in row-major order, if native code runs tensors like this one.
fn elements<const D: usize>(tensor: Tensor<D>) -> Option<Vec<f32>> {
    if !is_native(&tensor) {
        return None;
    }
    Some(tensor.into_data().try_to_vec().expect("native code runs tensors of f32"))
}
