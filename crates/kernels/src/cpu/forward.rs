//! The forward pass of all cells.

use std::{mem::MaybeUninit, ops::Range, sync::Arc};

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd, WithSimd};

use super::{
    blocks::{Extent, StepRows, split_rows, split_steps},
    cell::{CpuCell, RowStep},
    once::Pass,
    panels::{Orientation, Panels},
    pool::Buffer,
    source::{Reader, Source, Symbols},
    tensors::{CpuBackend, Gates},
    tiles::{Row, Start, multiply},
};
use crate::{
    Scan,
    recurrence::{Arguments, Cell, Kept, Walked},
};

/// State that the forward pass saves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved<B: CpuBackend> {
    pub extent: Extent,
    pub scan: Scan,
    /// The tokens, if the input is a table.
    pub symbols: Option<Symbols>,
    pub weight_hh: FloatTensor<B>,
    /// `[B, H]` each: `h0`, and `c0` if the cell has a cell state.
    pub initial: Vec<FloatTensor<B>>,
    /// `[T, B, G]`: the gates, if they are not the hidden states.
    pub gates: Option<Gates<B>>,
    /// `[T, B, H]`: the recurrent product of the separate gate with its bias, if any.
    pub apart: Gates<B>,
    /// `[T, B, H]`: `c_t`, if the cell has a cell state.
    pub cells: Arc<Buffer>,
    /// `[T, B, H]`: `h_t`.
    pub hidden: FloatTensor<B>,
}

/// Runs the sequence with the instruction set `arch`; saves the state of the backward pass if `keep`.
pub(crate) fn forward<B: CpuBackend, R: CpuCell>(
    cell: R,
    arch: Arch,
    arguments: Arguments<B>,
    scan: &Scan,
    keep: bool,
) -> Kept<B, Saved<B>> {
    let mut weights = arguments.weights.0.into_iter().map(B::contiguous);
    let (weight_hh, bias_hh) = (weights.next().expect("every cell has recurrent weights"), weights.next());
    let initial: Vec<_> = arguments.initial.0.into_iter().map(B::contiguous).collect();
    let (reader, [steps, batch]) = Reader::new(arguments.input, scan);
    let width = initial[0].shape()[1];
    let extent = Extent { arch, steps, batch, gates: R::GATES, hidden: width };

    // Absent parts have width 0.
    let (gates_width, apart_width) = (R::GATES * width, R::APART * width);
    let cells_width = if keep { R::CELL_STATES * width } else { 0 };
    let hidden_width = if R::GATE_IS_STATE { 0 } else { width };
    let rows = steps * batch;
    let (reader, mut gates) = if R::GATE_IS_STATE {
        let (reader, projection) = reader.hand_over();
        (reader, Some(Gates::Tensor(projection.unwrap_or_else(|| B::zeros([steps, batch, gates_width])))))
    } else if keep {
        let (reader, gates) = reader.keep_gates(&extent, gates_width);
        (reader, Some(gates))
    } else {
        (reader, None)
    };
    let mut apart = keep.then(|| Buffer::take(rows * apart_width));
    let mut cells = Buffer::take(rows * cells_width);
    let mut hidden = Vec::with_capacity(rows * hidden_width);
    let mut last: Vec<_> = initial.iter().map(B::duplicate).collect();
    let mut state = last.iter_mut().map(B::slice_mut);
    let (h, c) = (state.next().expect("every cell has a hidden state"), state.next().unwrap_or_default());

    let weights = Weights::get::<B, R>(&extent, scan, Pass::Forward, &weight_hh);
    let blocks = extent.blocks();
    let kept_gates = StepRows::of_blocks(gates.as_mut().map(Gates::slice_mut), &extent, &blocks, gates_width);
    let kept_apart = StepRows::of_blocks(apart.as_deref_mut(), &extent, &blocks, apart_width);
    let written = &mut hidden.spare_capacity_mut()[..rows * hidden_width];
    let work = (blocks.iter().zip(kept_gates).zip(kept_apart))
        .zip(split_steps(&mut cells, &extent, &blocks, cells_width))
        .zip(split_steps(written, &extent, &blocks, hidden_width))
        .zip(split_rows(h, &blocks, width))
        .zip(split_rows(c, &blocks, R::CELL_STATES * width));
    let tasks = work.map(|((((((block, gates), apart), cells), hidden), h), c)| Block {
        cell,
        extent: &extent,
        scan,
        weights: &weights,
        bias: bias_hh.as_ref().map_or(&[], B::slice),
        source: reader.source(),
        block: block.clone(),
        gates,
        apart,
        cells,
        hidden,
        h,
        c,
    });
    extent.run(tasks.collect());

    let hidden = if R::GATE_IS_STATE {
        gates.take().and_then(Gates::into_tensor).expect("gates that are the output are a tensor")
    } else {
        // SAFETY: the pass writes each row of each step.
        unsafe { hidden.set_len(rows * hidden_width) };
        B::from_elements(hidden, [steps, batch, width].into())
    };
    let saved = apart.map(|apart| Saved {
        extent,
        scan: scan.clone(),
        symbols: reader.into_symbols(),
        weight_hh,
        initial,
        gates,
        apart: Gates::Pooled(Arc::new(apart)),
        cells: Arc::new(cells),
        hidden: hidden.clone(),
    });
    (Walked { hidden, last }, saved)
}

