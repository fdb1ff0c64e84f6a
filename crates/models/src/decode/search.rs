//! Generating sequences with a conditional model: greedy, beam search and sampling, for several inputs side by side.
//!
//! A model is a [`StepDecoder`]: it reads one token of each of `N` rows and returns the distribution of the next. Beam
//! search keeps the `K` best partial hypotheses of each input in adjacent rows. Finished hypotheses are ranked by
//!
//! ```text
//! score = log p(y) / |y|^α + β Σ_s min(0, ln Σ_t a_ts)
//! ```
//!
//! with the length `|y|` (the end included), the length normalisation `α` and the coverage penalty `β` of Wu et al.
//! 2016 (arXiv 1609.08144); `a_ts` is the attention weight of token `t` on position `s` of the input.

#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;

use std::borrow::Cow;

use burn::tensor::Tensor;
use rekindle_kernels::rows::{self, Lines};
use rekindle_kernels::split_mix;
use serde::{Deserialize, Serialize};

use super::{NothingToDraw, Sampler, Sampling, SamplingError};
use crate::host::{DeviceError, numbers};
use crate::stop::{Stopped, check_stop};

/// A model that generates a token at a time.
pub trait StepDecoder {
    /// The decoder state, with a row for each sequence.
    type State: Clone;

    /// Reads one token per row; returns the distribution of the next.
    fn step<'s>(&self, symbols: &[u32], state: &'s mut Self::State) -> Step<'s>;

    /// Selects these rows of a state, in this order and with repetitions.
    fn select_rows(&self, state: &mut Self::State, rows: &[usize]);
}

/// The result of a step of `N` rows.
#[derive(Clone, Debug)]
pub struct Step<'s> {
    /// Logits of the next token, `[N, V]`: log-probabilities up to a constant of each row.
    pub logits: StepRows<'s>,
    /// Attention weights on the positions of the input, `[N, S]`, 0 at padding; none without attention.
    pub attention: Option<StepRows<'s>>,
}

/// A matrix that a step returns.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there are two for each step, and none is stored")]
pub enum StepRows<'s> {
    /// In the decoder state, row by row.
    Host(&'s [f32]),
    /// On the device.
    Device(Tensor<2>),
}

impl<'s> StepRows<'s> {
    /// The elements in row-major order. Only those on a device are copied.
    ///
    /// # Errors
    ///
    /// When the device has failed.
    pub fn numbers(self) -> Result<Cow<'s, [f32]>, DeviceError> {
        match self {
            Self::Host(numbers) => Ok(Cow::Borrowed(numbers)),
            Self::Device(tensor) => Ok(Cow::Owned(numbers(tensor)?)),
        }
    }
}

/// The special tokens of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbols {
    /// The start token.
    pub start: u32,
    /// The end token.
    pub end: u32,
    /// Tokens that are never generated, for instance padding.
    pub forbidden: Vec<u32>,
}

/// Settings of beam search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Beam width: partial hypotheses kept for each input; 1 is greedy search.
    pub beam: usize,
    /// `α`: 0 ranks by the probability itself, which prefers short sequences; 1 by the mean log-probability.
    pub length_normalization: f64,
    /// `β`: above 0, penalises hypotheses that leave positions of the input uncovered.
    pub coverage: f64,
    /// Minimum number of tokens, without the end.
    pub min_length: usize,
    /// Maximum number of tokens, without the end.
    pub max_length: usize,
    /// No n-gram of this length is generated twice; 0 for no limit.
    pub no_repeat: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self { beam: 1, length_normalization: 1.0, coverage: 0.0, min_length: 0, max_length: 100, no_repeat: 0 }
    }
}

/// An invalid setting of [`Search`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// A beam of 0.
    #[error("beam 0: must be at least 1")]
    Beam,
    /// A maximum length of 0, or below the minimum length.
    #[error("lengths from {min} to {max}: the longest must be at least 1 and no less than the shortest")]
    Lengths {
        /// The minimum length.
        min: usize,
        /// The maximum length.
        max: usize,
    },
    /// A weight that is negative or not a number.
    #[error("{name} {value}: must be a number of at least 0")]
    Weight {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
    },
}

