//! `adding`: the adding problem, the classic test of long-range gradients.
//!
//! A sequence has `T` time steps of two numbers: a value, uniform from 0 to 1, and a mark, 1 at two time steps and 0
//! at the others. One mark is in the first half and one in the second. The model reads the sequence and predicts the
//! sum of the two marked values at its end. Always predicting 1 has a mean squared error of 1/6; a lower error takes a
//! memory that lasts from the first mark to the end, and a gradient that reaches back as far.
//!
//! Hochreiter and Schmidhuber 1997, "Long short-term memory", section 5.4. Their values are between -1 and 1 and their
//! targets between 0 and 1; values and marks as here are from Martens and Sutskever 2011 and Le, Jaitly and Hinton
//! 2015 (arXiv 1504.00941), section 4.1.

mod import;
mod model;
mod operations;
mod sequences;
mod settings;
mod task;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;

pub use model::AddingModel;
pub use import::ImportOptions;
pub use operations::{EvalOptions, PredictOptions};
pub use sequences::Sequences;
pub use settings::{AddingSettings, SequenceSettings};
pub use task::AddingTask;
