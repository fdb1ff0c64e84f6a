//! Texts: units, vocabularies, corpora, splits and batches for stateful training.

mod char_table;
mod corpus;
mod cursor;
mod decoder;
mod file;
mod pieces;
mod scan;
mod scanned;
mod source;
mod streams;
mod symbol;
mod tokenizer;
mod unit;
mod vocabulary;
mod vocabulary_file;

pub use corpus::Corpus;
pub use decoder::Decoder;
pub use source::TextSource;
pub use streams::{StreamBatch, Streams};
pub use unit::Unit;
pub use vocabulary::{UnknownSymbol, Vocabulary, VocabularyConfig};
pub use vocabulary_file::tokens_of;

#[cfg(test)]
mod tests;
