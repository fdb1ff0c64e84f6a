//! Sentence pairs in two languages.
//!
//! | part | purpose |
//! |---|---|
//! | [`PairSource`] | opens the splits of a folder, of two files, of a table or of the built-in dates |
//! | [`Pairs`] | reads two line-aligned files or one table, gzipped or not; or generates dates |
//! | [`SentenceUnit`] | splits a sentence into words or characters, and joins them again |
//! | [`Languages`] | the vocabularies and tokenisation of a model's two languages |
//! | [`Subword`] | learns subword pieces, splits a sentence into them, and joins them again |
//! | [`WordVocabulary`] | maps words to ids and back, with `<START>` and `<END>` |
//! | [`Buckets`] | batches of sentences of similar lengths, in another order each epoch |
//!
//! ```
//! use rekindle_data::parallel::{Buckets, BatchSize, Pairs, SentenceUnit, WordVocabulary};
//!
//! let pairs = Pairs::dates(1000, 1);
//! let words = |text: &String| SentenceUnit::Word.tokens(text, true);
//! let sources: Vec<Vec<String>> = pairs.sources.iter().map(words).collect();
//! let vocabulary = WordVocabulary::new(&sources, 1, None);
//! let numbers: Vec<Vec<u32>> = sources.iter().map(|tokens| vocabulary.encode(tokens)).collect();
//! let lengths: Vec<[usize; 2]> = numbers.iter().map(|numbers| [numbers.len(), 10]).collect();
//! let buckets = Buckets::sorted(&lengths, BatchSize::Sentences(32), 1);
//! assert_eq!(buckets.len(), 1000_usize.div_ceil(32));
//! assert_eq!(buckets.epoch(0)[3].len(), 32);
//! ```

mod dates;
mod language;
mod pairs;
mod sentence;
mod source;
mod subword;
#[cfg(test)]
mod tests;

pub use language::{Language, LanguageConfig, Languages};
pub use pairs::Pairs;
pub use sentence::SentenceUnit;
pub use source::PairSource;
pub use subword::{Subword, SubwordKind};

pub use crate::batches::{BatchSize, Buckets};
pub use crate::vocabulary::WordVocabulary;
