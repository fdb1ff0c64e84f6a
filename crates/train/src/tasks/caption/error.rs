//! Errors of a run of `caption`.

use std::path::PathBuf;

use rekindle_data::DataError;
use rekindle_models::TransferError;
use rekindle_weights::WeightError;

/// An error of a run of `caption`, with its remedy.
#[derive(Debug, thiserror::Error)]
pub enum CaptionError {
    /// No caption has a word.
    #[error("{data}: there is no caption with a word to train on")]
    NoCaptions {
        /// The data as given.
        data: String,
    },
    /// Self-critical training of a model that has learnt nothing.
    #[error(
        "--self-critical: begin with a trained run, given as --init-from RUN: captions of an untrained model earn nothing"
    )]
    Untrained,
    /// The source run has another vocabulary.
    #[error(
        "--init-from: the run has another vocabulary: give the same data, --max-length, --min-count and \
         --max-vocabulary"
    )]
    OtherVocabulary,
    /// The model of the source run has another shape.
    #[error("--init-from: the run has a model of another shape")]
    OtherModel(#[source] TransferError),
    /// The weights do not fit the image encoder.
    #[error("--encoder-weights {}", path.display())]
    EncoderWeights {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: WeightError,
    },
    /// The training captions cannot be read.
    #[error("--consensus reads the captions that the run was trained on, those of {data}")]
    NoFrequencies {
        /// The data of the run.
        data: String,
        /// The cause.
        source: DataError,
    },
    /// A run with a frozen image encoder lacks its weights.
    #[error("the run has no encoder.safetensors, the weights of its image encoder")]
    NoEncoder,
}
