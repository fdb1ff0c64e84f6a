//! The split of the batch over threads.

use std::ops::Range;

use pulp::{Arch, WithSimd};

use super::pool::Buffer;

/// Below this many multiplications a walk or a product is not worth a second thread.
pub(crate) const PARALLEL_WORK: usize = 1 << 18;

/// Numbers that element-wise work takes at once: enough to be worth another thread. Even: a mask of dropout is drawn in
/// pairs.
pub(crate) const CHUNK: usize = 1 << 14;

/// The sizes of a sequence, and the instructions to walk it with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub arch: Arch,
    pub steps: usize,
    pub batch: usize,
    pub hidden: usize,
}

impl Extent {
    /// One block of rows for each thread that has work; `gates` of the cell.
    pub fn blocks(&self, gates: usize) -> Vec<Range<usize>> {
        let work = self.steps * self.batch * gates * self.hidden * self.hidden;
        let threads = if work < PARALLEL_WORK { 1 } else { rayon::current_num_threads().min(self.batch) };
        let edge = |index: usize| index * self.batch / threads;
        (0..threads).map(|index| edge(index)..edge(index + 1)).collect()
    }
}

/// Cuts `[B, width]` into the rows of each block.
pub(crate) fn split_rows<'a>(mut data: &'a mut [f32], blocks: &[Range<usize>], width: usize) -> Vec<&'a mut [f32]> {
    blocks.iter().map(|block| data.split_off_mut(..block.len() * width).expect("the blocks cover the rows")).collect()
}

/// Cuts `[T, B, width]` into the rows of each block, step by step: `[block][t]`.
pub(crate) fn split_steps<'a>(
    data: &'a mut [f32],
    extent: &Extent,
    blocks: &[Range<usize>],
    width: usize,
) -> Vec<Vec<&'a mut [f32]>> {
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

/// Runs one task per block, each on a thread of its own.
pub(crate) fn run<W: WithSimd<Output = ()> + Send>(arch: Arch, tasks: Vec<W>) {
    if tasks.len() == 1 {
        tasks.into_iter().for_each(|task| arch.dispatch(task));
    } else {
        rayon::scope(|scope| {
            for task in tasks {
                scope.spawn(move |_| arch.dispatch(task));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(steps: usize, batch: usize, hidden: usize) -> Extent {
        Extent { arch: Arch::Scalar, steps, batch, hidden }
    }

    fn on_threads<R: Send>(threads: usize, action: impl FnOnce() -> R + Send) -> R {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads can be started").install(action)
    }

    #[test]
    fn blocks_cover_the_batch_evenly() {
        let blocks = on_threads(3, || extent(10, 7, 256).blocks(4));
        assert_eq!(blocks, [0..2, 2..4, 4..7]);
    }

    #[test]
    fn there_are_no_more_blocks_than_rows() {
        assert_eq!(on_threads(3, || extent(100, 2, 256).blocks(4)), [0..1, 1..2]);
    }

    #[test]
    fn little_work_stays_on_one_thread() {
        assert_eq!(on_threads(3, || extent(2, 7, 16).blocks(4)).len(), 1);
    }

    #[test]
    fn each_block_gets_its_rows_of_each_step() {
        let mut data: Vec<f32> = (0..12).map(|x| x as f32).collect();
        let parts = split_steps(&mut data, &extent(2, 3, 2), &[0..1, 1..3], 2);
        assert_eq!(parts[0], [[0.0, 1.0], [6.0, 7.0]]);
        assert_eq!(parts[1], [[2.0, 3.0, 4.0, 5.0], [8.0, 9.0, 10.0, 11.0]]);
    }
}
