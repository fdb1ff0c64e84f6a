//! Errors of a run of `chars`.

use crate::operation::NoSplit;

/// An error of a run of `chars`, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CharsError {
    /// No text is given, as in an imported run.
    #[error(
        "there is no text: give one with --data. An imported run has none of its own: evaluate it with `eval --data`, train \
         it with `train chars --data PATH --init-from`"
    )]
    NoText,
    /// Options for other texts, without other texts.
    #[error("--pattern and --text-column: use them with --data")]
    WithoutData,
    /// A split without a token.
    #[error(
        "{0}, or train a run with other shares: --train-share and --validation-share of the text; the rest is the test \
         split"
    )]
    NoSplit(NoSplit),
    /// A text or a split that is too short for a prediction.
    #[error("the text or the split has fewer than two tokens: there is nothing to predict")]
    TooShort,
    /// A text or a split without a token.
    #[error("there is no token to read: give a text with --data")]
    Empty,
    /// A text that is shorter than the distance of `--gradients`.
    #[error("--distance {0}: the text is shorter: give a smaller --distance, or a longer text with --data")]
    ShorterThanDistance(usize),
    /// A split that is shorter than a window.
    #[error("the split is shorter than a window: give a smaller --sequence-length")]
    ShorterThanWindow,
    /// Options that do not go with dynamic evaluation.
    #[error("--dynamic: one model reads the text as one stream; leave --with and --batch-size out")]
    DynamicAlone,
    /// Dynamic evaluation of a model with zoneout.
    #[error("--dynamic: a model with zoneout cannot learn without its random masks; evaluate it without --dynamic")]
    DynamicZoneout,
    /// A prime with a token outside of the vocabulary.
    #[error("--prime: the vocabulary has no such token")]
    Prime(#[source] rekindle_data::UnknownSymbol),
}
