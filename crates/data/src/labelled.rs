//! Labelled texts: texts with a class each.
//!
//! A [`LabelledSource`] is a table (CSV, TSV, JSON Lines), a folder with a sub-folder of texts for each class, a file
//! of lines for each class, or the built-in data set. [`words`] splits a text into words, [`TextVocabulary`] numbers
//! them, and [`Buckets`] makes batches of texts of similar lengths. Texts are kept in memory.
//!
//! ```
//! use rekindle_data::labelled::{Buckets, LabelledSource, TextReader, TextVocabulary, WordConfig};
//!
//! let texts = LabelledSource::parse("builtin:reviews")?.read(&TextReader::default())?;
//! let (train, validation) = texts.hold_out(0.1, 1)?;
//! let vocabulary = TextVocabulary::build(&train, &WordConfig::default())?;
//! let encoded = vocabulary.encode_all(&validation, 50)?;
//! let buckets = Buckets::pooled(encoded.lengths(), 8, 1);
//! let first = &buckets.epoch(0)[0];
//! assert_eq!(first.len(), 8);
//! # Ok::<(), rekindle_data::DataError>(())
//! ```

mod embeddings;
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

pub use embeddings::WordVectors;
pub use reviews::Reviews;
pub use set::{LabelledText, LabelledTexts};
pub use source::{LabelledSource, TextReader};
pub use vocabulary::{EncodedTexts, TextVocabulary};
pub use words::{Word, words};

pub(crate) use words::line_of;

pub use crate::alias::Alias;
pub use crate::batches::Buckets;
pub use crate::files::Encoding;
pub use crate::vocabulary::WordConfig;
