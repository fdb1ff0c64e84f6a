//! Generating sequences.

use std::ops::Range;

use rand::RngExt;

use crate::prelude::*;

/// Sequences of the adding problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequences {
    /// `[B, T, 2]`: value and mark of every time step.
    pub inputs: Vec<f32>,
    /// `[B]`: the sums of the marked values.
    pub targets: Vec<f32>,
}

impl Sequences {
    /// `count` sequences of `length` time steps; the same `seed` and `number` give the same.
    ///
    /// # Panics
    ///
    /// When `length` is below 2, too short for two marks.
    pub fn generate(count: usize, length: usize, seed: u64, number: u64) -> Self {
        assert!(length >= 2, "two marks in {length} time steps");
        let mut rng = stream(seed, number);
        let mut sequences = Self::default();
        for _ in 0..count {
            let values: Vec<f32> = (0..length).map(|_| rng.random_range(0.0..1.0)).collect();
            let marks = [rng.random_range(0..length / 2), rng.random_range(length / 2..length)];
            sequences.push(&values, marks);
        }
        sequences
    }

    /// Adds a sequence with these values and two marks.
    pub fn push(&mut self, values: &[f32], marks: [usize; 2]) {
        let step = |(step, &value): (usize, &f32)| [value, f32::from(u8::from(marks.contains(&step)))];
        self.inputs.extend(values.iter().enumerate().flat_map(step));
        self.targets.push(marks.iter().map(|&mark| values[mark]).sum());
    }

    /// Some of them.
    ///
    /// # Panics
    ///
    /// When one is not there.
    #[must_use]
    pub fn part(&self, rows: Range<usize>) -> Self {
        let width = self.inputs.len() / self.len().max(1);
        let inputs = self.inputs[rows.start * width..rows.end * width].to_vec();
        Self { inputs, targets: self.targets[rows].to_vec() }
    }

    /// `B`, the number of sequences.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

#[cfg(test)]
mod tests;
