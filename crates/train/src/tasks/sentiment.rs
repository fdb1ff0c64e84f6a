//! `sentiment`: predicts one label for a sequence of words.
//!
//! Batches have texts of similar lengths, each read from beginning to end. The loss is the mean cross-entropy of their
//! classes in nats; the best checkpoint has the highest accuracy on the validation split.

mod error;
mod evaluation;
mod import;
mod operations;
mod prediction;
mod pretraining;
mod settings;
mod task;

pub use error::SentimentError;
pub use evaluation::evaluate;
pub use import::ImportOptions;
pub use operations::{EvalOptions, PredictOptions};
pub use prediction::{Explanation, Prediction};
pub use settings::{LabelledSettings, SentimentSettings};
pub use task::SentimentTask;
