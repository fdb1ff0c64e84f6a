//! What can go wrong with a run of `sentiment`.

/// What can go wrong with a run of `sentiment`, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SentimentError {
    /// The test split, which there is none of.
    #[error("--split test: a run of `sentiment` has no test split; evaluate on other texts with --data")]
    NoTestSplit,
    /// Options of other texts, without other texts.
    #[error("--text-column, --label-column and --encoding: use them with --data")]
    WithoutData,
}
