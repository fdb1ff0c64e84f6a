//! chrF, as computed by sacrebleu.

use std::collections::HashMap;
use std::ops::AddAssign;

/// The longest character n-gram.
const ORDER: usize = 6;

/// Recall counts `β²` times as much as precision.
const BETA: f64 = 2.0;

/// The statistics of chrF2, Popović 2015 ("chrF: character n-gram F-score for automatic MT evaluation"): n-grams of up
/// to six characters, without whitespace. Those of a corpus are the sums of those of its sentences.
///
/// ```text
/// chrF = 100 (1 + β²) P R / (β² P + R)      P, R: precision and recall, averaged over the orders that both sides have
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChrfStatistics {
    hypothesis: [u64; ORDER],
    reference: [u64; ORDER],
    matches: [u64; ORDER],
}

impl ChrfStatistics {
    /// The statistics of one sentence and its best reference.
    pub fn of(hypothesis: &str, references: &[&str]) -> Self {
        let mut best: Option<(f64, Self)> = None;
        for reference in references {
            let statistics = Self::pair(hypothesis, reference);
            let score = statistics.score();
            if best.is_none_or(|(known, _)| score > known) {
                best = Some((score, statistics));
            }
        }
        best.map(|(_, statistics)| statistics).unwrap_or_default()
    }

    fn pair(hypothesis: &str, reference: &str) -> Self {
        let characters = |text: &str| text.split_whitespace().flat_map(str::chars).collect::<Vec<char>>();
        let (hypothesis, reference) = (characters(hypothesis), characters(reference));
        let mut statistics = Self::default();
        for order in 1..=ORDER {
            let (ours, theirs) = (counts(&hypothesis, order), counts(&reference, order));
            statistics.reference[order - 1] = theirs.values().sum();
            if !theirs.is_empty() {
                statistics.hypothesis[order - 1] = ours.values().sum();
            }
            statistics.matches[order - 1] =
                ours.iter().map(|(ngram, &count)| count.min(theirs.get(ngram).copied().unwrap_or(0))).sum();
        }
        statistics
    }

    /// chrF, from 0 to 100.
    pub fn score(&self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for order in 0..ORDER {
            let [ours, theirs, matched] =
                [self.hypothesis[order], self.reference[order], self.matches[order]].map(|count| count as f64);
            if ours > 0.0 && theirs > 0.0 {
                precision += matched / ours;
                recall += matched / theirs;
                orders += 1.0;
            }
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (precision, recall) = (precision / orders, recall / orders);
        100.0 * (1.0 + BETA * BETA) * precision * recall / (BETA * BETA * precision + recall)
    }
}

impl AddAssign for ChrfStatistics {
    fn add_assign(&mut self, other: Self) {
        for order in 0..ORDER {
            self.hypothesis[order] += other.hypothesis[order];
            self.reference[order] += other.reference[order];
            self.matches[order] += other.matches[order];
        }
    }
}

fn counts(characters: &[char], order: usize) -> HashMap<&[char], u64> {
    let mut counts = HashMap::new();
    for ngram in characters.windows(order) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}
