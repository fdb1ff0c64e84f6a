//! Why a file of weights does not make a run.

use std::path::PathBuf;

use rekindle_rnn::Cell;

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
    /// No tensor has the name of a recurrent weight.
    #[error(
        "no tensor has a name that ends in weight_ih_l0, as those of torch.nn.RNN, LSTM and GRU do; tell the names with \
         --key-map OLD=NEW (`rekindle inspect FILE` lists them)"
    )]
    NoRecurrence,
    /// There are several recurrent networks.
    #[error("there are several recurrent networks, {one} and {other}: save the language model by itself")]
    SeveralRecurrences {
        /// The first tensor of one.
        one: String,
        /// The first tensor of another.
        other: String,
    },
    /// A recurrent network that a language model cannot have.
    #[error("{name}: {reason}")]
    Unsupported {
        /// The tensor that shows it.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The rows of a recurrent weight are not those of the cell.
    #[error("{name} is {shape:?}, which is no {}", cell.map_or("known cell".to_owned(), |cell| cell.to_string()))]
    NoCell {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The cell that was asked for.
        cell: Option<Cell>,
    },
    /// A layer beside the recurrent network cannot be told.
    #[error(
        "no tensor has the shape of the {layer}, {wanted}; tell its name with --key-map OLD={layer} (`rekindle inspect FILE` \
         lists them)"
    )]
    NoLayer {
        /// What it is called here.
        layer: &'static str,
        /// What is wanted.
        wanted: String,
    },
    /// Several tensors have the shape of a layer.
    #[error("{one} and {other} both have the shape of the {layer}; tell which it is with --key-map {one}={layer}")]
    SeveralLayers {
        /// What it is called here.
        layer: &'static str,
        /// One of them.
        one: String,
        /// Another.
        other: String,
    },
    /// A weight is infinite or not a number.
    #[error("{name} has values that are no numbers: the model has been spoilt in training")]
    NotFinite {
        /// The tensor.
        name: String,
    },
    /// The file has no vocabulary that fits.
    #[error(
        "the model has {wanted} symbols, and the file has no table of as many{}; give one with --vocab FILE",
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
    #[error("the model has {wanted} symbols, the vocabulary {found}")]
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
