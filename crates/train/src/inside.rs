//! Looking inside a trained model, as plain data: what its units do while it reads, and how far gradients reach.
//!
//! * [`Activations`]: hidden and cell states at every time step, how often gates are saturated, and the [`Feature`]s of
//!   what was read.
//! * [`Ranking`]: the best unit for each feature, and the best feature of each unit.
//! * [`GradientFlow`]: the norm of `∂L_T/∂h_t` by distance, and the [`spectrum`] of the recurrent weights.
//!
//! A task declares what can be seen of its models in [`Operations`](crate::operation::Operations); the drawings are in
//! `rekindle-view`.

mod activations;
pub mod features;
mod gradient_flow;
mod ranking;
pub mod spectrum;

pub(crate) use activations::series_name;
pub use activations::{Activations, Recorder, Saturation, Series};
pub use features::{Feature, Kind};
pub use gradient_flow::{Flow, GradientFlow, Reach, SEQUENCES, Weights, half_life, recurrent_weights, windows};
pub use ranking::{BestFeature, FeatureRanking, Ranking, Score, UnitScore};
