//! The rows of a batch that this process has, when several processes train on one batch.
//!
//! Noise belongs to a row of the whole batch, and not to the process that computes it: so N processes drop the hidden
//! values that one process would drop. [`Rows::within`] says which rows a forward pass has, and [`Lines`] where the
//! rows are in a tensor.

use std::cell::Cell;
use std::ops::Range;

use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};

/// Consecutive rows of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The first of them.
    pub first: usize,
    /// Their number.
    pub count: usize,
    /// Rows of the whole batch.
    pub all: usize,
    /// Lines of the rows before the first, where lines are [packed](Lines::Packed).
    pub lines_before: usize,
}

thread_local! {
    /// The rows of the forward pass on this thread; none if it has the whole batch.
    static PRESENT: Cell<Option<Rows>> = const { Cell::new(None) };
}

impl Rows {
    /// Part `part` of `parts` of a batch of `all` rows: the parts differ by at most one row.
    ///
    /// # Panics
    ///
    /// When there is no such part.
    pub fn part(all: usize, part: usize, parts: usize) -> Self {
        assert!(part < parts, "part {part} of {parts}");
        let first = all * part / parts;
        Self { first, count: all * (part + 1) / parts - first, all, lines_before: 0 }
    }

    /// These rows, after so many packed lines of the rows before them.
    #[must_use]
    pub fn after(self, lines: usize) -> Self {
        Self { lines_before: lines, ..self }
    }

    /// Their places in the batch.
    pub fn range(self) -> Range<usize> {
        self.first..self.first + self.count
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Runs `action`, whose batches have these rows.
    ///
    /// They belong to the thread: work that `action` hands to other threads has whole batches.
    pub fn within<R>(self, action: impl FnOnce() -> R) -> R {
        /// Restores the rows, also after a panic.
        struct Before(Option<Rows>);
        impl Drop for Before {
            fn drop(&mut self) {
                PRESENT.set(self.0);
            }
        }
        let _before = Before(PRESENT.replace((self.count < self.all).then_some(self)));
        action()
    }
}

/// Where the rows of a batch are among the lines of a tensor, whose last dimension is the width of a line.
#[derive(Clone, Copy, Debug)]
pub enum Lines {
    /// `[.., B, W]`, or lines `[T * B, W]`: line `t B + b` is row `b` at time step `t`.
    TimeMajor {
        /// `B`.
        rows: usize,
    },
    /// `[B, T, W]`: line `b T + t` is row `b` at time step `t`.
    BatchMajor {
        /// `T`.
        time: usize,
    },
    /// Lines row by row, of each row as many as its length.
    Packed,
}

impl Lines {
    /// The number of each line in the whole batch, and a bound above them. None if this process has the whole batch.
    pub(crate) fn numbers(self, lines: usize) -> Option<(Vec<u32>, usize)> {
        let present = PRESENT.get()?;
        // A tensor may have several lines for each row of the batch: the captions of an image.
        let of = |rows: usize| [present.first, present.all].map(|at| at * (rows / present.count.max(1)));
        let number = |number: usize| number as u32;
        Some(match self {
            Lines::TimeMajor { rows } => {
                let [first, all] = of(rows);
                let numbers = (0..lines).map(|line| number(line / rows * all + first + line % rows)).collect();
                (numbers, lines / rows.max(1) * all)
            }
            Lines::BatchMajor { time } => {
                let [first, all] = of(lines / time.max(1)).map(|rows| rows * time);
                ((first..first + lines).map(number).collect(), all)
            }
            Lines::Packed => {
                let end = present.lines_before + lines;
                ((present.lines_before..end).map(number).collect(), end)
            }
        })
    }
}

/// The number of each of `count` lines in the whole batch: a function of its row in the whole batch, and of its time
/// step.
pub fn numbers(count: usize, lines: Lines) -> Vec<u32> {
    lines.numbers(count).map_or_else(|| (0..count as u32).collect(), |(numbers, _)| numbers)
}

/// Random numbers `[N]`, one for each of `count` lines.
pub fn random(count: usize, lines: Lines, distribution: Distribution, device: &Device) -> Tensor<1> {
    match lines.numbers(count) {
        None => Tensor::random([count], distribution, device),
        Some((numbers, all)) => Tensor::<1>::random([all], distribution, device).select(0, places(numbers, device)),
    }
}

/// Line numbers as a tensor.
pub(crate) fn places(numbers: Vec<u32>, device: &Device) -> Tensor<1, Int> {
    let numbers: Vec<i32> = numbers.into_iter().map(|number| number as i32).collect();
    let count = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [count]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_batch_once() {
        for (all, parts) in [(8, 2), (7, 3), (2, 3), (0, 4), (64, 64)] {
            let of = |part| Rows::part(all, part, parts);
            let covered: Vec<usize> = (0..parts).flat_map(|part| of(part).range()).collect();
            assert_eq!(covered, (0..all).collect::<Vec<_>>());
            let counts = (0..parts).map(|part| of(part).count);
            assert!(counts.clone().max().unwrap() - counts.min().unwrap() <= 1, "{all} rows in {parts} parts");
        }
    }

    /// The numbers of the lines of `rows`.
    fn of(rows: Rows, lines: Lines, count: usize) -> Vec<u32> {
        rows.within(|| numbers(count, lines))
    }

    /// Lines of the parts together are those of the whole batch.
    fn check(whole: Vec<u32>, mut parts: Vec<u32>) {
        let mut whole = whole;
        whole.sort_unstable();
        parts.sort_unstable();
        assert_eq!(parts, whole);
    }

    #[test]
    fn a_line_has_the_number_that_it_has_in_the_whole_batch() {
        let (all, time) = (5, 3);
        let part = |part: usize| Rows::part(all, part, 2);
        let whole = Rows::part(all, 0, 1);
        let time_major = |rows: Rows| of(rows, Lines::TimeMajor { rows: rows.count }, time * rows.count);
        assert_eq!(time_major(part(1)), [2, 3, 4, 7, 8, 9, 12, 13, 14]);
        check(time_major(whole), [time_major(part(0)), time_major(part(1))].concat());
        let batch_major = |rows: Rows| of(rows, Lines::BatchMajor { time }, time * rows.count);
        check(batch_major(whole), [batch_major(part(0)), batch_major(part(1))].concat());
        let lengths = [3, 1, 2, 0, 3];
        let packed = |rows: Rows| {
            let count = |rows: Range<usize>| lengths[rows].iter().sum::<usize>();
            of(rows.after(count(0..rows.first)), Lines::Packed, count(rows.range()))
        };
        assert_eq!(packed(part(1)), [4, 5, 6, 7, 8]);
        check(packed(whole), [packed(part(0)), packed(part(1))].concat());
        // Two captions for each image.
        let captions = |rows: Rows| of(rows, Lines::TimeMajor { rows: 2 * rows.count }, 2 * rows.count);
        assert_eq!(captions(part(1)), [4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn the_rows_end_with_their_action() {
        let some = Rows::part(4, 1, 2);
        assert!(some.within(|| Lines::TimeMajor { rows: 2 }.numbers(2)).is_some());
        assert!(Lines::TimeMajor { rows: 2 }.numbers(2).is_none());
    }
}
