//! Whole sequences on a GPU: at each step one matrix product and one kernel for all
//! gates of all rows, forward and backward; the gradient of the weights is one product
//! for the whole sequence.
//!
//! A kernel cannot wait for the whole device, so that time passes on the host, which
//! runs ahead of the device and reads nothing back.
//!
//! - [`walks`]: a walk over a sequence, forward and backward; that of all cells with a recurrent
//!   product.
//! - [`cell`]: the kernels of a step, which such a cell writes, forward and backward.
//! - [`walk`]: the sizes of a sequence, the states before and after each step, and the
//!   products and sums that follow the walk backwards.
//! - [`step`]: what a kernel knows of the step it is at.

pub(crate) mod cell;
pub(crate) mod step;
pub(crate) mod walk;
pub(crate) mod walks;

/// Burn's backend for all GPUs, without fusion.
pub(crate) use burn_cubecl::{CubeBackend, tensor::CubeTensor};
