//! Errors of a run of `sentiment`.

/// An error of a run of `sentiment`, with its remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SentimentError {
    /// Options for other texts, without other texts.
    #[error("--text-column, --label-column, --alias and --encoding: use them with --data")]
    WithoutData,
    /// An explanation of several models.
    #[error("--explain and --html: they explain the answer of one run; leave --with out")]
    ExplainsOne,
    /// Texts without a word.
    #[error("there is no word to read: give texts with --data")]
    NoWords,
}
