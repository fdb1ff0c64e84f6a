//! The data: series that are the sum of two sine waves and noise.

use std::f32::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// `length` values of a series whose waves have phases drawn from `rng`; `noise` is the largest error of a value.
pub fn series(length: usize, noise: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let phases = [rng.random::<f32>(), rng.random::<f32>()];
    (0..length)
        .map(|time| {
            let wave = |period: f32, phase: f32| (TAU * (time as f32 / period + phase)).sin() / 2.0;
            wave(16.0, phases[0]) + wave(23.0, phases[1]) + noise * (2.0 * rng.random::<f32>() - 1.0)
        })
        .collect()
}
