//! `chars`: a language model over characters, bytes, words or pieces of words.
//!
//! The text is cut into `B` streams that are read side by side, `T` tokens a step; the hidden state is carried from
//! step to step along each stream and is zero at the start of an epoch. The loss is the mean cross-entropy of the next
//! token in nats.

mod dynamic;
mod error;
mod evaluation;
mod import;
mod operations;
mod playground;
mod settings;
mod task;
mod writing;

pub use error::CharsError;
pub use import::{ImportOptions, ImportedChars};
pub use operations::{EvalOptions, SampleOptions, WritingSettings};
pub use playground::PlayOptions;
pub use settings::{CharsSettings, SampleSettings, TextFormat, TextSettings};
pub use task::CharsTask;
