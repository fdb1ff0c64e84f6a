//! The median and the extremes of a few figures.

use std::fmt;

use serde::Serialize;

/// Median, least and greatest figure of the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// The spread of `figures`, of which there is at least one.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
        let median = f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Self { median, min, max }
    }

    /// The spread of the ratios of `figures` to `others`, round by round.
    pub(crate) fn of_ratios(figures: &[f64], others: &[f64]) -> Self {
        Self::of(figures.iter().zip(others).map(|(figure, other)| figure / other))
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.2} ({:.2}..{:.2})", self.median, self.min, self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between_the_middle_two() {
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 8.0]), Spread { median: 3.0, min: 1.0, max: 8.0 });
        assert_eq!(Spread::of([3.0, 1.0, 2.0]).median, 2.0);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        assert_eq!(Spread::of_ratios(&[2.0, 9.0], &[1.0, 3.0]), Spread { median: 2.5, min: 2.0, max: 3.0 });
    }
}