/// Errors of decoding.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A setting of the search is invalid.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A setting of the sampling is invalid.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// The model has no distribution to draw from.
    #[error(transparent)]
    NothingToDraw(#[from] NothingToDraw),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The search was asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Search {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// The first invalid setting.
    pub fn validate(&self) -> Result<(), SearchError> {
        if self.beam == 0 {
            return Err(SearchError::Beam);
        }
        if self.max_length == 0 || self.min_length > self.max_length {
            return Err(SearchError::Lengths { min: self.min_length, max: self.max_length });
        }
        for (name, value) in [("length normalization", self.length_normalization), ("coverage", self.coverage)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(SearchError::Weight { name, value });
            }
        }
        Ok(())
    }
}

/// A generated sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Its tokens, without start and end.
    pub symbols: Vec<u32>,
    /// Its log-probability, the end's included unless the maximum length cut it off.
    pub log_prob: f64,
    /// The score that ranks it.
    pub score: f64,
    /// Whether the model ended it, not the maximum length.
    pub ended: bool,
}

/// A partial hypothesis.
#[derive(Clone, Debug)]
struct Beginning {
    symbols: Vec<u32>,
    log_prob: f64,
    coverage: Vec<f32>,
}

/// The best hypotheses of each input, best first: at least one, at most `beam`.
///
/// `state` has a row for each of the `inputs` inputs. The search of an input ends at the maximum length, or when
/// `beam` hypotheses have ended and no partial hypothesis has a better score so far than the worst of them.
///
/// # Errors
///
/// When a setting is invalid, the device fails, or [`check_stop`] does.
pub fn search<D: StepDecoder>(
    decoder: &D,
    mut state: D::State,
    inputs: usize,
    symbols: &Symbols,
    settings: &Search,
) -> Result<Vec<Vec<Hypothesis>>, DecodeError> {
    settings.validate()?;
    let mut found: Vec<Vec<Hypothesis>> = vec![Vec::new(); inputs];
    // Rows are grouped by input; a finished input has none left.
    let mut rows: Vec<(usize, Beginning)> = (0..inputs)
        .map(|input| (input, Beginning { symbols: Vec::new(), log_prob: 0.0, coverage: Vec::new() }))
        .collect();
    for length in 0..=settings.max_length {
        if rows.is_empty() {
            break;
        }
        check_stop()?;
        let last: Vec<u32> = rows.iter().map(|(_, b)| b.symbols.last().copied().unwrap_or(symbols.start)).collect();
        let step = decoder.step(&last, &mut state);
        let logits = step.logits.numbers()?;
        let width = logits.len() / rows.len();
        if settings.coverage > 0.0
            && let Some(attention) = step.attention
        {
            let attention = attention.numbers()?;
            let positions = attention.len() / rows.len();
            for ((_, row), paid) in rows.iter_mut().zip(attention.chunks(positions)) {
                row.coverage.resize(positions, 0.0);
                row.coverage.iter_mut().zip(paid).for_each(|(sum, paid)| *sum += paid);
            }
        }
        let (mut next, mut origins) = (Vec::new(), Vec::new());
        let mut begin = 0;
        while begin < rows.len() {
            let input = rows[begin].0;
            let count = rows[begin..].iter().take_while(|row| row.0 == input).count();
            let group = begin..begin + count;
            begin += count;
            let mut candidates = Vec::new();
            for row in group {
                let beginning = &rows[row].1;
                let logits = &logits[row * width..][..width];
                best_symbols(beginning, logits, symbols, settings, length, &mut candidates, row);
            }
            // Ties go to the better row and the smaller token.
            candidates.sort_by(|a: &Candidate, b| b.log_prob.total_cmp(&a.log_prob));
            candidates.truncate(settings.beam);
            let mut kept = Vec::new();
            for Candidate { row, symbol, log_prob } in candidates {
                let beginning = &rows[row].1;
                if symbol == Some(symbols.end) || symbol.is_none() {
                    found[input].push(finish(beginning, log_prob, symbol.is_some(), settings));
                } else if let Some(symbol) = symbol {
                    let mut beginning = Beginning { log_prob, ..beginning.clone() };
                    beginning.symbols.push(symbol);
                    kept.push((row, beginning));
                }
            }
            rank(&mut found[input], settings.beam);
            // All have one length, so the most probable, which is the first, has the best score.
            if kept.first().is_some_and(|(_, beginning)| hopeful(beginning, &found[input], settings)) {
                for (row, beginning) in kept {
                    origins.push(row);
                    next.push((input, beginning));
                }
            }
        }
        let unchanged = origins.len() == rows.len() && origins.iter().enumerate().all(|(i, &row)| i == row);
        rows = next;
        if !unchanged && !rows.is_empty() {
            decoder.select_rows(&mut state, &origins);
        }
    }
    Ok(found)
}

