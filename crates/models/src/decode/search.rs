//! Writing sequences with a conditional model: greedy, beam search and sampling, for several inputs side by side.
//!
//! A model is a [`StepDecoder`]: it reads one symbol of each of `N` rows and gives the distribution of the next. Beam
//! search keeps the `K` best beginnings of each input in adjacent rows. Finished hypotheses are ranked by
//!
//! ```text
//! score = log p(y) / |y|^α + β Σ_s min(0, ln Σ_t a_ts)
//! ```
//!
//! with the length `|y|` (the end included), the length normalisation `α` and the coverage penalty `β` of Wu et al. 2016
//! (arXiv 1609.08144); `a_ts` is the attention that symbol `t` pays to position `s` of the input.

#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{Sampler, Sampling, SamplingError};
use crate::host::{DeviceError, numbers};

/// A model that writes a symbol at a time.
pub trait StepDecoder {
    /// What a model keeps of the symbols that it has read, with a row for each sequence.
    type State: Clone;

    /// Reads one symbol a row: what the next is like to be.
    fn step(&self, symbols: &[u32], state: Self::State) -> (Step, Self::State);

    /// The state of these rows, in this order and with repetitions.
    fn select_rows(&self, state: Self::State, rows: &[usize]) -> Self::State;
}

/// The outcome of a step of `N` rows.
#[derive(Clone, Debug)]
pub struct Step {
    /// The numbers of the next symbol before the softmax, `[N, V]`: log-probabilities but for a constant of each row.
    pub logits: Tensor<2>,
    /// The attention paid to the positions of the input, `[N, S]`, with 0 at padding; none without attention.
    pub attention: Option<Tensor<2>>,
}

/// The symbols that begin and end a sequence, and those that are never written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbols {
    /// What is read first.
    pub start: u32,
    /// What ends a sequence.
    pub end: u32,
    /// Never written: padding, say.
    pub forbidden: Vec<u32>,
}

/// How sequences are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Beginnings that are kept for each input; 1 is greedy.
    pub beam: usize,
    /// `α`: 0 ranks by the probability itself, which prefers short sequences; 1 by the mean of the logarithms.
    pub length_normalization: f64,
    /// `β`: above 0, hypotheses that pass over positions of the input lose.
    pub coverage: f64,
    /// Symbols to write at least, the end not counted.
    pub min_length: usize,
    /// Symbols to write at most, the end not counted.
    pub max_length: usize,
    /// No run of this many symbols is written twice; 0 for no such rule.
    pub no_repeat: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self { beam: 1, length_normalization: 1.0, coverage: 0.0, min_length: 0, max_length: 100, no_repeat: 0 }
    }
}

/// A setting of [`Search`] that has no meaning.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// A beam of nothing.
    #[error("beam 0 keeps nothing: give 1 or more")]
    Beam,
    /// No room for a symbol, or less than is demanded.
    #[error("lengths from {min} to {max}: the greatest must be above 0 and no less than the smallest")]
    Lengths {
        /// The smallest length.
        min: usize,
        /// The greatest.
        max: usize,
    },
    /// A weight that is negative or not a number.
    #[error("{name} {value}: it must be a number from 0 on")]
    Weight {
        /// Which.
        name: &'static str,
        /// What was given.
        value: f64,
    },
}

/// Why nothing could be written.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A setting of the search has no meaning.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A setting of the sampling has no meaning.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl Search {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// The first setting that has no meaning.
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

/// A sequence that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Its symbols, without start and end.
    pub symbols: Vec<u32>,
    /// The logarithm of its probability, with the end's unless the greatest length cut it off.
    pub log_prob: f64,
    /// What it is ranked by.
    pub score: f64,
    /// Whether it was ended by the model, not by the greatest length.
    pub ended: bool,
}

/// A beginning that is still being written.
#[derive(Clone, Debug)]
struct Beginning {
    symbols: Vec<u32>,
    log_prob: f64,
    coverage: Vec<f32>,
}