/// The packed recurrent weights: those whose products are added to the input, and those of the separate gate.
#[derive(Debug)]
pub(crate) struct Weights {
    pub joined: Panels,
    pub apart: Option<Panels>,
}

impl Weights {
    /// Those for a pass: packed now, or by another walk of the same loop.
    pub fn get<B: CpuBackend, R: Cell>(
        extent: &Extent,
        scan: &Scan,
        pass: Pass,
        weight_hh: &FloatTensor<B>,
    ) -> Arc<Self> {
        let orientation = match pass {
            Pass::Forward => Orientation::Transposed,
            Pass::Backward => Orientation::Plain,
        };
        let pack = |weight_hh: &[f32]| Self::pack::<R>(extent, weight_hh, orientation);
        match scan.packed.weights() {
            Some(once) => once.get::<B>(pass, weight_hh, pack),
            None => Arc::new(pack(B::slice(weight_hh))),
        }
    }

    fn pack<R: Cell>(extent: &Extent, weight_hh: &[f32], orientation: Orientation) -> Self {
        let (joined, apart) = weight_hh.split_at((R::GATES - R::APART) * extent.hidden * extent.hidden);
        let apart = (R::APART > 0).then(|| extent.pack(apart, orientation));
        Self { joined: extent.pack(joined, orientation), apart }
    }
}

/// The forward pass of a block of rows.
struct Block<'a, R> {
    cell: R,
    extent: &'a Extent,
    scan: &'a Scan,
    weights: &'a Weights,
    /// `[G]`: the recurrent bias, if the cell has one.
    bias: &'a [f32],
    source: Source<'a>,
    block: Range<usize>,
    /// At each step, `[rows, G]`: the gates.
    gates: StepRows<'a>,
    /// At each step, `[rows, H]`: the recurrent product of the separate gate with its bias, if any.
    apart: StepRows<'a>,
    /// At each step, `[rows, H]`: `c_t`, if the backward pass needs it.
    cells: Vec<&'a mut [f32]>,
    /// At each step, `[rows, H]`, uninitialised: `h_t`, 0 past a row's length; if it is not the gate.
    hidden: Vec<&'a mut [MaybeUninit<f32>]>,
    /// `[rows, H]`: the state, updated at each step.
    h: &'a mut [f32],
    c: &'a mut [f32],
}

impl<R: CpuCell> WithSimd for Block<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let width = self.extent.hidden;
        let (gates_width, joined_width) = (R::GATES * width, (R::GATES - R::APART) * width);
        let mut rows = Vec::with_capacity(self.block.len());
        for t in self.scan.order(self.extent.steps) {
            self.scan.valid_rows(t, &self.block, &mut rows);
            let (gates, apart) = (self.gates.at(t), self.apart.at(t));
            let (hidden, cells) = (&mut *self.hidden[t], &mut *self.cells[t]);
            let first = t * self.extent.batch + self.block.start;
            let joined = |r: usize| Row {
                factors: &self.h[r * width..][..width],
                start: self.source.start(first + r, gates_width),
                at: r * gates_width,
            };
            multiply(simd, &rows, joined, &self.weights.joined, gates);
            // Compiled only for cells that have one: in the others this is the innermost code.
            if R::APART > 0
                && let Some(panels) = &self.weights.apart
            {
                let start = Start::From(&self.bias[joined_width..]);
                multiply(simd, &rows, |r| Row { start, at: r * width, ..joined(r) }, panels, apart);
            }
            let each_row = gates.chunks_exact_mut(gates_width).zip(self.h.chunks_exact_mut(width));
            for (r, (gates, h)) in each_row.enumerate() {
                let row = r * width..(r + 1) * width;
                if !self.scan.is_valid(t, self.block.start + r) {
                    if R::GATE_IS_STATE {
                        gates.fill(0.0);
                    } else {
                        hidden[row].fill(MaybeUninit::new(0.0));
                    }
                    continue;
                }
                if R::APART > 0
                    && let Some(input) = self.source.row(first + r, gates_width)
                {
                    gates[joined_width..].copy_from_slice(&input[joined_width..]);
                }
                let c = if R::CELL_STATES > 0 { &mut self.c[row.clone()] } else { &mut [] };
                let apart = if R::APART > 0 { &apart[row.clone()] } else { &[] };
                self.cell.step(simd, RowStep { gates, apart, bias: self.bias, h: &mut *h, c: &mut *c });
                if !R::GATE_IS_STATE {
                    hidden[row.clone()].write_copy_of_slice(h);
                }
                if R::CELL_STATES > 0 && !cells.is_empty() {
                    cells[row].copy_from_slice(c);
                }
            }
        }
    }
}
