//! Contestants take turns, round by round, so that whatever else the machine does affects all of
//! them alike.

use std::fmt;
use std::num::NonZeroUsize;

use serde::Serialize;

use crate::BenchError;

/// How long a benchmark goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Turns {
    /// Turns of each contestant.
    pub rounds: NonZeroUsize,
    /// Training steps in a turn; sampling writes 200 tokens in place of each.
    pub steps: NonZeroUsize,
}

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

impl Turns {
    /// The figures of each contestant, round by round. `work` does so many steps and returns a
    /// figure.
    ///
    /// The first step of a turn is not counted: the caches are still full of another contestant's
    /// numbers.
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
    /// The spread of `figures`, of which there is at least one.
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
