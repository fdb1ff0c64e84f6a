//! How far gradients reach: the norm of `∂L_T/∂h_t` by the distance `T - t`.
//!
//! `L_T` is the loss at the last time step of a sequence alone. It depends on `h_t` through every step between: in a
//! vanilla network through the product of `T - t` Jacobians, so that its gradient vanishes or explodes (Hochreiter
//! 1991; Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and Bengio 2013, arXiv 1211.5063).

use burn::tensor::{Gradients, Tensor};
use rekindle_models::host::{DeviceError, numbers};
use rekindle_rnn::{Probes, Recurrent};
use serde::Serialize;

use super::activations::layer_name;
use super::spectrum::{largest_singular_value, spectral_radius};

/// Sequences over which norms are averaged.
pub const SEQUENCES: usize = 32;
/// Norms below this share of that at distance 0 do not count for the half-life: they are rounding.
const LEAST: f64 = 1e-6;

/// The gradients of a state of a layer, by distance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reach {
    /// The layer, counted from 0.
    pub layer: usize,
    /// `h` or `c`.
    pub state: &'static str,
    /// The norm of the gradient at distance 0, 1, ..., the mean over the sequences.
    pub norms: Vec<f64>,
    /// Time steps in which the norm halves: see [`half_life`].
    pub half_life: Option<f64>,
}

/// The size of a block of the recurrent weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Weights {
    /// The layer, counted from 0.
    pub layer: usize,
    /// Whether the layer reads in reverse.
    pub reverse: bool,
    /// The letter of the gate or the candidate that the block `[H, H]` of `W_hh` computes.
    pub block: &'static str,
    /// Its largest singular value.
    pub largest_singular_value: f64,
    /// Its spectral radius.
    pub spectral_radius: f64,
}

/// The gradients of a model, and the size of its recurrent weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flow {
    /// The gradients, by layer and state.
    pub reach: Vec<Reach>,
    /// The recurrent weights, by layer and block; none without a recurrent product.
    pub weights: Vec<Weights>,
}

/// The gradient flow of a run: of its model as it starts, and as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientFlow {
    /// The task.
    pub task: &'static str,
    /// The cell, and the settings of the recurrence that matter: `lstm, forget bias 1`.
    pub model: String,
    /// The step of the checkpoint.
    pub step: u64,
    /// The model with weights drawn from the run's seed and settings.
    pub start: Flow,
    /// The model of the checkpoint.
    pub trained: Flow,
}

impl Reach {
    /// The name of the state: `layer 0 h`.
    pub fn name(&self) -> String {
        format!("{} {}", layer_name(self.layer, false), self.state)
    }
}

impl Weights {
    /// The name of the block: `layer 0 f`.
    pub fn name(&self) -> String {
        format!("{} {}", layer_name(self.layer, self.reverse), self.block)
    }
}

impl Flow {
    /// The gradients of `loss` `[1]`, a sum over the rows of the batch of the loss at the last time step, at the probes
    /// of a network. Only forward layers: at the last time step, a layer that reads in reverse has just begun.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn of(network: &Recurrent, probes: &[Probes], loss: &Tensor<1>) -> Result<Self, DeviceError> {
        let gradients = loss.backward();
        let mut reach = Vec::new();
        for probes in probes.iter().filter(|probes| !probes.reverse) {
            for (state, of_state) in [("h", &probes.hidden), ("c", &probes.cell)] {
                if !of_state.is_empty() {
                    let norms = norms(of_state, &gradients)?;
                    let half_life = half_life(&norms);
                    reach.push(Reach { layer: probes.layer, state, norms, half_life });
                }
            }
        }
        Ok(Self { reach, weights: recurrent_weights(network)? })
    }
}

/// The norms of the gradients at the probes, `T` times `[B, H]`, from the last time step to the first: the mean over
/// `B`. They are computed on the host in double precision: a square of a vanished gradient is 0 in single precision.
fn norms(probes: &[Tensor<2>], gradients: &Gradients) -> Result<Vec<f64>, DeviceError> {
    let gradient = |probe: &Tensor<2>| match probe.grad(gradients) {
        Some(gradient) => gradient,
        // The loss does not depend on this state.
        None => probe.zeros_like().inner(),
    };
    let all: Tensor<3> = Tensor::stack(probes.iter().rev().map(gradient).collect(), 0);
    let [time, batch, width] = all.dims();
    let values = numbers(all)?;
    let norm = |row: &[f32]| row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    let mean = |rows: &[f32]| rows.chunks_exact(width).map(norm).sum::<f64>() / batch as f64;
    Ok(values.chunks_exact(batch * width).take(time).map(mean).collect())
}

/// The time steps in which `norms`, by distance, halve: from the slope of the least-squares line through their
/// logarithms, over the distances from 1 on up to where they fall below a millionth of the first. None where they do
/// not fall, or there are fewer than two.
pub fn half_life(norms: &[f64]) -> Option<f64> {
    let least = norms.iter().copied().fold(0.0, f64::max) * LEAST;
    let points: Vec<(f64, f64)> = (1..norms.len())
        .map(|distance| (distance as f64, norms[distance]))
        .take_while(|(_, norm)| *norm > least && norm.is_finite())
        .map(|(distance, norm)| (distance, norm.log2()))
        .collect();
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let products: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let squares: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let slope = products / squares;
    (points.len() > 1 && slope < 0.0).then(|| -1.0 / slope)
}

/// The sizes of the blocks of every layer's recurrent weights.
///
/// # Errors
///
/// When the device fails.
pub fn recurrent_weights(network: &Recurrent) -> Result<Vec<Weights>, DeviceError> {
    let cell = network.cell();
    if !cell.has_recurrent_product() {
        return Ok(Vec::new());
    }
    let width = network.hidden_size();
    let mut found = Vec::new();
    for (layer, level) in network.layers.iter().enumerate() {
        for (reverse, weights) in [(false, Some(&level.forward)), (true, level.reverse.as_ref())] {
            let Some(weights) = weights else { continue };
            let values: Vec<f64> = numbers(weights.matrix("weight_hh"))?.into_iter().map(f64::from).collect();
            for (block, values) in cell.gate_rows().iter().zip(values.chunks_exact(width * width)) {
                found.push(Weights {
                    layer,
                    reverse,
                    block,
                    largest_singular_value: largest_singular_value(values, width),
                    spectral_radius: spectral_radius(values, width),
                });
            }
        }
    }
    Ok(found)
}

/// The starts of at most [`SEQUENCES`] windows of `length` in `total`, evenly spread; none if not even one fits.
pub fn windows(total: usize, length: usize) -> Vec<usize> {
    let Some(last) = total.checked_sub(length) else { return Vec::new() };
    let count = SEQUENCES.min(last + 1);
    (0..count).map(|index| index * last / (count - 1).max(1)).collect()
}

#[cfg(test)]
mod tests;
