//! The rows that are valid at a step, and their previous steps.

use std::ops::Range;

use crate::{Direction, Scan};

impl Scan {
    /// Whether step `t` of row `b` is within the row's length.
    pub(crate) fn is_valid(&self, t: usize, b: usize) -> bool {
        self.lengths.as_ref().is_none_or(|lengths| t < lengths[b])
    }

    /// The rows of `block` within their length at step `t`, as offsets in the block.
    pub(crate) fn valid_rows(&self, t: usize, block: &Range<usize>, rows: &mut Vec<usize>) {
        rows.clear();
        rows.extend((0..block.len()).filter(|r| self.is_valid(t, block.start + r)));
    }

    /// The step of row `b` before step `t` in the scan; `None` if `t` is its first.
    pub(crate) fn previous(&self, t: usize, b: usize, steps: usize) -> Option<usize> {
        match self.direction {
            Direction::Forward => t.checked_sub(1),
            Direction::Reverse => (t + 1 < steps && self.is_valid(t + 1, b)).then_some(t + 1),
        }
    }
}
