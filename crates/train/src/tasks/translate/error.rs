//! What can go wrong with a run of `translate`.

use rekindle_data::counted;

/// What can go wrong with a run of `translate`, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// Data without a pair to train or to evaluate on.
    #[error("{data}: there is no pair of sentences in it")]
    NoPairs {
        /// The data.
        data: String,
    },
    /// Sentences over the greatest length, with `--strict`.
    #[error(
        "sentences of more than {} in {}: raise --max-length, or leave out --strict",
        counted(*longest, "tokens"),
        counted(*count, "pairs")
    )]
    TooLong {
        /// How many pairs.
        count: usize,
        /// The greatest length.
        longest: usize,
    },
    /// A run to start from whose model is another.
    #[error(
        "--init-from: the run has other vocabularies or other model settings; give the same data and model settings"
    )]
    OtherModel,
    /// Attention weights of no sentence.
    #[error("--attention: there is no sentence to draw: every input is empty")]
    NoSentence,
}
