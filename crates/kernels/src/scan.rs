//! How a sequence is walked: its direction and the lengths of its rows.

use std::ops::Range;

/// The end from which a sequence is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From step 0 to the last valid step of each row.
    #[default]
    Forward,
    /// From the last valid step of each row to step 0. Outputs stand at their time
    /// index, and the final state is that after step 0.
    Reverse,
}

/// How the sequence is walked.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The end from which the sequence is read.
    pub direction: Direction,
    /// `lengths[b]`: the valid steps of row `b`, in `1..=T`; `None`: all `T` steps.
    ///
    /// Past its length the state of a row is frozen, its output is 0 and nothing
    /// flows to a gradient, as in PyTorch's `pad_packed_sequence`.
    pub lengths: Option<Vec<usize>>,
}

impl Scan {
    /// The time indices in the order of the walk.
    pub(crate) fn order(&self, steps: usize) -> Vec<usize> {
        match self.direction {
            Direction::Forward => (0..steps).collect(),
            Direction::Reverse => (0..steps).rev().collect(),
        }
    }

    /// Whether step `t` of row `b` is within the row's length.
    pub(crate) fn is_valid(&self, t: usize, b: usize) -> bool {
        self.lengths.as_ref().is_none_or(|lengths| t < lengths[b])
    }

    /// The rows of `block` that are within their length at step `t`, counted from the
    /// block's first row.
    pub(crate) fn valid_rows(&self, t: usize, block: &Range<usize>, rows: &mut Vec<usize>) {
        rows.clear();
        rows.extend((0..block.len()).filter(|r| self.is_valid(t, block.start + r)));
    }

    /// The step of row `b` that is walked before step `t`; `None` if `t` is its first.
    pub(crate) fn previous(&self, t: usize, b: usize, steps: usize) -> Option<usize> {
        match self.direction {
            Direction::Forward => t.checked_sub(1),
            Direction::Reverse => (t + 1 < steps && self.is_valid(t + 1, b)).then_some(t + 1),
        }
    }

    /// The step of row `b` that is walked first.
    pub(crate) fn first(&self, b: usize, steps: usize) -> usize {
        match self.direction {
            Direction::Forward => 0,
            Direction::Reverse => self.lengths.as_ref().map_or(steps, |lengths| lengths[b]) - 1,
        }
    }
}
