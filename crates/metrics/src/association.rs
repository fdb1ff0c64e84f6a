//! How well a number tells a property: the area under the ROC curve, and the correlation.
//!
//! ```
//! use rekindle_metrics::association::{Ranks, correlation};
//!
//! let scores = [0.1, 0.4, 0.35, 0.8];
//! // One of the four pairs of a negative and a positive is in the wrong order.
//! assert_eq!(Ranks::of(&scores).auc(&[false, false, true, true]), Some(0.75));
//! assert_eq!(correlation(&[1.0, 2.0, 3.0], &[5.0, 7.0, 9.0]), Some(1.0));
//! ```

/// The ranks of numbers, from 1; equal numbers share the mean of their ranks.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranks(Vec<f64>);

impl Ranks {
    /// The ranks of `values`; NaN is the largest.
    pub fn of(values: &[f32]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
        let mut ranks = vec![0.0; values.len()];
        let mut first = 0;
        for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
            let rank = first as f64 + (equal.len() + 1) as f64 / 2.0;
            equal.iter().for_each(|&index| ranks[index] = rank);
            first += equal.len();
        }
        Self(ranks)
    }

    /// The area under the ROC curve of the ranked numbers as scores of `positive`: the probability that a positive has
    /// a larger number than a negative, where a tie counts one half. Exact, from the sum of ranks `R` of the `P`
    /// positives among `P + N`: `(R - P (P + 1) / 2) / (P N)` (Mann and Whitney 1947). None without a positive or a
    /// negative.
    ///
    /// # Panics
    ///
    /// When there are not as many labels as numbers.
    pub fn auc(&self, positive: &[bool]) -> Option<f64> {
        assert_eq!(self.0.len(), positive.len(), "a label is wanted for each number");
        let (mut sum, mut count) = (0.0, 0_usize);
        for (rank, _) in self.0.iter().zip(positive).filter(|(_, positive)| **positive) {
            sum += rank;
            count += 1;
        }
        let (positives, negatives) = (count as f64, (positive.len() - count) as f64);
        let area = (sum - positives * (positives + 1.0) / 2.0) / (positives * negatives);
        (positives > 0.0 && negatives > 0.0).then_some(area)
    }
}

/// The correlation (Pearson's) of two series. None if one is constant, or they are empty.
///
/// # Panics
///
/// When the series have different lengths.
pub fn correlation(a: &[f32], b: &[f32]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "two series of one length");
    let count = a.len() as f64;
    let mean = |values: &[f32]| values.iter().copied().map(f64::from).sum::<f64>() / count;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut products, mut squares_a, mut squares_b) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a) - mean_a, f64::from(b) - mean_b);
        products += a * b;
        squares_a += a * a;
        squares_b += b * b;
    }
    let scale = (squares_a * squares_b).sqrt();
    (scale > 0.0).then(|| (products / scale).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests;
