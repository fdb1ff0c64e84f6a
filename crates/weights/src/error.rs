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
    /// The file is of none of the known formats.
    #[error("{}: neither a zip nor a pickle of PyTorch: save it with torch.save", path.display())]
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
