//! Translation metrics: sacrebleu's corpus BLEU and chrF.
//!
//! Sentences are plain texts, not lists of tokens: tokenisation is part of the metric. Post 2018 ("A call for clarity
//! in reporting BLEU scores", arXiv 1804.08771) explains why.

mod bleu;
mod chrf;
mod tokenization;

pub use bleu::{Bleu, BleuStatistics};
pub use chrf::ChrfStatistics;
pub use tokenization::Tokenization;
