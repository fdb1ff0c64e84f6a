//! Whole sequences on a GPU: at each step one matrix product and one kernel for all gates of all
//! rows, forward and backward. The gradient of the weights is one product for the whole sequence.
//!
//! A kernel cannot synchronise the whole device, so the loop over time is on the host, which runs
//! ahead of the device and reads nothing back.
//!
//! - [`walks`]: the forward and backward passes over a sequence, and those of all cells with a
//!   recurrent product.
//! - [`cell`]: the kernels of one step of such a cell, forward and backward.
//! - [`walk`]: the sizes of a sequence, the states before and after each step, and the products and
//!   sums after the backward pass.
//! - [`step`]: a kernel's access to its step.

pub(crate) mod cell;
pub(crate) mod step;
pub(crate) mod walk;
pub(crate) mod walks;

/// Burn's backend for all GPUs, without fusion.
pub(crate) use burn_cubecl::{CubeBackend, tensor::CubeTensor};
