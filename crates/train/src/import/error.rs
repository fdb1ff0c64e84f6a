//! Errors of importing a file of weights.

use std::path::PathBuf;

use rekindle_data::counted;
use rekindle_weights::ShapeError;

/// Why a file of weights is not a model of a task, with the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// An error in this file.
    #[error("cannot import {}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<Self>,
    },
    /// The export has graphs in place of weights.
    #[error(
        "{}: an export of ONNX graphs, which are not imported; export the run's weights: --format safetensors",
        path.display()
    )]
    Graphs {
        /// Its description.
        path: PathBuf,
    },
    /// The tensors are not those of such a model.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The file has no vocabulary of the right size.
    #[error(
        "the model has {}, and neither the file has a table of as many{} nor is there a vocabulary beside it; give one \
         with --{option} FILE",
        counted(*wanted, what),
        list(tables)
    )]
    NoVocabulary {
        /// Vocabulary size of the model.
        wanted: usize,
        /// The candidate tables, with their sizes.
        tables: Vec<(String, usize)>,
        /// The option that gives it.
        option: &'static str,
        /// What its tokens are, in the plural.
        what: &'static str,
    },
    /// The file has several vocabularies of the right size.
    #[error("{one} and {other} both have as many {what} as the model; give the right one with --{option} FILE")]
    SeveralVocabularies {
        /// One of them.
        one: String,
        /// Another.
        other: String,
        /// The option that gives one.
        option: &'static str,
        /// What its tokens are, in the plural.
        what: &'static str,
    },
    /// The given vocabulary does not have the model's size.
    #[error("the model has {}, the vocabulary {found}", counted(*wanted, what))]
    VocabularySize {
        /// Vocabulary size of the model.
        wanted: usize,
        /// Size of the given vocabulary.
        found: usize,
        /// What its tokens are, in the plural.
        what: &'static str,
    },
    /// The number of labels is not that of the classes.
    #[error("--labels: the model has {}, and there are {found} labels", counted(*wanted, "classes"))]
    Labels {
        /// Classes of the model.
        wanted: usize,
        /// Labels.
        found: usize,
    },
    /// Two classes have the same label.
    #[error("--labels: {label:?} is there twice")]
    LabelTwice {
        /// The label.
        label: String,
    },
    /// The model has a form that the task's models do not have.
    #[error("{0}")]
    Unlike(String),
    /// The folder is not an export.
    #[error("{}: a folder without a config.json of `rekindle export`; name the file of weights", path.display())]
    NoExport {
        /// The folder.
        path: PathBuf,
    },
    /// The export of a run of another task.
    #[error(
        "{} is the export of a run of `{found}`: leave --task out, or give --task {found}, not {wanted}",
        path.display()
    )]
    OtherTask {
        /// The file.
        path: PathBuf,
        /// The task of the run.
        found: String,
        /// The task that was asked for.
        wanted: &'static str,
    },
    /// A file of an export is missing.
    #[error("{} is a part of an export, and {name} is not beside it", path.display())]
    NotBeside {
        /// The file of weights.
        path: PathBuf,
        /// The missing file.
        name: String,
    },
}

fn list(tables: &[(String, usize)]) -> String {
    let tables: Vec<_> = tables.iter().map(|(name, size)| format!("{name} has {size}")).collect();
    if tables.is_empty() { String::new() } else { format!(" ({})", tables.join(", ")) }
}
