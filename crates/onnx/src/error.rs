//! Errors of an export.

use std::io;
use std::path::PathBuf;

use rekindle_models::host::DeviceError;

use crate::Opset;

/// An error of an export.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The operator set is not supported.
    #[error("opset {found}: must be {} to {}", Opset::OLDEST, Opset::NEWEST)]
    Opset {
        /// What was asked for.
        found: String,
    },
    /// A value of a weight is not finite.
    #[error("{name} has values that are not finite: export an earlier checkpoint")]
    NotFinite {
        /// The weight.
        name: String,
    },
    /// The file would be larger than its format allows.
    #[error("the model takes {bytes} bytes, and an ONNX file has at most 2 GiB: export safetensors")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A frame has another number of features than the model reads.
    #[error("{found} means and deviations for {wanted} features")]
    Features {
        /// Features that the model reads.
        wanted: usize,
        /// Those that are standardised.
        found: usize,
    },
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}
