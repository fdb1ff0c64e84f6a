//! Corpus BLEU, as computed by sacrebleu.

use std::collections::HashMap;
use std::ops::AddAssign;

use super::Tokenization;

/// The longest n-gram.
const ORDER: usize = 4;

/// Corpus BLEU of Papineni et al. 2002 ("BLEU: a method for automatic evaluation of machine translation"), with
/// sacrebleu's choices:
///
/// ```text
/// BLEU = 100 · BP · (p_1 p_2 p_3 p_4)^(1/4)
/// p_n  = matched n-grams / n-grams of the hypotheses          each n-gram matched as often as in one reference at most
/// BP   = min(1, exp(1 - r / c))                               c, r: tokens of the hypotheses, of the closest references
/// ```
///
/// An order without a match counts as `1 / (2^k total)` for the `k`-th such order (NIST's smoothing, "exp").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bleu {
    /// The tokenisation.
    pub tokenization: Tokenization,
    /// Whether to ignore case.
    pub lowercase: bool,
}

/// The statistics of BLEU; those of a corpus are the sums of those of its sentences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BleuStatistics {
    /// Matched n-grams, by order.
    pub matches: [u64; ORDER],
    /// N-grams of the hypotheses, by order.
    pub totals: [u64; ORDER],
    /// Tokens of the hypotheses.
    pub hypothesis_length: u64,
    /// Tokens of the references: of several, the one of closest length, the shorter in a tie.
    pub reference_length: u64,
}

impl Bleu {
    /// The statistics of one sentence and its references. Without a reference nothing matches.
    pub fn statistics(&self, hypothesis: &str, references: &[&str]) -> BleuStatistics {
        let tokens = |text: &str| {
            if self.lowercase { self.tokenization.tokens(&text.to_lowercase()) } else { self.tokenization.tokens(text) }
        };
        let references: Vec<_> = references.iter().map(|reference| tokens(reference)).collect();
        BleuStatistics::of_tokens(&tokens(hypothesis), &references)
    }

    /// The BLEU of a corpus, from 0 to 100: hypotheses, each with its references.
    pub fn corpus<'a>(&self, sentences: impl IntoIterator<Item = (&'a str, &'a [&'a str])>) -> f64 {
        let mut sum = BleuStatistics::default();
        for (hypothesis, references) in sentences {
            sum += self.statistics(hypothesis, references);
        }
        sum.score()
    }
}

impl BleuStatistics {
    /// The statistics of one tokenised sentence and its references. Without a reference nothing matches.
    pub fn of_tokens(hypothesis: &[String], references: &[Vec<String>]) -> Self {
        let closest = references.iter().map(Vec::len).min_by_key(|&length| (length.abs_diff(hypothesis.len()), length));
        let mut statistics = Self {
            hypothesis_length: hypothesis.len() as u64,
            reference_length: closest.unwrap_or(0) as u64,
            ..Self::default()
        };
        for order in 1..=ORDER {
            let mut most: HashMap<&[String], u64> = HashMap::new();
            for reference in references {
                for (ngram, count) in counts(reference, order) {
                    let known = most.entry(ngram).or_default();
                    *known = count.max(*known);
                }
            }
            for (ngram, count) in counts(hypothesis, order) {
                statistics.totals[order - 1] += count;
                statistics.matches[order - 1] += count.min(most.get(ngram).copied().unwrap_or(0));
            }
        }
        statistics
    }

    /// BLEU, from 0 to 100.
    pub fn score(&self) -> f64 {
        // As in sacrebleu: if no hypothesis is long enough for an order, the product is 0.
        if self.matches == [0; ORDER] || self.totals.contains(&0) {
            return 0.0;
        }
        let logarithms: f64 = self.precisions().iter().map(|precision| (precision / 100.0).ln()).sum();
        100.0 * self.brevity_penalty() * (logarithms / ORDER as f64).exp()
    }

    /// The precision of each order, smoothed, from 0 to 100. If nothing matches, all are 0.
    pub fn precisions(&self) -> [f64; ORDER] {
        let mut precisions = [0.0; ORDER];
        let mut smoothing = 1.0;
        if self.matches == [0; ORDER] {
            return precisions;
        }
        for (precision, (&matched, &total)) in precisions.iter_mut().zip(self.matches.iter().zip(&self.totals)) {
            if total == 0 {
                break;
            }
            let matched = if matched == 0 {
                smoothing *= 2.0;
                1.0 / smoothing
            } else {
                matched as f64
            };
            *precision = 100.0 * matched / total as f64;
        }
        precisions
    }

    /// `BP`, from 0 to 1: below 1 if the hypotheses are shorter than the references.
    pub fn brevity_penalty(&self) -> f64 {
        let (c, r) = (self.hypothesis_length as f64, self.reference_length as f64);
        if c >= r {
            1.0
        } else if c == 0.0 {
            0.0
        } else {
            (1.0 - r / c).exp()
        }
    }
}

impl AddAssign for BleuStatistics {
    fn add_assign(&mut self, other: Self) {
        for order in 0..ORDER {
            self.matches[order] += other.matches[order];
            self.totals[order] += other.totals[order];
        }
        self.hypothesis_length += other.hypothesis_length;
        self.reference_length += other.reference_length;
    }
}

/// The number of occurrences of each n-gram.
fn counts(tokens: &[String], order: usize) -> HashMap<&[String], u64> {
    let mut counts = HashMap::new();
    for ngram in tokens.windows(order) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}
