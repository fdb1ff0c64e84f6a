//! The slice code of the native operations: each thread computes a block of the batch's rows for
//! all steps, without synchronising.
//!
//! - [`walk`]: the forward and backward passes over a sequence.
//! - [`forward`], [`backward`]: these passes for all cells with a recurrent product.
//! - [`cell`]: one step of a row of such a cell, forward and backward.
//! - [`rows`]: the rows that are valid at a step.
//! - [`panels`]: packed weights.
//! - [`once`]: weights that are packed once for all steps of a loop.
//! - [`tiles`], [`row`]: the recurrent product, of many rows and of one.
//! - [`activation`], [`lanes`]: vectorised gates.
//! - [`exponentials`]: those of a softmax.
//! - [`blocks`]: the partition of the batch among threads.
//! - [`source`]: the input of a step.
//! - [`gradients`]: the products and sums after the backward pass.
//! - [`matrix`]: products of whole matrices.
//! - [`outer`]: the gradient of a weight matrix.
//! - [`pool`]: buffers that are reused between training steps.
//! - [`prefetch`]: prefetching memory.
//! - [`tensors`]: slices of the tensors of a CPU backend.
//! - [`operation`]: operations that are not recurrent.

pub(crate) mod activation;
mod backward;
pub(crate) mod blocks;
pub(crate) mod cell;
pub(crate) mod exponentials;
pub(crate) mod forward;
pub(crate) mod gradients;
pub(crate) mod lanes;
pub(crate) mod matrix;
pub(crate) mod once;
pub(crate) mod operation;
pub(crate) mod outer;
pub(crate) mod panels;
pub(crate) mod pool;
mod prefetch;
mod row;
mod rows;
pub(crate) mod source;
pub(crate) mod tensors;
pub(crate) mod tiles;
pub(crate) mod walk;

#[cfg(all(test, feature = "flex"))]
pub(crate) mod testing;
