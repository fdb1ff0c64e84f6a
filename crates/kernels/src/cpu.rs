//! The slice code behind the native operations: one thread takes a block of the
//! batch's rows and walks all steps without waiting for another.
//!
//! - [`walk`]: a walk over a sequence, forward and backward.
//! - [`forward`], [`backward`]: the walk of all cells with a recurrent product.
//! - [`cell`]: a step of a row, which such a cell writes, forward and backward.
//! - [`rows`]: the rows that take part in a step.
//! - [`panels`]: packed weights.
//! - [`tiles`], [`row`]: the recurrent product, of many rows and of one.
//! - [`activation`], [`lanes`]: vectorised gates.
//! - [`blocks`]: the split of the batch over threads.
//! - [`source`]: where a step's input is read.
//! - [`gradients`]: the products and sums that follow the walk backwards.
//! - [`matrix`]: products of whole matrices.
//! - [`outer`]: the gradient of a weight matrix.
//! - [`pool`]: buffers that live from step to step.
//! - [`prefetch`]: asking for memory ahead of its use.
//! - [`tensors`]: slices of the tensors of a CPU backend.
//! - [`operation`]: other operations than walks.

pub(crate) mod activation;
mod backward;
pub(crate) mod blocks;
pub(crate) mod cell;
mod forward;
pub(crate) mod gradients;
pub(crate) mod lanes;
pub(crate) mod matrix;
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
