//! Translation metrics: sacrebleu's corpus BLEU, chrF and TER.
//!
//! Sentences are plain texts, not lists of tokens: tokenisation is part of the metric. Post 2018 ("A call for clarity
//! in reporting BLEU scores", arXiv 1804.08771) explains why.

mod bleu;
mod chrf;
mod signature;
mod ter;
mod tokenization;

pub use bleu::{Bleu, BleuStatistics};
pub use chrf::ChrfStatistics;
pub(crate) use signature::case;
pub use signature::{SACREBLEU, Setup};
pub use ter::TerStatistics;
pub use tokenization::Tokenization;
