//! Errors of benchmarks.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use burn::backend::ExecutionError;
use rekindle_models::decode::DecodeError;

/// An error of any type, for instance the caller's.
pub type Failure = Box<dyn Error + Send + Sync>;

/// An error of a benchmark.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A text that is not the name of a shape.
    #[error("{text}: invalid shape: {reason}")]
    NoShape {
        /// The text.
        text: String,
        /// The reason.
        reason: String,
    },
    /// Python does not start, or cannot import PyTorch.
    #[error("cannot start PyTorch in {}", program.display())]
    NoPyTorch {
        /// The Python executable.
        program: PathBuf,
        /// The cause.
        source: Failure,
    },
    /// Communication with PyTorch's process failed.
    #[error("PyTorch's process has stopped")]
    PyTorchStopped(#[source] io::Error),
    /// PyTorch's process wrote something other than an answer. Its own messages are on standard
    /// error.
    #[error("asked for {wanted}, PyTorch's process answered {line:?}")]
    Answer {
        /// The expected answer.
        wanted: String,
        /// The line that it wrote.
        line: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// The device failed.
    #[error("the device failed")]
    Device(#[from] ExecutionError),
    /// Decoding with the translator failed.
    #[error("cannot decode")]
    Decode(#[from] DecodeError),
    /// The memory of Rekindle could not be measured: the restarted program did not print it.
    #[error("cannot measure the memory of {shape}")]
    Memory {
        /// The name of the shape.
        shape: String,
        /// The cause.
        source: Failure,
    },
    /// There is no device.
    #[error("no compiled backend has a device on this machine; build with `--features flex`")]
    NoDevice,
    /// A task of the caller failed.
    #[error("cannot time the task {task} on {backend}")]
    Task {
        /// The name of the task.
        task: &'static str,
        /// The name of the backend.
        backend: &'static str,
        /// The task's error.
        source: Failure,
    },
}
