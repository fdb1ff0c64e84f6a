//! Errors for values from outside the program.

use thiserror::Error;

use crate::{Cell, Scheme};

/// An error of this crate.
///
/// Wrong shapes in a forward pass are programming errors and panic; these errors are for typed
/// names and for data read from a file.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// No cell has this name.
    #[error("there is no cell '{name}'; the cells are {}", Cell::ALL.map(Cell::name).join(", "))]
    UnknownCell {
        /// The name that was given.
        name: String,
    },
    /// No initialisation scheme has this name.
    #[error("there is no initialisation '{name}'; there are {}", Scheme::ALL.map(Scheme::name).join(", "))]
    UnknownScheme {
        /// The name that was given.
        name: String,
    },
    /// Stored state has the wrong number of tensors for its cell.
    #[error("a state of {cell} layers holds a multiple of {per_layer} tensors, but there are {found}")]
    StateCount {
        /// The cell that the state is for.
        cell: Cell,
        /// Number of state tensors per layer of this cell.
        per_layer: usize,
        /// Number of tensors found.
        found: usize,
    },
    /// A stored state tensor is not a `[B, H]` matrix like the others.
    #[error("state tensor {index} has shape {found:?}, but {wanted} is needed")]
    StateShape {
        /// Position of the tensor in the stored list.
        index: usize,
        /// Its shape.
        found: Vec<usize>,
        /// The expected shape.
        wanted: String,
    },
}
