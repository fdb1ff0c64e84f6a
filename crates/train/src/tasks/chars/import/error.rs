//! Why a file of weights does not make a run.

use std::path::PathBuf;

use rekindle_data::counted;
use rekindle_weights::ShapeError;

/// Why a file of weights does not make a language model, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file that cannot be imported.
    #[error("cannot import {}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<Self>,
    },
    /// The tensors of the file are not those of a language model.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The file has no vocabulary that fits.
    #[error(
        "the model has {}, and the file has no table of as many{}; give one with --vocab FILE",
        counted(*wanted, "symbols"),
        list(tables)
    )]
    NoVocabulary {
        /// The symbols of the model.
        wanted: usize,
        /// The tables that are there, with their sizes.
        tables: Vec<(String, usize)>,
    },
    /// The file has several vocabularies that fit.
    #[error("{one} and {other} both have as many symbols as the model; give the right one with --vocab FILE")]
    SeveralVocabularies {
        /// One of them.
        one: String,
        /// Another.
        other: String,
    },
    /// The vocabulary that was given is not the model's.
    #[error("the model has {}, the vocabulary {found}", counted(*wanted, "symbols"))]
    VocabularySize {
        /// The symbols of the model.
        wanted: usize,
        /// The symbols of the vocabulary.
        found: usize,
    },
}

fn list(tables: &[(String, usize)]) -> String {
    let tables: Vec<_> = tables.iter().map(|(name, size)| format!("{name} has {size}")).collect();
    if tables.is_empty() { String::new() } else { format!(" ({})", tables.join(", ")) }
}
