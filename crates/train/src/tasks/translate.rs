//! `translate`: translates sentences from one language to another.
//!
//! Batches have sentences of similar lengths, in an order that depends on the seed and the epoch only. The loss is the
//! mean cross-entropy of the next target token in nats. Evaluations generate translations as for a user: BLEU never
//! uses teacher forcing.

mod error;
mod evaluation;
mod import;
mod languages;
mod operations;
mod pretraining;
mod settings;
mod task;

pub use error::TranslateError;
pub use evaluation::evaluate;
pub use rekindle_data::parallel::{Language, Languages};
pub use import::ImportOptions;
pub use operations::{Alignment, EvalOptions, PredictOptions, SentenceTranslator};
pub use settings::{PairSettings, TranslateSettings};
pub use task::TranslateTask;
