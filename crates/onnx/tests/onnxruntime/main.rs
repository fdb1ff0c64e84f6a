//! Exported graphs give the numbers of the models, in onnxruntime, and pass `onnx.checker`.
//!
//! The tests need Python with `onnx` and `onnxruntime`: `python3`, or what `REKINDLE_PYTHON` names. Without them they
//! are skipped and say so; with `REKINDLE_ONNXRUNTIME=required` they fail.
#![cfg(feature = "flex")]

mod caption;
mod case;
mod chars;
mod draw;
mod frames;
mod sentiment;
mod translate;

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::settings::RecurrentSettings;
use rekindle_rnn::Cell;

/// Sums of some ten products of numbers below 1, in another order than here.
const TOLERANCE: f64 = 1e-5;

fn device() -> Device {
    Device::flex()
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

/// Two layers of 6 units.
fn stack(cell: Cell) -> RecurrentSettings {
    RecurrentSettings { cell, layers: 2, hidden: 6, ..RecurrentSettings::default() }
}
