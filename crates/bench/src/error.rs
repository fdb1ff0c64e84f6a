//! What can go wrong.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use burn::backend::ExecutionError;
use rekindle_models::decode::DecodeError;

/// An error of any kind, such as one of the caller's.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What went wrong in a benchmark.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A text that names no shape.
    #[error("{text} is no shape: {reason}")]
    NoShape {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Python does not start, or cannot import PyTorch.
    #[error("cannot start PyTorch in {}", program.display())]
    NoPyTorch {
        /// Python.
        program: PathBuf,
        /// Why not.
        source: Failure,
    },
    /// PyTorch's process does not read or write any more.
    #[error("PyTorch's process has stopped")]
    PyTorchStopped(#[source] io::Error),
    /// PyTorch's process wrote something else than an answer. Its own messages are on standard
    /// error.
    #[error("asked for {wanted}, PyTorch's process answered {line:?}")]
    Answer {
        /// What it was asked for.
        wanted: String,
        /// The line that it wrote.
        line: String,
        /// Why the line is no answer.
        source: serde_json::Error,
    },
    /// The device failed.
    #[error("the device failed")]
    Device(#[from] ExecutionError),
    /// The translator failed at decoding.
    #[error("cannot decode")]
    Decode(#[from] DecodeError),
    /// The memory of Rekindle could not be measured: this program, run again, did not print it.
    #[error("cannot measure the memory of {shape}")]
    Memory {
        /// The name of the shape.
        shape: String,
        /// What went wrong.
        source: Failure,
    },
    /// There is no device to compare.
    #[error("no backend is compiled in that has a device here; build with `--features flex`")]
    NoDevice,
    /// A task of the caller's failed.
    #[error("cannot time the task {task} on {backend}")]
    Task {
        /// The name of the task.
        task: &'static str,
        /// The name of the backend.
        backend: &'static str,
        /// What the task reported.
        source: Failure,
    },
}
