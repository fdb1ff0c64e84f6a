//! Sampling the next token from a model's log-probabilities.
//!
//! In order: the log-probabilities are divided by the temperature `τ`, `p_i ∝ exp(l_i / τ)`; only the `k` most
//! probable tokens are kept (top-k); of these, the smallest set whose probability reaches `p` is kept (top-p, the
//! "nucleus" of Holtzman et al. 2020, arXiv 1904.09751); one token is drawn from the rest.

#[cfg(test)]
mod tests;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How the next token is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Divides the log-probabilities: below 1 the text is safer, above 1 more varied; 0 takes the most probable token.
    pub temperature: f32,
    /// Draw only among the `k` most probable tokens.
    pub top_k: Option<usize>,
    /// Draw only among the most probable tokens that together reach this probability.
    pub top_p: Option<f32>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: None, top_p: None }
    }
}

/// An invalid setting of [`Sampling`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SamplingError {
    /// The temperature is negative or not a number.
    #[error("temperature {0}: must be 0 (take the likeliest symbol) or above")]
    Temperature(f32),
    /// `top_k` is 0.
    #[error("top-k 0: must be at least 1")]
    TopK,
    /// `top_p` is outside `(0, 1]`.
    #[error("top-p {0}: must be above 0 and at most 1")]
    TopP(f32),
}

/// There is no token to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no token can be drawn: the model's log-probabilities are not numbers, since its training has diverged")]
pub struct NothingToDraw;

impl Sampling {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// The first invalid setting.
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

/// Draws tokens as [`Sampling`] says, from its own random stream.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
    forbidden: Option<u32>,
    /// Candidate tokens with their weights; kept between draws to reuse the allocation.
    candidates: Vec<(u32, f32)>,
}

impl Sampler {
    /// A sampler that draws the same tokens for the same `seed` and the same log-probabilities.
    ///
    /// # Errors
    ///
    /// When a setting is invalid.
    pub fn new(sampling: Sampling, seed: u64) -> Result<Self, SamplingError> {
        sampling.validate()?;
        Ok(Self { sampling, rng: ChaCha8Rng::seed_from_u64(seed), forbidden: None, candidates: Vec::new() })
    }

    /// Excludes `symbol` from every draw, for instance the unknown token.
    pub fn forbid(mut self, symbol: Option<u32>) -> Self {
        self.forbidden = symbol;
        self
    }

    /// Draws a token from log-probabilities `[V]`, up to a constant. Ties at a cut and at temperature 0 go to the
    /// smaller id.
    ///
    /// # Errors
    ///
    /// When one of `log_probs` is NaN or infinity, or none is above negative infinity but that of the forbidden token.
    pub fn sample(&mut self, log_probs: &[f32]) -> Result<u32, NothingToDraw> {
        self.collect_candidates(log_probs)?;
        if self.sampling.temperature == 0.0 {
            return Ok(self.likeliest());
        }
        self.cut_to_top_k();
        self.weigh();
        self.cut_to_top_p();
        Ok(self.draw())
    }

    /// Draws a token uniformly among `vocabulary_size`, the forbidden one excluded: the first token of a text without
    /// a prime.
    ///
    /// # Panics
    ///
    /// When no token is left.
    pub fn uniform(&mut self, vocabulary_size: usize) -> u32 {
        let allowed = (0..vocabulary_size as u32).filter(|&v| Some(v) != self.forbidden);
        self.candidates.clear();
        self.candidates.extend(allowed.map(|v| (v, 1.0)));
        self.draw()
    }

    fn collect_candidates(&mut self, log_probs: &[f32]) -> Result<(), NothingToDraw> {
        if log_probs.iter().any(|l| l.is_nan() || *l == f32::INFINITY) {
            return Err(NothingToDraw);
        }
        let symbols = log_probs.iter().enumerate().map(|(v, &l)| (v as u32, l));
        let forbidden = self.forbidden;
        self.candidates.clear();
        self.candidates.extend(symbols.filter(|&(v, l)| l > f32::NEG_INFINITY && Some(v) != forbidden));
        if self.candidates.is_empty() { Err(NothingToDraw) } else { Ok(()) }
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
            // The draw goes through the candidates in order, which must not depend on how the selection left them.
            self.candidates.sort_unstable_by_key(|c| c.0);
        }
    }

    /// Converts log-probabilities to weights; the largest is 1, so that nothing overflows at any temperature.
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
        // Rounding can leave a remainder past the last weight.
        self.candidates.last().expect("a draw is made among one symbol at least").0
    }
}

fn by_falling_weight(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}
