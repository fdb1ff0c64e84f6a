//! Several models that answer together: their probabilities are averaged.
//!
//! ```text
//! p(y) = 1/M Σ_m p_m(y)
//! ```

#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

use super::search::{Step, StepDecoder, StepRows, log_sum_exp};

/// `ln p`, given the logits of each model, whose last dimension is that of the outcomes. The logits of a single model
/// are returned as they are.
///
/// # Panics
///
/// When there is no model, or the shapes differ.
pub fn mixture<const D: usize>(mut logits: Vec<Tensor<D>>) -> Tensor<D> {
    let last = logits.pop().expect("at least one model");
    if logits.is_empty() {
        return last;
    }
    logits.push(last);
    log_mean_exp(logits.into_iter().map(|logits| log_softmax(logits, D - 1)).collect())
}

/// `ln 1/M Σ_m exp(l_m)` of log-probabilities of one shape; those of a single model are returned as they are.
///
/// # Panics
///
/// When there are none, or the shapes differ.
pub fn log_mean_exp<const D: usize>(mut log_probs: Vec<Tensor<D>>) -> Tensor<D> {
    let first = log_probs.pop().expect("at least one model");
    if log_probs.is_empty() {
        return first;
    }
    let count = (log_probs.len() + 1) as f64;
    let largest = log_probs.iter().fold(first.clone(), |largest, l| largest.max_pair(l.clone()));
    let sum = log_probs.into_iter().fold((first - largest.clone()).exp(), |sum, l| sum + (l - largest.clone()).exp());
    (sum / count).log() + largest
}

/// The same as [`mixture`] for rows of `width` logits on the host, written to `mixed`.
///
/// # Panics
///
/// When there is no model, or the lengths differ.
pub fn mix_rows(logits: &[&[f32]], width: usize, mixed: &mut Vec<f32>) {
    mixed.clear();
    mixed.resize(logits[0].len(), 0.0);
    let share = 1.0 / logits.len() as f32;
    for logits in logits {
        assert!(logits.len() == mixed.len(), "{} and {} logits", logits.len(), mixed.len());
        for (mixed, logits) in mixed.chunks_mut(width).zip(logits.chunks(width)) {
            let sum = log_sum_exp(logits);
            mixed.iter_mut().zip(logits).for_each(|(mixed, logit)| *mixed += share * (logit - sum).exp());
        }
    }
    // The logarithm of the smallest number is far below that of any other, and finite.
    mixed.iter_mut().for_each(|mixed| *mixed = mixed.max(f32::MIN_POSITIVE).ln());
}

/// Decoders of one vocabulary that generate a sequence together.
#[derive(Clone, Copy, Debug)]
pub struct Together<'d, D>(pub &'d [D]);

/// The states of all decoders, and the values of the last step.
#[derive(Clone, Debug)]
pub struct TogetherState<S> {
    states: Vec<S>,
    logits: Vec<f32>,
    attention: Vec<f32>,
}

impl<S> TogetherState<S> {
    /// The states of the decoders, in their order.
    pub fn new(states: Vec<S>) -> Self {
        Self { states, logits: Vec::new(), attention: Vec::new() }
    }
}

impl<D: StepDecoder> StepDecoder for Together<'_, D> {
    type State = TogetherState<D::State>;

    /// The attention weights are the mean of those of the decoders, if all have them and on positions of one number.
    fn step<'s>(&self, symbols: &[u32], state: &'s mut Self::State) -> Step<'s> {
        let TogetherState { states, logits, attention } = state;
        let steps: Vec<Step<'_>> =
            self.0.iter().zip(states).map(|(decoder, state)| decoder.step(symbols, state)).collect();
        let rows = symbols.len();
        let (of_logits, of_attention): (Vec<_>, Vec<_>) =
            steps.into_iter().map(|step| (step.logits, step.attention)).unzip();
        let device = of_logits.iter().chain(of_attention.iter().flatten()).find_map(|found| match found {
            StepRows::Device(tensor) => Some(tensor.device()),
            StepRows::Host(_) => None,
        });
        let of_attention: Option<Vec<_>> = of_attention.into_iter().collect();
        let Some(device) = device else {
            let of_logits: Vec<&[f32]> = of_logits.iter().filter_map(on_host).collect();
            mix_rows(&of_logits, of_logits[0].len() / rows, logits);
            let attention = of_attention.and_then(|all| {
                let all: Vec<&[f32]> = all.iter().filter_map(on_host).collect();
                mean_rows(&all, attention).then_some(StepRows::Host(attention))
            });
            return Step { logits: StepRows::Host(logits), attention };
        };
        let on_device = |found: StepRows<'_>| on_device(found, rows, &device);
        let attention = of_attention.map(|all| all.into_iter().map(on_device).collect::<Vec<_>>());
        let attention = attention.filter(|all| all.iter().all(|weights| weights.dims() == all[0].dims()));
        let attention = attention.map(|all| StepRows::Device(Tensor::stack::<3>(all, 0).mean_dim(0).squeeze_dim(0)));
        Step { logits: StepRows::Device(mixture(of_logits.into_iter().map(on_device).collect())), attention }
    }

    fn select_rows(&self, state: &mut Self::State, rows: &[usize]) {
        self.0.iter().zip(&mut state.states).for_each(|(decoder, state)| decoder.select_rows(state, rows));
    }
}

fn on_host<'s>(found: &'s StepRows<'_>) -> Option<&'s [f32]> {
    match found {
        StepRows::Host(numbers) => Some(numbers),
        StepRows::Device(_) => None,
    }
}

fn on_device(found: StepRows<'_>, rows: usize, device: &Device) -> Tensor<2> {
    match found {
        StepRows::Device(tensor) => tensor,
        StepRows::Host(numbers) => {
            Tensor::from_data(TensorData::new(numbers.to_vec(), [rows, numbers.len() / rows]), device)
        }
    }
}

/// Writes the mean of rows to `mean`; false if their lengths differ.
fn mean_rows(all: &[&[f32]], mean: &mut Vec<f32>) -> bool {
    mean.clear();
    mean.resize(all[0].len(), 0.0);
    let share = 1.0 / all.len() as f32;
    for rows in all {
        if rows.len() != mean.len() {
            return false;
        }
        mean.iter_mut().zip(*rows).for_each(|(mean, weight)| *mean += share * weight);
    }
    true
}
