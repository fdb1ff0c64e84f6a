//! What can be wrong with a file of weights.

use std::io;
use std::path::PathBuf;

/// What can be wrong with a file of weights, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum WeightError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The number of values is not that of the shape.
    #[error("a tensor of shape {shape:?} cannot have {values} values")]
    Shape {
        /// The shape.
        shape: Vec<usize>,
        /// The number of values.
        values: usize,
    },
    /// The file is of none of the known formats.
    #[error("{}: no file of PyTorch and no safetensors: save it with torch.save or safetensors", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The file is not as its format wants it.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// There is no tensor in the file.
    #[error("{}: there is no tensor in it: save model.state_dict()", path.display())]
    NoTensors {
        /// The file.
        path: PathBuf,
    },
}
