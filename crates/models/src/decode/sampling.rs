//! Drawing the next symbol from a model's log-probabilities.
//!
//! In order: the logarithms are divided by the temperature `τ`, `p_i ∝ exp(l_i / τ)`; only the `k` likeliest symbols
//! are kept (top-k); of these, the smallest set whose probability reaches `p` is kept (top-p, the "nucleus" of
//! Holtzman et al. 2020, arXiv 1904.09751); one symbol is drawn from what is left.

#[cfg(test)]
mod tests;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How the next symbol is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Divides the log-probabilities: below 1 the text is safer, above 1 wilder; 0 takes the likeliest symbol always.
    pub temperature: f32,
    /// Draw among the `k` likeliest symbols only.
    pub top_k: Option<usize>,
    /// Draw among the likeliest symbols that together reach this probability only.
    pub top_p: Option<f32>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: None, top_p: None }
    }
}

/// A setting of [`Sampling`] that has no meaning.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SamplingError {
    /// The temperature is negative or not a number.
    #[error("temperature {0}: it must be 0 (take the likeliest symbol) or above")]
    Temperature(f32),
    /// `top_k` is 0.
    #[error("top-k 0 leaves no symbol to draw: give 1 or more")]
    TopK,
    /// `top_p` is outside `(0, 1]`.
    #[error("top-p {0}: it must be above 0 and at most 1")]
    TopP(f32),
}

impl Sampling {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// The first setting that has no meaning.
    pub fn validate(&self) -> Result<(), SamplingError> {
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Err(SamplingError::Temperature(self.temperature));
        }
        if self.top_k == Some(0) {
            return Err(SamplingError::TopK);
        }
        match self.top_p {
            Some(p) if !(p > 0.0 && p <= 1.0) => Err(SamplingError::TopP(p)),
            _ => Ok(()),
        }
    }
}

/// Draws symbols by [`Sampling`]'s rules from its own random stream.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
    forbidden: Option<u32>,
    /// Symbols still in the draw with their weights; kept from draw to draw to spare the allocation.
    candidates: Vec<(u32, f32)>,
}

impl Sampler {
    /// A sampler that draws the same symbols for the same `seed` and the same log-probabilities.
    ///
    /// # Errors
    ///
    /// When a setting has no meaning.
    pub fn new(sampling: Sampling, seed: u64) -> Result<Self, SamplingError> {
        sampling.validate()?;
        Ok(Self { sampling, rng: ChaCha8Rng::seed_from_u64(seed), forbidden: None, candidates: Vec::new() })
    }

    /// Never draws `symbol` (the vocabulary's unknown symbol, say).
    pub fn forbid(mut self, symbol: Option<u32>) -> Self {
        self.forbidden = symbol;
        self
    }

    /// Draws a symbol from log-probabilities `[V]` (any constant may be added to them). Of equals at a cut, and of
    /// equals at temperature 0, the one with the smaller number is kept.
    ///
    /// # Panics
    ///
    /// When no symbol is left: `log_probs` is empty, or holds nothing but NaN or negative infinity.
    pub fn sample(&mut self, log_probs: &[f32]) -> u32 {
        self.collect_candidates(log_probs);
        if self.sampling.temperature == 0.0 {
            return self.likeliest();
        }
        self.cut_to_top_k();
        self.weigh();
        self.cut_to_top_p();
        self.draw()
    }

    /// A symbol drawn uniformly among `vocabulary_size`, the forbidden one left out: where a text without a beginning
    /// starts.
    ///
    /// # Panics
    ///
    /// When no symbol is left.
    pub fn uniform(&mut self, vocabulary_size: usize) -> u32 {
        let allowed = (0..vocabulary_size as u32).filter(|&v| Some(v) != self.forbidden);
        self.candidates.clear();
        self.candidates.extend(allowed.map(|v| (v, 1.0)));
        self.draw()
    }

    fn collect_candidates(&mut self, log_probs: &[f32]) {
        let symbols = log_probs.iter().enumerate().map(|(v, &l)| (v as u32, l));
        let forbidden = self.forbidden;
        self.candidates.clear();
        self.candidates.extend(symbols.filter(|&(v, l)| l > f32::NEG_INFINITY && Some(v) != forbidden));
        assert!(!self.candidates.is_empty(), "no symbol to draw among {} log-probabilities", log_probs.len());
    }

    fn likeliest(&self) -> u32 {
        let first = self.candidates[0];
        self.candidates.iter().fold(first, |best, &c| if c.1 > best.1 { c } else { best }).0
    }

    fn cut_to_top_k(&mut self) {
        if let Some(k) = self.sampling.top_k
            && k < self.candidates.len()
        {
            self.candidates.select_nth_unstable_by(k - 1, by_falling_weight);
            self.candidates.truncate(k);
            // The draw walks the candidates in order, which must not hang on how the selection left them.
            self.candidates.sort_unstable_by_key(|c| c.0);
        }
    }

    /// Turns log-probabilities into weights; the largest is 1, so that nothing overflows at any temperature.
    fn weigh(&mut self) {
        let largest = self.candidates.iter().fold(f32::NEG_INFINITY, |m, c| m.max(c.1));
        for c in &mut self.candidates {
            c.1 = ((c.1 - largest) / self.sampling.temperature).exp();
        }
    }

    fn cut_to_top_p(&mut self) {
        if let Some(p) = self.sampling.top_p
            && p < 1.0
        {
            self.candidates.sort_unstable_by(by_falling_weight);
            let total: f32 = self.candidates.iter().map(|c| c.1).sum();
            let mut reached = 0.0;
            let kept = self.candidates.iter().position(|c| {
                reached += c.1;
                reached >= p * total
            });
            self.candidates.truncate(kept.map_or(self.candidates.len(), |last| last + 1));
        }
    }

    fn draw(&mut self) -> u32 {
        let total: f32 = self.candidates.iter().map(|c| c.1).sum();
        let mut left = self.rng.random::<f32>() * total;
        for &(symbol, weight) in &self.candidates {
            left -= weight;
            if left < 0.0 {
                return symbol;
            }
        }
        // Rounding can leave a sliver past the last weight.
        self.candidates.last().expect("a draw is made among one symbol at least").0
    }
}

fn by_falling_weight(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}