/// Keeps the best `beam`, best first.
fn rank(hypotheses: &mut Vec<Hypothesis>, beam: usize) {
    hypotheses.sort_by(|a, b| b.score.total_cmp(&a.score));
    hypotheses.truncate(beam);
}

/// Whether a partial hypothesis may still become one of the best. Sequences that end early are rarely probable:
/// without this test, a beam of improbable short ones would end the search before the most probable one is found.
fn hopeful(beginning: &Beginning, ended: &[Hypothesis], settings: &Search) -> bool {
    // The penalty for missing coverage is not final yet; at best it is 0.
    let score = normalized(beginning.log_prob, beginning.symbols.len(), settings);
    ended.len() < settings.beam || ended.last().is_some_and(|least| score > least.score)
}

/// `log p / |y|^α`.
fn normalized(log_prob: f64, length: usize, settings: &Search) -> f64 {
    log_prob / (length.max(1) as f64).powf(settings.length_normalization)
}

/// A continuation of a row; no token where the maximum length ends a sequence.
struct Candidate {
    row: usize,
    symbol: Option<u32>,
    log_prob: f64,
}

/// Logits compared at once.
const CHUNK: usize = 32;

/// Adds the `beam` most probable continuations of a row.
fn best_symbols(
    beginning: &Beginning,
    logits: &[f32],
    symbols: &Symbols,
    settings: &Search,
    length: usize,
    candidates: &mut Vec<Candidate>,
    row: usize,
) {
    if length == settings.max_length {
        candidates.push(Candidate { row, symbol: None, log_prob: beginning.log_prob });
        return;
    }
    let sum = log_sum_exp(logits);
    let candidate = |symbol: u32, logit: f32| Candidate {
        row,
        symbol: Some(symbol),
        log_prob: beginning.log_prob + f64::from(logit) - f64::from(sum),
    };
    let repeated = repeats(&beginning.symbols, settings.no_repeat);
    let allowed = |symbol: u32| {
        symbol != symbols.start
            && !symbols.forbidden.contains(&symbol)
            && !repeated.contains(&symbol)
            && (symbol != symbols.end || length >= settings.min_length)
    };
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(settings.beam + 1);
    // A logit must exceed this to be kept.
    let mut worst = f32::NEG_INFINITY;
    for (chunk, first) in logits.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
        // Most chunks are skipped by comparing their logits side by side.
        if best.len() == settings.beam && !chunk.iter().fold(false, |any, &logit| any | (logit > worst)) {
            continue;
        }
        for (symbol, &logit) in (first..).zip(chunk) {
            let kept = logit > worst || (best.len() < settings.beam && logit == worst);
            if kept && allowed(symbol) {
                let at = best.partition_point(|other| other.1 >= logit);
                best.insert(at, (symbol, logit));
                best.truncate(settings.beam);
                if best.len() == settings.beam {
                    worst = best[settings.beam - 1].1;
                }
            }
        }
    }
    if best.is_empty() {
        // Every token is excluded: the sequence ends here.
        best.push((symbols.end, logits[symbols.end as usize]));
    }
    candidates.extend(best.into_iter().map(|(symbol, logit)| candidate(symbol, logit)));
}

