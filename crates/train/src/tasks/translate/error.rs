//! Errors of a run of `translate`.

use rekindle_data::counted;
use rekindle_models::TransferError;

/// An error of a run of `translate`, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// Data without a sentence pair to train or to evaluate on.
    #[error("{data}: there is no pair of sentences in it")]
    NoPairs {
        /// The data.
        data: String,
    },
    /// Sentences over the maximum length, with `--strict`.
    #[error(
        "sentences of more than {} in {}: raise --max-length, or leave out --strict",
        counted(*longest, "tokens"),
        counted(*count, "pairs")
    )]
    TooLong {
        /// Number of pairs.
        count: usize,
        /// The maximum length.
        longest: usize,
    },
    /// The source run has other vocabularies.
    #[error("--init-from: the run has other vocabularies: give the same data")]
    OtherVocabularies,
    /// The model of the source run has another shape.
    #[error("--init-from: the run has a model of another shape")]
    OtherModel(#[source] TransferError),
    /// Attention weights without a sentence.
    #[error("--attention: there is no sentence to draw: every input is empty")]
    NoSentence,
}
