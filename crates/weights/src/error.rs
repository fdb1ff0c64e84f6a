//! Errors of weight files.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use crate::report::LoadReport;

/// An error of a weight file, with its remedy.
#[derive(Debug, thiserror::Error)]
pub enum WeightError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
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
    /// The file has no known format.
    #[error("{}: neither a PyTorch nor a safetensors file: save it with torch.save or safetensors", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The file does not follow its format.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The file has no tensor.
    #[error("{}: no supported tensor: save model.state_dict(){}", path.display(), list(unread))]
    NoTensors {
        /// The file.
        path: PathBuf,
        /// Unsupported tensors, each with the reason.
        unread: Vec<String>,
    },
    /// A value that JSON cannot represent.
    #[error("{name} has values that are not finite, which JSON cannot represent: write safetensors")]
    NotANumber {
        /// The tensor.
        name: String,
    },
    /// The weights do not match the module's parameters.
    #[error("the weights do not fit the model: {report}")]
    DoesNotFit {
        /// The names that match and those that do not.
        report: Box<LoadReport>,
    },
    /// A name to be changed does not exist.
    #[error("no tensor is named {name} or {name}.*; there are:{}", list(there))]
    NoSuchName {
        /// The name.
        name: String,
        /// The names that exist.
        there: Vec<String>,
    },
    /// Two tensors get the same name.
    #[error("two tensors would be named {name}: rename one of them")]
    NameTwice {
        /// The name.
        name: String,
    },
}

/// The first twenty names, one per line.
fn list(names: &[String]) -> String {
    first(20, names.iter())
}

/// The first `most` of some lines, each after a line break, and the number of remaining lines.
pub(crate) fn first<L: Display>(most: usize, mut lines: impl ExactSizeIterator<Item = L>) -> String {
    let shown: String = lines.by_ref().take(most).map(|line| format!("\n  {line}")).collect();
    if lines.len() > 0 { format!("{shown}\n  and {} more", lines.len()) } else { shown }
}
