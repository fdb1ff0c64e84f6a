//! Rounds: contestants take turns, so that other load on the machine affects all of them alike.

use std::fmt;
use std::num::NonZeroUsize;

use serde::Serialize;

use crate::BenchError;

/// The length of a benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Turns {
    /// Number of rounds, in each of which every contestant has a turn.
    pub rounds: NonZeroUsize,
    /// Training steps per turn; sampling generates 200 tokens in place of each.
    pub steps: NonZeroUsize,
}

/// Median, minimum and maximum of the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The minimum.
    pub min: f64,
    /// The maximum.
    pub max: f64,
}

impl Turns {
    /// The figures of each contestant, round by round. `work` does this many steps and returns a
    /// figure.
    ///
    /// The first step of a turn is not counted, because the caches still hold another contestant's
    /// data.
    pub(crate) fn take<C>(
        self,
        contestants: &mut [&mut C],
        work: impl Fn(&mut C, usize) -> Result<f64, BenchError>,
    ) -> Result<Vec<Vec<f64>>, BenchError> {
        let mut figures = vec![Vec::new(); contestants.len()];
        for _ in 0..self.rounds.get() {
            for (contestant, figures) in contestants.iter_mut().zip(&mut figures) {
                work(contestant, 1)?;
                figures.push(work(contestant, self.steps.get())?);
            }
        }
        Ok(figures)
    }
}

impl Spread {
    /// The spread of `figures`, of which there must be at least one.
    pub(crate) fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
        let median = f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Self { median, min, max }
    }

    /// The spread of the ratios of `figures` to `others`, round by round.
    pub(crate) fn of_ratios(figures: &[f64], others: &[f64]) -> Self {
        Self::of(&figures.iter().zip(others).map(|(figure, other)| figure / other).collect::<Vec<_>>())
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.2} ({:.2}..{:.2})", self.median, self.min, self.max))
    }
}

#[cfg(test)]
mod tests;
