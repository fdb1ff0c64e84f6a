//! Whole sequences on a GPU: where the device allows it in one launch, forward and backward, else
//! with one matrix product and one kernel at each step. The gradient of the weights is one product
//! for the whole sequence.
//!
//! A kernel cannot synchronise the whole device. Either each workgroup takes its own rows through all
//! time steps, or the loop over time is on the host, which runs ahead of the device and reads
//! nothing back.
//!
//! - [`walks`]: the forward and backward passes over a sequence, and those of all cells with a
//!   recurrent product.
//! - [`plan`]: whether a sequence runs in one launch, and how its kernels share the work.
//! - [`sequence`]: the kernels of a whole sequence.
//! - [`step`]: the kernels of one step, between two matrix products.
//! - [`unit`]: what both do for a unit of a row at a time step.
//! - [`cell`]: the mathematics of a cell.
//! - [`walk`]: the sizes of a sequence, the states before and after each step, and the products and
//!   sums after the backward pass.

pub(crate) mod cell;
pub(crate) mod plan;
mod sequence;
mod step;
mod unit;
pub(crate) mod walk;
pub(crate) mod walks;

/// Burn's backend for all GPUs, without fusion.
pub(crate) use burn_cubecl::{CubeBackend, tensor::CubeTensor};
