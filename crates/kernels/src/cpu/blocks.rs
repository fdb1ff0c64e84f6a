//! The split of the batch over threads.

use std::ops::Range;

use pulp::{Arch, WithSimd};

use super::{
    panels::{Orientation, Panels, SHARED_WEIGHTS},
    pool::Buffer,
};

/// Below this many multiplications a walk or a product is not worth a second thread.
pub(crate) const PARALLEL_WORK: usize = 1 << 18;

/// Rows with which a thread computes longer than it reads the weights.
const THREAD_ROWS: usize = 5;

/// Numbers that element-wise work takes at once: enough to be worth another thread. Even: a mask of dropout is drawn in
/// pairs.
pub(crate) const CHUNK: usize = 1 << 14;

/// The sizes of a cell's sequence, and the instructions to walk it with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub arch: Arch,
    pub steps: usize,
    pub batch: usize,
    /// Gates of the cell.
    pub gates: usize,
    pub hidden: usize,
}

impl Extent {
    /// Packs the rows of `W_hh` `[G, H]`, or some of them, for the products of the walk.
    pub fn pack(&self, weight: &[f32], orientation: Orientation) -> Panels {
        Panels::pack(self.arch, weight, self.hidden, orientation).shared_by(self.sharing_threads())
    }

    /// Threads that share the product of each step, because there are not rows enough for each to
    /// have its own; else 1.
    fn sharing_threads(&self) -> usize {
        let threads = rayon::current_num_threads();
        if self.weights() < SHARED_WEIGHTS || self.batch >= THREAD_ROWS * threads { 1 } else { threads }
    }

    /// Numbers of `W_hh`.
    fn weights(&self) -> usize {
        self.gates * self.hidden * self.hidden
    }

    /// One block of rows for each thread that has rows of its own.
    pub fn blocks(&self) -> Vec<Range<usize>> {
        let alone = self.steps * self.batch * self.weights() < PARALLEL_WORK || self.sharing_threads() > 1;
        let threads = if alone { 1 } else { rayon::current_num_threads().min(self.batch) };
        let edge = |index: usize| index * self.batch / threads;
        (0..threads).map(|index| edge(index)..edge(index + 1)).collect()
    }

    /// Runs one task per block, each on a thread of its own.
    pub fn run<W: WithSimd<Output = ()> + Send>(&self, tasks: Vec<W>) {
        let arch = self.arch;
        if tasks.len() == 1 && self.sharing_threads() == 1 {
            tasks.into_iter().for_each(|task| arch.dispatch(task));
        } else {
            // A task that shares its products goes into the pool once, not for each of them.
            rayon::scope(|scope| {
                for task in tasks {
                    scope.spawn(move |_| arch.dispatch(task));
                }
            });
        }
    }
}

/// Cuts `[B, width]` into the rows of each block.
pub(crate) fn split_rows<'a, T>(mut data: &'a mut [T], blocks: &[Range<usize>], width: usize) -> Vec<&'a mut [T]> {
    blocks.iter().map(|block| data.split_off_mut(..block.len() * width).expect("the blocks cover the rows")).collect()
}

/// Cuts `[T, B, width]` into the rows of each block, step by step: `[block][t]`.
pub(crate) fn split_steps<'a, T>(
    data: &'a mut [T],
    extent: &Extent,
    blocks: &[Range<usize>],
    width: usize,
) -> Vec<Vec<&'a mut [T]>> {
    let mut parts: Vec<Vec<_>> = blocks.iter().map(|_| Vec::with_capacity(extent.steps)).collect();
    for step in data.chunks_exact_mut(extent.batch * width) {
        for (part, rows) in parts.iter_mut().zip(split_rows(step, blocks, width)) {
            part.push(rows);
        }
    }
    parts
}

/// A block's rows at each step, in a buffer that is kept or in one that each step overwrites.
pub(crate) enum StepRows<'a> {
    Kept(Vec<&'a mut [f32]>),
    Scratch(Buffer),
}

impl<'a> StepRows<'a> {
    /// The rows of each block, in `kept` `[T, B, width]` if there is one.
    pub fn of_blocks(kept: Option<&'a mut [f32]>, extent: &Extent, blocks: &[Range<usize>], width: usize) -> Vec<Self> {
        match kept {
            Some(kept) => split_steps(kept, extent, blocks, width).into_iter().map(StepRows::Kept).collect(),
            None => blocks.iter().map(|block| StepRows::Scratch(Buffer::take(block.len() * width))).collect(),
        }
    }

    /// The rows at step `t`.
    #[inline(always)]
    pub fn at(&mut self, t: usize) -> &mut [f32] {
        match self {
            StepRows::Kept(steps) => steps[t],
            StepRows::Scratch(rows) => rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use rekindle_testing::on_threads;

    use super::*;

    fn extent(steps: usize, batch: usize, hidden: usize) -> Extent {
        Extent { arch: Arch::Scalar, steps, batch, gates: 4, hidden }
    }

    #[test]
    fn blocks_cover_the_batch_evenly() {
        let blocks = on_threads(3, || extent(10, 7, 256).blocks());
        assert_eq!(blocks, [0..2, 2..4, 4..7]);
    }

    #[test]
    fn there_are_no_more_blocks_than_rows() {
        assert_eq!(on_threads(3, || extent(100, 2, 256).blocks()), [0..1, 1..2]);
    }

    #[test]
    fn little_work_stays_on_one_thread() {
        assert_eq!(on_threads(3, || extent(2, 7, 16).blocks()).len(), 1);
    }

    #[test]
    fn few_rows_of_a_large_cell_stay_together_and_share_each_product() {
        for (batch, threads, blocks) in [(1, 3, 1), (14, 3, 1), (15, 1, 3)] {
            let (seen_threads, seen_blocks) = on_threads(3, || {
                let extent = extent(2, batch, 512);
                (extent.sharing_threads(), extent.blocks())
            });
            assert_eq!((seen_threads, seen_blocks.len()), (threads, blocks), "{batch} rows");
        }
    }

    #[test]
    fn each_block_gets_its_rows_of_each_step() {
        let mut data: Vec<f32> = (0..12).map(|x| x as f32).collect();
        let parts = split_steps(&mut data, &extent(2, 3, 2), &[0..1, 1..3], 2);
        assert_eq!(parts[0], [[0.0, 1.0], [6.0, 7.0]]);
        assert_eq!(parts[1], [[2.0, 3.0, 4.0, 5.0], [8.0, 9.0, 10.0, 11.0]]);
    }
}
