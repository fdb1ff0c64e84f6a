//! `frames`: a label for every frame of a clip, from that frame and those before it.
//!
//! Chunks of clips are read side by side, and the next chunk of a clip starts from the state after
//! the one before it. The loss is the mean cross-entropy of the frames in nats; the best checkpoint
//! is the one with the highest macro F1 on the validation split.

mod error;
mod evaluation;
mod import;
mod operations;
mod prediction;
mod settings;
mod smoothing;
mod task;

pub use error::FramesError;
pub use evaluation::evaluate;
pub use import::ImportOptions;
pub use operations::{EvalOptions, PredictOptions};
pub use prediction::{FramePrediction, Live};
pub use settings::{ClipSettings, FramesSettings};
pub use smoothing::{Smoothed, Smoother, Smoothing, SmoothingSettings};
pub use task::FramesTask;
