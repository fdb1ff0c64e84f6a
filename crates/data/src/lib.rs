//! Data for sequence models: vocabularies, loaders, batching, built-in sets and a download catalogue.
//!
//! The crate does not depend on models or tensors: its output is plain numbers. A module for each domain has the
//! formats of that domain only; the rest is shared.
//!
//! | part | purpose |
//! |---|---|
//! | [`TextSource`], [`Corpus`] | open a text of any size, memory-mapped, with located errors |
//! | [`Unit`], [`Vocabulary`], [`Decoder`] | map characters, bytes, pieces of words or words to ids and back |
//! | [`Streams`] | batches for stateful training |
//! | [`frames`] | clips: folders of images, NumPy arrays, CSV tables; labels; batches of chunks, read ahead |
//! | [`images`] | MNIST's idx files, folders of images, generated strokes and shapes; binarisation |
//! | [`labelled`] | labelled texts: tables, folders, lines; words; batches of similar lengths |
//! | [`parallel`] | sentence pairs in two languages: files, words, batches of similar lengths |
//! | [`captions`] | images with captions: COCO, Karpathy's splits, Flickr8k, generated shapes; decoding ahead |
//! | [`outputs`] | what a system wrote beside its references: lines, COCO's results and annotations |
//! | [`rows`] | files of rows of numbers, computed once: image features |
//! | [`files`] | opening files: gzip, encodings, byte-order marks, limits |
//! | [`Split`], [`Part`] | train, validation and test |
//! | [`batches`] | batches of items of similar lengths |
//! | [`builtin`] | texts included in the program, and the list of all built-in sets |
//! | [`counted`] | a count with its noun: `1 token`, `2 tokens` |
//! | [`DataError`] | an error, with its file and line |
//! | [`catalogue`], [`download`] | downloading and verifying public data sets |
//!
//! ```
//! use rekindle_data::{Corpus, Split, Streams, TextSource, Unit, Vocabulary, VocabularyConfig};
//!
//! let corpus = Corpus::open(&TextSource::parse("builtin:source")?, Unit::Char)?;
//! let vocabulary = Vocabulary::from_corpus(&corpus, &VocabularyConfig::default())?;
//! let split = Split::by_fractions(&corpus, [0.9, 0.1, 0.0])?;
//! let mut streams = Streams::new(&corpus, &vocabulary, split.train, 8, 50)?;
//! let batch = streams.batch(0);
//! assert_eq!(batch.inputs.len(), 8 * 50);
//! assert_eq!(vocabulary.decode(&batch.inputs[..50]), corpus.text(0..50));
//! # Ok::<(), rekindle_data::DataError>(())
//! ```
//!
//! The crate has no feature flags. In WebAssembly it has no [`download`].

// `text::file` maps files into memory, which has no safe interface: one block there is allowed.
#![deny(unsafe_code)]

mod alias;
pub mod batches;
pub mod builtin;
mod byte_pairs;
pub mod captions;
pub mod catalogue;
mod counted;
#[cfg(not(target_family = "wasm"))]
pub mod download;
mod error;
pub mod files;
pub mod frames;
pub mod images;
mod json;
pub mod labelled;
mod letters;
mod names;
pub mod outputs;
pub mod parallel;
mod pictures;
pub mod rows;
mod shortened;
mod split;
mod table;
mod text;
mod threads;
mod vocabulary;

pub use counted::counted;
pub use error::{DataError, ErrorKind, Place};
pub use pictures::picture_pixels;
pub use split::{Part, Split};
pub use text::{
    Corpus, Decoder, StreamBatch, Streams, TextSource, Unit, UnknownSymbol, Vocabulary, VocabularyConfig, tokens_of,
};
pub use vocabulary::Rows;
