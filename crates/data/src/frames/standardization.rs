//! Standardising features to mean 0 and deviation 1.

use serde::{Deserialize, Serialize};

/// The mean and the standard deviation of each feature over the training frames:
///
/// ```text
/// x' = (x - mean) / deviation
/// ```
///
/// A feature that is constant in training becomes 0, even where it changes later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardization {
    /// `[F]`.
    pub mean: Vec<f32>,
    /// `[F]`, with 0 for a constant feature.
    pub deviation: Vec<f32>,
}

/// A deviation below this share of the largest absolute value is rounding error: the feature is constant.
pub(super) const CONSTANT: f64 = 1e-6;

impl Standardization {
    /// Fits mean and deviation to frames of `width` features, `[T, F]` each.
    pub fn fit<'a>(clips: impl Iterator<Item = &'a [f32]> + Clone, width: usize) -> Self {
        let frames = || clips.clone().flat_map(|values| values.chunks_exact(width));
        let count = frames().count().max(1) as f64;
        let mut mean = vec![0.0_f64; width];
        let mut largest = vec![0.0_f64; width];
        for frame in frames() {
            for ((mean, largest), &x) in mean.iter_mut().zip(&mut largest).zip(frame) {
                *mean += f64::from(x) / count;
                *largest = largest.max(f64::from(x).abs());
            }
        }
        let mut variance = vec![0.0_f64; width];
        for frame in frames() {
            for ((variance, mean), &x) in variance.iter_mut().zip(&mean).zip(frame) {
                *variance += (f64::from(x) - mean).powi(2) / count;
            }
        }
        let deviation = variance.iter().zip(largest).map(|(variance, largest)| {
            let deviation = variance.sqrt();
            if deviation > CONSTANT * largest { deviation as f32 } else { 0.0 }
        });
        Self { deviation: deviation.collect(), mean: mean.into_iter().map(|mean| mean as f32).collect() }
    }

    /// Standardises frames `[T, F]` in place.
    pub fn apply(&self, values: &mut [f32]) {
        for frame in values.chunks_exact_mut(self.mean.len().max(1)) {
            for ((x, mean), &deviation) in frame.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *x = if deviation > 0.0 { (*x - mean) / deviation } else { 0.0 };
            }
        }
    }
}
