//! What can go wrong with a run of `sentiment`.

/// What can go wrong with a run of `sentiment`, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SentimentError {
    /// Options of other texts, without other texts.
    #[error("--text-column, --label-column, --alias and --encoding: use them with --data")]
    WithoutData,
}
