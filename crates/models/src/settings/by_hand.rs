//! The penalties on hidden states, by their definition.

use burn::tensor::{Device, Tensor};

use super::PenaltySettings;

/// Weights of both penalties.
pub(crate) const BOTH: PenaltySettings = PenaltySettings { activation_penalty: 0.7, slowness_penalty: 1.3 };

/// `α mean h_t² + β mean (h_t - h_{t-1})²` over the hidden states of sequences, each time steps of units.
pub(crate) fn penalty(sequences: &[Vec<Vec<f32>>], weights: &PenaltySettings) -> f64 {
    let (mut squares, mut changes) = (Vec::new(), Vec::new());
    for states in sequences {
        squares.extend(states.iter().flatten().map(|&h| f64::from(h).powi(2)));
        for pair in states.windows(2) {
            changes.extend(pair[1].iter().zip(&pair[0]).map(|(now, before)| f64::from(now - before).powi(2)));
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    weights.activation_penalty * mean(&squares) + weights.slowness_penalty * mean(&changes)
}

/// The hidden states `[1, T, H]` of one sequence.
pub(crate) fn states(hidden: Tensor<3>) -> Vec<Vec<f32>> {
    let width = hidden.dims()[2];
    let values: Vec<f32> = hidden.into_data().iter().collect();
    values.chunks(width).map(<[f32]>::to_vec).collect()
}

/// Checks that the loss of the settings with penalties is that of the plain ones and `wanted` in training, up to the
/// rounding of two losses to single precision, and that of the plain ones alone outside of training.
pub(crate) fn check<S>(
    loss: impl Fn(&S, &Device) -> f64,
    [plain, penalized]: [&S; 2],
    device: &Device,
    wanted: f64,
    tolerance: f64,
) {
    let training = device.clone().autodiff();
    let found = loss(penalized, &training) - loss(plain, &training);
    assert!((found - wanted).abs() < tolerance, "{found} for {wanted}");
    assert_eq!(loss(penalized, device), loss(plain, device));
}
