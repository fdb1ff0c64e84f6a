//! Errors of importing a file of weights.

use std::path::PathBuf;

use rekindle_data::counted;
use rekindle_weights::ShapeError;

/// Why a file of weights is not a language model, with the remedy.
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
    /// The tensors are not those of a language model.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The file has no vocabulary of the right size.
    #[error(
        "the model has {}, and the file has no table of as many{}; give one with --vocab FILE",
        counted(*wanted, "symbols"),
        list(tables)
    )]
    NoVocabulary {
        /// Vocabulary size of the model.
        wanted: usize,
        /// The candidate tables, with their sizes.
        tables: Vec<(String, usize)>,
    },
    /// The file has several vocabularies of the right size.
    #[error("{one} and {other} both have as many symbols as the model; give the right one with --vocab FILE")]
    SeveralVocabularies {
        /// One of them.
        one: String,
        /// Another.
        other: String,
    },
    /// The given vocabulary does not have the model's size.
    #[error("the model has {}, the vocabulary {found}", counted(*wanted, "symbols"))]
    VocabularySize {
        /// Vocabulary size of the model.
        wanted: usize,
        /// Size of the given vocabulary.
        found: usize,
    },
}

fn list(tables: &[(String, usize)]) -> String {
    let tables: Vec<_> = tables.iter().map(|(name, size)| format!("{name} has {size}")).collect();
    if tables.is_empty() { String::new() } else { format!(" ({})", tables.join(", ")) }
}
