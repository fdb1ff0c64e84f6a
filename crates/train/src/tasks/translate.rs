//! `translate`: from a sentence in one language to a sentence in another.
//!
//! Batches are sentences of like lengths, in an order that depends on the seed and the epoch only. The loss is the mean
//! cross-entropy of the next target token in nats. Evaluations translate freely, as for a user: BLEU is never that
//! of a model that is given the beginning of the right translation.

mod error;
mod evaluation;
mod languages;
mod operations;
mod settings;
mod task;

pub use error::TranslateError;
pub use evaluation::evaluate;
pub use rekindle_data::parallel::{Language, Languages};
pub use operations::{Alignment, EvalOptions, PredictOptions};
pub use settings::{PairSettings, TranslateSettings};
pub use task::TranslateTask;
