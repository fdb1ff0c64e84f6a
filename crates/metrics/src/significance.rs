//! Paired bootstrap resampling: whether the difference of two systems on the same sentences may be due to chance.

mod generator;

use std::fmt;
use std::ops::AddAssign;
use std::rc::Rc;

use generator::Generator;

/// A score of a corpus that can be computed of any of its sentences.
pub trait Segments {
    /// Number of sentences.
    fn count(&self) -> usize;

    /// The score of the sentences with these numbers, which may occur more than once.
    fn score(&self, sentences: &mut dyn Iterator<Item = usize>) -> f64;
}

/// A score that follows from the sum of its sentences' statistics.
pub struct Summed<S> {
    /// The statistics of each sentence.
    pub each: Rc<[S]>,
    /// The score of a sum.
    pub score: fn(&S) -> f64,
}

impl<S> fmt::Debug for Summed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Summed").field("sentences", &self.each.len()).finish()
    }
}

impl<S: Copy + Default + AddAssign> Segments for Summed<S> {
    fn count(&self) -> usize {
        self.each.len()
    }

    fn score(&self, sentences: &mut dyn Iterator<Item = usize>) -> f64 {
        let mut sum = S::default();
        for sentence in sentences {
            sum += self.each[sentence];
        }
        (self.score)(&sum)
    }
}

/// Number of resamples and seed of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Number of resamples.
    pub resamples: usize,
    /// Seed of their choice. The sentences are those that NumPy's default generator, and so sacrebleu, draws.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// Those of sacrebleu.
    fn default() -> Self {
        Self { resamples: 1000, seed: 12345 }
    }
}

/// The scores of a system on resamples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Their mean.
    pub mean: f64,
    /// Half the width of the interval that holds 95 in 100 of them.
    pub half_width: f64,
}

/// What a paired test finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The first system's scores.
    pub ours: Interval,
    /// The second system's.
    pub theirs: Interval,
    /// The probability of a difference at least this large between systems that are equally good. It means nothing for
    /// two systems with equal scores on all resamples, where it is `1 / (1 + resamples)`.
    pub p: f64,
}

impl Bootstrap {
    /// Compares two systems on the same sentences, as sacrebleu's `--paired-bs` does (Koehn 2004, "Statistical
    /// significance tests for machine translation evaluation"): sentences are drawn with replacement, the same for
    /// both, and `p` is the share of resamples in which the difference `d` is this much above its mean:
    ///
    /// ```text
    /// p = (1 + #{ |d_i| - mean |d| > |d| }) / (1 + resamples)
    /// ```
    ///
    /// # Panics
    ///
    /// When the numbers of sentences differ.
    pub fn compare(&self, ours: &dyn Segments, theirs: &dyn Segments) -> Comparison {
        let count = ours.count();
        assert_eq!(count, theirs.count(), "the systems are compared on the same sentences");
        let difference = (ours.score(&mut (0..count)) - theirs.score(&mut (0..count))).abs();
        let mut generator = Generator::new(self.seed);
        let (mut our_scores, mut their_scores) = (Vec::new(), Vec::new());
        for _ in 0..self.resamples {
            let sentences: Vec<usize> = (0..count).map(|_| generator.below(count)).collect();
            our_scores.push(ours.score(&mut sentences.iter().copied()));
            their_scores.push(theirs.score(&mut sentences.iter().copied()));
        }
        let differences: Vec<f64> = our_scores.iter().zip(&their_scores).map(|(a, b)| (a - b).abs()).collect();
        let expected = mean(&differences);
        let larger = differences.iter().filter(|sampled| **sampled - expected > difference).count();
        Comparison {
            ours: interval(our_scores),
            theirs: interval(their_scores),
            p: (larger + 1) as f64 / (self.resamples + 1) as f64,
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn interval(mut scores: Vec<f64>) -> Interval {
    scores.sort_by(f64::total_cmp);
    let outside = scores.len() / 40;
    let half_width = match &scores[outside..scores.len() - outside] {
        [first, .., last] => (last - first) / 2.0,
        _ => 0.0,
    };
    Interval { mean: mean(&scores), half_width }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(each: &[f64]) -> Summed<f64> {
        Summed { each: each.into(), score: |sum| *sum }
    }

    #[test]
    fn a_system_is_not_different_from_itself_and_one_that_is_always_better_is() {
        let (good, bad) = (scores(&[2.0, 3.0, 2.5, 3.5, 2.0, 3.0]), scores(&[1.0, 2.0, 1.5, 2.5, 1.0, 2.0]));
        let test = Bootstrap::default();
        let same = test.compare(&good, &good);
        assert_eq!(same.ours, same.theirs);
        let other = test.compare(&good, &bad);
        assert!(other.p < 0.01 && other.ours.mean > other.theirs.mean, "{other:?}");
        assert!((other.ours.mean - other.theirs.mean - 6.0).abs() < 1e-9, "each is better by 1 in each of 6 sentences");
    }

    #[test]
    fn one_sentence_alone_has_no_spread() {
        let found = Bootstrap { resamples: 10, seed: 1 }.compare(&scores(&[1.0]), &scores(&[2.0]));
        assert_eq!(found.ours, Interval { mean: 1.0, half_width: 0.0 });
    }
}
