//! The partition of the batch among threads.

use std::ops::Range;

use pulp::{Arch, WithSimd};

use super::{
    panels::{Orientation, Panels, SHARED_WEIGHTS},
    pool::Buffer,
};

/// A second thread does not pay below this many multiplications.
pub(crate) const PARALLEL_WORK: usize = 1 << 18;

/// Rows from which computation takes a thread longer than reading the weights.
const THREAD_ROWS: usize = 5;

/// Elements per task of element-wise work, enough for another thread. Even, because dropout masks are drawn in pairs.
pub(crate) const CHUNK: usize = 1 << 14;

/// The sizes of a cell's sequence, and the instruction set to use.
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
    /// Packs the rows of `W_hh` `[G, H]`, or some of them, for the products of the steps.
    pub fn pack(&self, weight: &[f32], orientation: Orientation) -> Panels {
        Panels::pack(self.arch, weight, self.hidden, orientation).shared_by(self.sharing_threads())
    }

    /// Threads that share each step's product if there are too few rows for a block each; else 1.
    fn sharing_threads(&self) -> usize {
        let threads = rayon::current_num_threads();
        if self.weights() < SHARED_WEIGHTS || self.batch >= THREAD_ROWS * threads { 1 } else { threads }
    }

    /// Number of weights in `W_hh`.
    fn weights(&self) -> usize {
        self.gates * self.hidden * self.hidden
    }

    /// A block of rows for each thread with its own rows.
    pub fn blocks(&self) -> Vec<Range<usize>> {
        let alone = self.steps * self.batch * self.weights() < PARALLEL_WORK || self.sharing_threads() > 1;
        let threads = if alone { 1 } else { rayon::current_num_threads().min(self.batch) };
        let edge = |index: usize| index * self.batch / threads;
        (0..threads).map(|index| edge(index)..edge(index + 1)).collect()
    }

    /// Runs one task per block, each on its own thread.
    pub fn run<W: WithSimd<Output = ()> + Send>(&self, tasks: Vec<W>) {
        let arch = self.arch;
        if tasks.len() == 1 && self.sharing_threads() == 1 {
            tasks.into_iter().for_each(|task| arch.dispatch(task));
        } else {
            // A task that shares its products enters the pool once, not for each product.
            rayon::scope(|scope| {
                for task in tasks {
                    scope.spawn(move |_| arch.dispatch(task));
                }
            });
        }
    }
}

/// Splits `[B, width]` into the rows of each block.
pub(crate) fn split_rows<'a, T>(mut data: &'a mut [T], blocks: &[Range<usize>], width: usize) -> Vec<&'a mut [T]> {
    blocks.iter().map(|block| data.split_off_mut(..block.len() * width).expect("the blocks cover the rows")).collect()
}

/// Splits `[T, B, width]` into the rows of each block, step by step: `[block][t]`.
pub(crate) fn split_steps<'a, T>(
    mut data: &'a mut [T],
    extent: &Extent,
    blocks: &[Range<usize>],
    width: usize,
) -> Vec<Vec<&'a mut [T]>> {
    let mut parts: Vec<Vec<_>> = blocks.iter().map(|_| Vec::with_capacity(extent.steps)).collect();
    for _ in 0..extent.steps {
        let step = data.split_off_mut(..extent.batch * width).expect("the data covers the steps");
        for (part, rows) in parts.iter_mut().zip(split_rows(step, blocks, width)) {
            part.push(rows);
        }
    }
    parts
}

/// A block's rows at each step, in a buffer of all steps or in one that each step overwrites.
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
mod tests;