fn finish(beginning: &Beginning, log_prob: f64, ended: bool, settings: &Search) -> Hypothesis {
    let length = beginning.symbols.len() + usize::from(ended);
    let covered: f64 =
        beginning.coverage.iter().filter(|&&sum| sum > 0.0).map(|&sum| f64::from(sum.min(1.0)).ln()).sum();
    let score = normalized(log_prob, length, settings) + settings.coverage * covered;
    Hypothesis { symbols: beginning.symbols.clone(), log_prob, score, ended }
}

/// The tokens that would complete an n-gram of length `n` for the second time.
fn repeats(symbols: &[u32], n: usize) -> Vec<u32> {
    if n == 0 || symbols.len() < n {
        return Vec::new();
    }
    let tail = &symbols[symbols.len() - (n - 1)..];
    symbols.windows(n).filter(|run| &run[..n - 1] == tail).map(|run| run[n - 1]).collect()
}

/// Samples one sequence for each of `inputs` inputs, token by token.
///
/// # Errors
///
/// When a setting of `sampling` is invalid, the device fails, or [`check_stop`] does.
pub fn sample<D: StepDecoder>(
    decoder: &D,
    mut state: D::State,
    inputs: usize,
    symbols: &Symbols,
    max_length: usize,
    sampling: Sampling,
    seed: u64,
) -> Result<Vec<Hypothesis>, DecodeError> {
    // A sequence's random numbers are its own: they do not depend on when the others end.
    let numbers = rows::numbers(inputs, Lines::TimeMajor { rows: inputs }).into_iter();
    let of_row = |number: u32| Sampler::new(sampling, split_mix::mix(seed.wrapping_add(number.into())));
    let mut samplers = numbers.map(of_row).collect::<Result<Vec<_>, _>>()?;
    let empty = Hypothesis { symbols: Vec::new(), log_prob: 0.0, score: 0.0, ended: false };
    let mut found = vec![empty; inputs];
    // The sequence of each row of the state.
    let mut rows: Vec<usize> = (0..inputs).collect();
    for _ in 0..=max_length {
        let going = |&row: &usize| !found[row].ended && found[row].symbols.len() < max_length;
        let kept: Vec<usize> = (0..rows.len()).filter(|&at| going(&rows[at])).collect();
        if kept.is_empty() {
            break;
        }
        // The selection copies the state, so it waits until a quarter of the rows is done.
        if kept.len() * 4 <= rows.len() * 3 {
            decoder.select_rows(&mut state, &kept);
            rows = kept.iter().map(|&at| rows[at]).collect();
        }
        check_stop()?;
        let last: Vec<u32> =
            rows.iter().map(|&row| found[row].symbols.last().copied().unwrap_or(symbols.start)).collect();
        let mut logits = decoder.step(&last, &mut state).logits.numbers()?.into_owned();
        let width = logits.len() / rows.len();
        for (&row, logits) in rows.iter().zip(logits.chunks_mut(width)) {
            let hypothesis = &mut found[row];
            if hypothesis.ended || hypothesis.symbols.len() == max_length {
                continue;
            }
            // The distribution is that of the symbols that can be drawn.
            let forbidden = || symbols.forbidden.iter().chain([&symbols.start]);
            forbidden().for_each(|&symbol| logits[symbol as usize] = f32::MIN / 4.0);
            let sum = log_sum_exp(logits);
            logits.iter_mut().for_each(|logit| *logit -= sum);
            forbidden().for_each(|&symbol| logits[symbol as usize] = f32::NEG_INFINITY);
            let symbol = samplers[row].sample(logits)?;
            hypothesis.log_prob += f64::from(logits[symbol as usize]);
            hypothesis.ended = symbol == symbols.end;
            if !hypothesis.ended {
                hypothesis.symbols.push(symbol);
            }
            let length = hypothesis.symbols.len() + usize::from(hypothesis.ended);
            hypothesis.score = hypothesis.log_prob / length as f64;
        }
    }
    Ok(found)
}

/// `ln Σ exp` of finite values.
pub(super) fn log_sum_exp(logits: &[f32]) -> f32 {
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    return rekindle_kernels::step::log_sum_exp(logits);
    #[cfg(not(any(feature = "flex", feature = "ndarray")))]
    {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        logits.iter().map(|logit| (logit - largest).exp()).sum::<f32>().ln() + largest
    }
}
