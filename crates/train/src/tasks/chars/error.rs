//! What can go wrong with a run of `chars`.

/// What can go wrong with a run of `chars`, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CharsError {
    /// No text is named, as in a run whose weights come from elsewhere.
    #[error(
        "there is no text: give one with --data. An imported run has none of its own: evaluate it with `eval --data`, train \
         it with `train chars --data PATH --init-from`"
    )]
    NoText,
    /// A split that is too short to predict anything.
    #[error("the split has fewer than two tokens: there is nothing to predict")]
    TooShort,
    /// A split that is shorter than a window.
    #[error("the split is shorter than a window: give a smaller --sequence-length")]
    ShorterThanWindow,
    /// A text to continue with a token that is not in the vocabulary.
    #[error("--prime: the vocabulary has no such token")]
    Prime(#[source] rekindle_data::UnknownSymbol),
}
