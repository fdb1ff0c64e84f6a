//! Labelled texts: a class for each text.
//!
//! A [`LabelledSource`] is a table (CSV, TSV, JSON Lines), a folder with a sub-folder of texts for each class, a file of
//! lines for each class, or the built-in set. [`words`] cuts a text, [`WordVocabulary`] numbers its words, and [`Buckets`]
//! makes batches of texts of like lengths. Texts are kept in memory.
//!
//! ```
//! use rekindle_data::labelled::{Buckets, LabelledSource, TextReader, WordConfig, WordVocabulary};
//!
//! let texts = LabelledSource::parse("builtin:reviews")?.read(&TextReader::default())?;
//! let (train, validation) = texts.hold_out(0.1, 1)?;
//! let vocabulary = WordVocabulary::build(&train, &WordConfig::default())?;
//! let encoded = vocabulary.encode_all(&validation, 50)?;
//! let buckets = Buckets::new(encoded.lengths(), 8, 1);
//! let first = buckets.epoch(0).batch(0).to_vec();
//! assert_eq!(first.len(), 8);
//! # Ok::<(), rekindle_data::Error>(())
//! ```

mod buckets;
mod embeddings;
mod encoding;
mod error;
mod folder;
mod json_lines;
mod line_files;
mod reviews;
mod set;
mod source;
mod table;
mod vocabulary;
mod words;

#[cfg(test)]
mod tests;

pub use buckets::{BucketEpoch, Buckets};
pub use embeddings::WordVectors;
pub use encoding::Encoding;
pub use error::LabelledError;
pub use reviews::Reviews;
pub use set::{LabelledText, LabelledTexts};
pub use source::{LabelledSource, TextReader};
pub use vocabulary::{EncodedTexts, WordConfig, WordVocabulary};
pub use words::{Word, words};
