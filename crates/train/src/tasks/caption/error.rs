//! What can go wrong with a run of `caption`.

use std::path::PathBuf;

use rekindle_weights::WeightError;

/// What can go wrong with a run of `caption`, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum CaptionError {
    /// Captions without a word.
    #[error("{data}: there is no caption with a word to train on")]
    NoCaptions {
        /// What was given as data.
        data: String,
    },
    /// The run to start from has another vocabulary.
    #[error("--init-from: the run has another vocabulary: give the same data")]
    OtherVocabulary,
    /// The model of the run to start from has another shape.
    #[error("--init-from: the run has a model of another shape")]
    OtherModel(#[source] WeightError),
    /// The weights of an image encoder are not those of this one.
    #[error("--encoder-weights {}", path.display())]
    EncoderWeights {
        /// The file.
        path: PathBuf,
        /// Why.
        source: WeightError,
    },
    /// A run with a frozen image encoder has no weights of it.
    #[error("the run has no encoder.safetensors, the weights of its image encoder")]
    NoEncoder,
}
