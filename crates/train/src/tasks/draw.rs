//! `draw`: DRAW, a recurrent variational auto-encoder that reads and writes an image by a sequence of glimpses.
//!
//! The loss is the bound on the negative log-likelihood of an image in nats: see [`rekindle_models::draw`].

mod error;
mod evaluation;
mod import;
mod operations;
mod settings;
mod task;

pub use error::DrawError;
pub use evaluation::{Evaluation, noise};
pub use import::ImportOptions;
pub use operations::{EvalOptions, PredictOptions, SampleOptions};
pub use settings::{DrawSettings, ImageSettings};
pub use task::DrawTask;