/// The best hypotheses of each input, best first, up to `beam` of them: one at least.
///
/// `state` has a row for each of the `inputs` inputs. The search of an input ends at the greatest length, or when `beam`
/// hypotheses have ended and no beginning, scored by what it has so far, is above the least of them.
///
/// # Errors
///
/// When a setting has no meaning, or the device fails.
pub fn search<D: StepDecoder>(
    decoder: &D,
    state: D::State,
    inputs: usize,
    symbols: &Symbols,
    settings: &Search,
) -> Result<Vec<Vec<Hypothesis>>, DecodeError> {
    settings.validate()?;
    let mut found: Vec<Vec<Hypothesis>> = vec![Vec::new(); inputs];
    // Rows lie input by input; an input that is done has none left.
    let mut rows: Vec<(usize, Beginning)> = (0..inputs)
        .map(|input| (input, Beginning { symbols: Vec::new(), log_prob: 0.0, coverage: Vec::new() }))
        .collect();
    let mut state = state;
    for length in 0..=settings.max_length {
        if rows.is_empty() {
            break;
        }
        let last: Vec<u32> = rows.iter().map(|(_, b)| b.symbols.last().copied().unwrap_or(symbols.start)).collect();
        let (step, after) = decoder.step(&last, state);
        let width = step.logits.dims()[1];
        let logits = numbers(step.logits)?;
        if settings.coverage > 0.0
            && let Some(attention) = step.attention
        {
            let positions = attention.dims()[1];
            for ((_, row), paid) in rows.iter_mut().zip(numbers(attention)?.chunks(positions)) {
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
            // Of equals, the one of the better row and the smaller symbol.
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
            // All have one length, so the likeliest, which is the first, has the best score.
            if kept.first().is_some_and(|(_, beginning)| hopeful(beginning, &found[input], settings)) {
                for (row, beginning) in kept {
                    origins.push(row);
                    next.push((input, beginning));
                }
            }
        }
        let unchanged = origins.len() == rows.len() && origins.iter().enumerate().all(|(i, &row)| i == row);
        rows = next;
        state = if unchanged || rows.is_empty() { after } else { decoder.select_rows(after, &origins) };
    }
    Ok(found)
}

/// Keeps the best `beam`, best first.
fn rank(hypotheses: &mut Vec<Hypothesis>, beam: usize) {
    hypotheses.sort_by(|a, b| b.score.total_cmp(&a.score));
    hypotheses.truncate(beam);
}

/// Whether a beginning may still become one of the best. What ends early is seldom likely: without this question, a beam
/// of unlikely short sequences would end the search before the likeliest sequence is written.
fn hopeful(beginning: &Beginning, ended: &[Hypothesis], settings: &Search) -> bool {
    // The coverage of what is not yet written is unknown, and costs nothing at best.
    let score = normalized(beginning.log_prob, beginning.symbols.len(), settings);
    ended.len() < settings.beam || ended.last().is_some_and(|least| score > least.score)
}

/// `log p / |y|^α`.
fn normalized(log_prob: f64, length: usize, settings: &Search) -> f64 {
    log_prob / (length.max(1) as f64).powf(settings.length_normalization)
}

/// A way to go on: no symbol where the greatest length ends a sequence.
struct Candidate {
    row: usize,
    symbol: Option<u32>,
    log_prob: f64,
}

/// Logits that are compared at once.
const CHUNK: usize = 32;

/// Adds the `beam` likeliest ways for a row to go on.
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
    // What a logit must exceed to be kept.
    let mut worst = f32::NEG_INFINITY;
    for (chunk, first) in logits.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
        // Most are passed over by comparisons side by side.
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
        // Every symbol is ruled out: the sequence ends here.
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

/// The symbols that would make a run of `n` symbols appear for the second time.
fn repeats(symbols: &[u32], n: usize) -> Vec<u32> {
    if n == 0 || symbols.len() < n {
        return Vec::new();
    }
    let tail = &symbols[symbols.len() - (n - 1)..];
    symbols.windows(n).filter(|run| &run[..n - 1] == tail).map(|run| run[n - 1]).collect()
}

/// One sequence for each of `inputs` inputs, drawn symbol by symbol.
///
/// # Errors
///
/// When a setting of `sampling` has no meaning, or the device fails.
pub fn sample<D: StepDecoder>(
    decoder: &D,
    state: D::State,
    inputs: usize,
    symbols: &Symbols,
    max_length: usize,
    sampling: Sampling,
    seed: u64,
) -> Result<Vec<Hypothesis>, DecodeError> {
    let mut sampler = Sampler::new(sampling, seed)?;
    let empty = Hypothesis { symbols: Vec::new(), log_prob: 0.0, score: 0.0, ended: false };
    let mut found = vec![empty; inputs];
    let mut state = state;
    for _ in 0..=max_length {
        if found.iter().all(|hypothesis| hypothesis.ended || hypothesis.symbols.len() == max_length) {
            break;
        }
        let last: Vec<u32> = found.iter().map(|h| h.symbols.last().copied().unwrap_or(symbols.start)).collect();
        let (step, after) = decoder.step(&last, state);
        state = after;
        let width = step.logits.dims()[1];
        let mut logits = numbers(step.logits)?;
        for (hypothesis, row) in found.iter_mut().zip(logits.chunks_mut(width)) {
            if hypothesis.ended || hypothesis.symbols.len() == max_length {
                continue;
            }
            let sum = log_sum_exp(row);
            row.iter_mut().for_each(|logit| *logit -= sum);
            for &symbol in symbols.forbidden.iter().chain([&symbols.start]) {
                row[symbol as usize] = f32::NEG_INFINITY;
            }
            let symbol = sampler.sample(row);
            hypothesis.log_prob += f64::from(row[symbol as usize]);
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

/// `ln Σ exp`, of finite numbers.
fn log_sum_exp(logits: &[f32]) -> f32 {
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    return rekindle_kernels::step::log_sum_exp(logits);
    #[cfg(not(any(feature = "flex", feature = "ndarray")))]
    {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        logits.iter().map(|logit| (logit - largest).exp()).sum::<f32>().ln() + largest
    }
}
