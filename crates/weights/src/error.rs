//! What can be wrong with a file of weights.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use crate::report::LoadReport;

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
    #[error("{}: there is no tensor in it that is read: save model.state_dict(){}", path.display(), list(unread))]
    NoTensors {
        /// The file.
        path: PathBuf,
        /// What is there and is not read, each with the reason.
        unread: Vec<String>,
    },
    /// A value that JSON cannot say.
    #[error("{name} has values that are no numbers, and JSON has no way to say so: write safetensors")]
    NotANumber {
        /// The tensor.
        name: String,
    },
    /// Weights and parameters are not the same.
    #[error("the weights do not fit the model: {report}")]
    DoesNotFit {
        /// Which do and which do not.
        report: Box<LoadReport>,
    },
    /// A name that is to be changed is not there.
    #[error("no tensor is called {name}, or something that begins with {name} and a dot; there are:{}", list(there))]
    NoSuchName {
        /// The name.
        name: String,
        /// Those that are there.
        there: Vec<String>,
    },
    /// Two tensors come to have one name.
    #[error("two tensors would be called {name}: give one of them another name")]
    NameTwice {
        /// The name.
        name: String,
    },
}

/// A name a line, the first twenty.
fn list(names: &[String]) -> String {
    first(20, names.iter())
}

/// The first `most` of some lines, each after a line break, and how many more there are.
pub(crate) fn first<L: Display>(most: usize, mut lines: impl ExactSizeIterator<Item = L>) -> String {
    let shown: String = lines.by_ref().take(most).map(|line| format!("\n  {line}")).collect();
    if lines.len() > 0 { format!("{shown}\n  and {} more", lines.len()) } else { shown }
}
