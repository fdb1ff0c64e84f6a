//! The split of the batch over threads.

use std::ops::Range;

use pulp::{Arch, WithSimd};

use super::pool::Buffer;

/// Below this many multiplications a walk is not worth a second thread.
const PARALLEL_WORK: usize = 1 << 18;

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
