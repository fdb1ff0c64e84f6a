//! `sentiment`: a sequence of words in, one label out.
//!
//! Texts of similar lengths are read side by side, each from its beginning to its end. The loss is
//! the mean cross-entropy of their classes in nats; the best checkpoint is the one with the highest
//! accuracy on the validation split.

mod error;
mod evaluation;
mod operations;
mod prediction;
mod settings;
mod task;

pub use error::SentimentError;
pub use evaluation::evaluate;
pub use operations::{EvalOptions, PredictOptions};
pub use prediction::{Explanation, Prediction};
pub use settings::{LabelledSettings, SentimentSettings};
pub use task::SentimentTask;
