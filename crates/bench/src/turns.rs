//! Contestants take turns, so that whatever else the machine does affects all of them alike.

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

impl Turns {
    /// The figures of each contestant, round by round. `work` does so many steps and returns a figure.
    ///
    /// The first step of a turn is not counted: the caches are still full of another contestant's numbers.
    pub(crate) fn take<C: ?Sized>(
        self,
        contestants: &mut [&mut C],
        mut work: impl FnMut(&mut C, usize) -> Result<f64, BenchError>,
    ) -> Result<Vec<Vec<f64>>, BenchError> {
        let mut figures = vec![Vec::with_capacity(self.rounds.get()); contestants.len()];
        for _ in 0..self.rounds.get() {
            for (contestant, figures) in contestants.iter_mut().zip(&mut figures) {
                work(contestant, 1)?;
                figures.push(work(contestant, self.steps.get())?);
            }
        }
        Ok(figures)
    }
}

/// The shortest benchmark.
#[cfg(test)]
pub(crate) const ONE_STEP: Turns = Turns { rounds: NonZeroUsize::MIN, steps: NonZeroUsize::MIN };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contestants_alternate_and_the_first_step_of_a_turn_is_not_counted() {
        let [rounds, steps] = [2, 3].map(|count| NonZeroUsize::new(count).unwrap());
        let (mut a, mut b) = ('a', 'b');
        let mut log = String::new();
        let figures = Turns { rounds, steps }.take(&mut [&mut a, &mut b], |name, steps| {
            log += &format!("{name}{steps} ");
            Ok(log.len() as f64)
        });
        assert_eq!(log, "a1 a3 b1 b3 a1 a3 b1 b3 ");
        assert_eq!(figures.unwrap(), [[6.0, 18.0], [12.0, 24.0]]);
    }
}
