//! The LSTM as native code of the CPU backends.
//!
//! Numbers kept for the backward pass: `4 T B H` gates and `T B H` cells, beside the
//! hidden states that are the output. The gates take the place of the projected input,
//! and their gradients the place of the gates.

use std::{mem::MaybeUninit, ops::Range, sync::Arc};

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd, WithSimd};

use super::Lstm;
use crate::{
    Scan,
    backend::InputTensors,
    cpu::{
        activation::{sigmoid, sigmoid_slope, tanh, tanh_slope},
        blocks::{Extent, StepRows, split_rows, split_steps},
        gradients::{input_gradient, weight_gradient},
        lanes::{Lanewise, parts, update},
        outer::Columns,
        panels::{Orientation, Panels},
        pool::Buffer,
        recurrence::CpuRecurrence,
        source::{Reader, Source, Symbols},
        tensors::{CpuBackend, Gates},
        tiles::{Product, Row, Start},
    },
    recurrence::{Gradients, Upstream, Walked, Wanted},
};

/// Gates i, f, g, o.
const GATES: usize = 4;

/// What the forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved<B: CpuBackend> {
    extent: Extent,
    scan: Scan,
    /// The table's symbols, if the input was looked up.
    symbols: Option<Symbols>,
    weight_hh: FloatTensor<B>,
    h0: FloatTensor<B>,
    c0: FloatTensor<B>,
    /// `[T, B, 4H]`: i, f, g, o after their nonlinearity.
    gates: Gates<B>,
    /// `[T, B, H]`: `c_t`.
    cells: Arc<Buffer>,
    /// `[T, B, H]`: `h_t`.
    hidden: FloatTensor<B>,
}

impl CpuRecurrence<3, 2> for Lstm {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(
        self,
        arch: Arch,
        input: InputTensors<B>,
        parameters: [FloatTensor<B>; 3],
        scan: &Scan,
        keep: bool,
    ) -> (Walked<B, 2>, Option<Saved<B>>) {
        let [weight_hh, h0, c0] = parameters.map(B::contiguous);
        let (mut reader, [steps, batch]) = Reader::new(input, scan);
        let width = h0.shape()[1];
        let extent = Extent { arch, steps, batch, gates: GATES, hidden: width };
        let mut gates = None;
        if keep {
            let (rest, kept) = reader.keep_gates(&extent, GATES * width);
            (reader, gates) = (rest, Some(kept));
        }
        let mut cells = keep.then(|| Buffer::take(steps * batch * width));
        let len = steps * batch * width;
        let mut hidden = Vec::with_capacity(len);
        let (mut last_hidden, mut last_cell) = (B::duplicate(&h0), B::duplicate(&c0));

        let panels = extent.pack(B::slice(&weight_hh), Orientation::Transposed);
        let blocks = extent.blocks();
        let kept_gates = gates.as_mut().map(Gates::slice_mut);
        let mut cells_of_blocks = match &mut cells {
            Some(cells) => split_steps(cells, &extent, &blocks, width),
            None => Vec::new(),
        }
        .into_iter();
        let work = blocks
            .iter()
            .zip(StepRows::of_blocks(kept_gates, &extent, &blocks, GATES * width))
            .zip(split_steps(&mut hidden.spare_capacity_mut()[..len], &extent, &blocks, width))
            .zip(split_rows(B::slice_mut(&mut last_hidden), &blocks, width))
            .zip(split_rows(B::slice_mut(&mut last_cell), &blocks, width));
        let tasks = work.map(|((((block, gates), hidden), h), c)| Forward {
            extent: &extent,
            scan,
            panels: &panels,
            source: reader.source(),
            block: block.clone(),
            gates,
            cells: cells_of_blocks.next(),
            hidden,
            h,
            c,
        });
        extent.run(tasks.collect());

        // SAFETY: the walk writes each row of each step.
        unsafe { hidden.set_len(len) };
        let hidden = B::from_elements(hidden, [steps, batch, width].into());
        let saved = gates.zip(cells).map(|(gates, cells)| Saved {
            extent,
            scan: scan.clone(),
            symbols: reader.into_symbols(),
            weight_hh,
            h0,
            c0,
            gates,
            cells: Arc::new(cells),
            hidden: hidden.clone(),
        });
        let last = [last_hidden, last_cell];
        (Walked { hidden, last }, saved)
    }

    fn backward<B: CpuBackend>(mut saved: Saved<B>, upstream: Upstream<B, 2>, wanted: Wanted) -> Gradients<B, 3> {
        let (extent, scan) = (saved.extent, &saved.scan);
        let width = extent.hidden;
        let [dh, dc] = upstream.last;
        let mut dh = B::gradient_or_zeros(dh, &saved.h0);
        let mut dc = B::gradient_or_zeros(dc, &saved.c0);
        let d_hidden = upstream.hidden.map(B::contiguous);

        let panels = extent.pack(B::slice(&saved.weight_hh), Orientation::Plain);
        let blocks = extent.blocks();
        let gates = split_steps(saved.gates.slice_mut(), &extent, &blocks, GATES * width);
        let work = blocks.iter().zip(gates).zip(split_rows(B::slice_mut(&mut dh), &blocks, width)).zip(split_rows(
            B::slice_mut(&mut dc),
            &blocks,
            width,
        ));
        let tasks = work.map(|(((block, gates), dh), dc)| Backward {
            extent: &extent,
            scan,
            panels: &panels,
            block: block.clone(),
            gates,
            cells: &saved.cells,
            c0: B::slice(&saved.c0),
            d_hidden: d_hidden.as_ref().map(B::slice),
            dh,
            dc,
        });
        extent.run(tasks.collect());

        let weight_hh = wanted.weight_hh.then(|| {
            let mut gradient = B::zeros([GATES * width, width]);
            let d = Columns::all(saved.gates.slice_mut(), GATES * width);
            let states = (B::slice(&saved.hidden), B::slice(&saved.h0));
            weight_gradient(&extent, scan, d, states, B::slice_mut(&mut gradient));
            gradient
        });
        let symbols = saved.symbols.as_ref();
        let input = wanted.input.then(|| input_gradient(&extent, scan, symbols, saved.gates));
        Gradients { input, parameters: [weight_hh, Some(dh), Some(dc)] }
    }
}

/// The forward walk of a block of rows.
struct Forward<'a> {
    extent: &'a Extent,
    scan: &'a Scan,
    panels: &'a Panels,
    source: Source<'a>,
    block: Range<usize>,
    /// At each step, `[rows, 4H]`: the gates.
    gates: StepRows<'a>,
    /// At each step, `[rows, H]`: `c_t`, if the backward pass needs it.
    cells: Option<Vec<&'a mut [f32]>>,
    /// At each step, `[rows, H]`, to be written: `h_t`, 0 past a row's length.
    hidden: Vec<&'a mut [MaybeUninit<f32>]>,
    /// `[rows, H]`: the state, updated at each step.
    h: &'a mut [f32],
    c: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let width = self.extent.hidden;
        let mut rows = Vec::with_capacity(self.block.len());
        for t in self.scan.order(self.extent.steps) {
            self.scan.valid_rows(t, &self.block, &mut rows);
            let gates = self.gates.at(t);
            let first = t * self.extent.batch + self.block.start;
            let row = |&r: &usize| Row {
                factors: &self.h[r * width..][..width],
                start: self.source.start(first + r, GATES * width),
                at: r * GATES * width,
            };
            let operands: Vec<Row> = rows.iter().map(row).collect();
            simd.vectorize(Product { panels: self.panels, rows: &operands, out: gates });
            for (r, hidden) in self.hidden[t].chunks_exact_mut(width).enumerate() {
                if !self.scan.is_valid(t, self.block.start + r) {
                    hidden.fill(MaybeUninit::new(0.0));
                    continue;
                }
                let row = r * width..(r + 1) * width;
                let (h, c) = (&mut self.h[row.clone()], &mut self.c[row.clone()]);
                step(simd, parts(&mut gates[r * GATES * width..], width), c, h);
                hidden.write_copy_of_slice(h);
                if let Some(cells) = &mut self.cells {
                    cells[t][row].copy_from_slice(c);
                }
            }
        }
    }
}

/// One step of a row: gates before their nonlinearity to gates after it, and the new state.
#[inline(always)]
pub(crate) fn step<S: Simd>(simd: S, [i, f, g, o]: [&mut [f32]; GATES], c: &mut [f32], h: &mut [f32]) {
    // Not in one pass: the exponential of the hidden state waits for those of the cell, and a
    // processor does not look far enough ahead to do other units meanwhile.
    update(simd, CellStep, [], [i, f, g, &mut *o, &mut *c]);
    update(simd, HiddenStep, [o, c], [h]);
}

#[derive(Clone, Copy)]
struct CellStep;

impl Lanewise<0, 5> for CellStep {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, []: [S::f32s; 0], [i, f, g, o, c]: [S::f32s; 5]) -> [S::f32s; 5] {
        let (i, f) = (sigmoid(simd, i), sigmoid(simd, f));
        let (g, o) = (tanh(simd, g), sigmoid(simd, o));
        let c = simd.mul_add_e_f32s(f, c, simd.mul_f32s(i, g));
        [i, f, g, o, c]
    }
}

#[derive(Clone, Copy)]
struct HiddenStep;

impl Lanewise<2, 1> for HiddenStep {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [o, c]: [S::f32s; 2], [_]: [S::f32s; 1]) -> [S::f32s; 1] {
        [simd.mul_f32s(o, tanh(simd, c))]
    }
}

/// The backward walk of a block of rows.
struct Backward<'a> {
    extent: &'a Extent,
    scan: &'a Scan,
    panels: &'a Panels,
    block: Range<usize>,
    /// At each step, `[rows, 4H]`: the gates, replaced by their gradients.
    gates: Vec<&'a mut [f32]>,
    /// `[T, B, H]`: `c_t`.
    cells: &'a [f32],
    /// `[B, H]`.
    c0: &'a [f32],
    /// `[T, B, H]`: the gradient of the hidden states, if they have one.
    d_hidden: Option<&'a [f32]>,
    /// `[rows, H]`: the gradient of the state, updated at each step.
    dh: &'a mut [f32],
    dc: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (width, batch, steps) = (self.extent.hidden, self.extent.batch, self.extent.steps);
        let zero = vec![0.0; width];
        let mut rows = Vec::with_capacity(self.block.len());
        for t in self.scan.order(steps).into_iter().rev() {
            self.scan.valid_rows(t, &self.block, &mut rows);
            let gates = &mut *self.gates[t];
            for (r, gates) in gates.chunks_exact_mut(GATES * width).enumerate() {
                if !self.scan.is_valid(t, self.block.start + r) {
                    gates.fill(0.0);
                }
            }
            for &r in &rows {
                let b = self.block.start + r;
                let at = |t: usize| (t * batch + b) * width..(t * batch + b + 1) * width;
                let row = r * width..(r + 1) * width;
                let c_before = match self.scan.previous(t, b, steps) {
                    Some(t) => &self.cells[at(t)],
                    None => &self.c0[at(0)],
                };
                let d_hidden = self.d_hidden.map_or(&zero[..], |d| &d[at(t)]);
                let [i, f, g, o] = parts(&mut gates[r * GATES * width..], width);
                update(
                    simd,
                    StepBack,
                    [&self.cells[at(t)], c_before, d_hidden, &self.dh[row.clone()]],
                    [i, f, g, o, &mut self.dc[row]],
                );
            }
            let gates = &*gates;
            let row = |&r: &usize| Row {
                factors: &gates[r * GATES * width..][..GATES * width],
                start: Start::Zero,
                at: r * width,
            };
            let operands: Vec<Row> = rows.iter().map(row).collect();
            simd.vectorize(Product { panels: self.panels, rows: &operands, out: self.dh });
        }
    }
}

/// One step of a row backwards: gates to their gradients before the nonlinearity, and
/// the gradient of the cell to that of the cell before.
#[derive(Clone, Copy)]
struct StepBack;

impl Lanewise<4, 5> for StepBack {
    #[inline(always)]
    fn step<S: Simd>(
        self,
        simd: S,
        [c, c_before, d_hidden, dh]: [S::f32s; 4],
        [i, f, g, o, dc]: [S::f32s; 5],
    ) -> [S::f32s; 5] {
        let tanh_c = tanh(simd, c);
        let dh = simd.add_f32s(dh, d_hidden);
        let dc = simd.mul_add_e_f32s(simd.mul_f32s(dh, o), tanh_slope(simd, tanh_c), dc);
        let (di, df) = (simd.mul_f32s(dc, g), simd.mul_f32s(dc, c_before));
        let (dg, d_o) = (simd.mul_f32s(dc, i), simd.mul_f32s(dh, tanh_c));
        [
            simd.mul_f32s(di, sigmoid_slope(simd, i)),
            simd.mul_f32s(df, sigmoid_slope(simd, f)),
            simd.mul_f32s(dg, tanh_slope(simd, g)),
            simd.mul_f32s(d_o, sigmoid_slope(simd, o)),
            simd.mul_f32s(dc, f),
        ]
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::backend::Flex;

    use super::*;
    use crate::cpu::testing::{SIZES, arguments, assert_scalar_path_agrees};

    const SHAPES: [&[usize]; 3] = [&[4 * SIZES[2], SIZES[2]], &[SIZES[1], SIZES[2]], &[SIZES[1], SIZES[2]]];

    #[test]
    fn the_scalar_path_gives_the_numbers_of_the_vector_path() {
        assert_scalar_path_agrees(Lstm, GATES, SHAPES);
    }

    #[test]
    fn the_backward_pass_keeps_five_numbers_per_unit_and_step() {
        let (input, parameters) = arguments(GATES, SHAPES);
        let (_, saved) = Lstm.forward::<Flex>(Arch::new(), input, parameters, &Scan::default(), true);
        let mut saved = saved.expect("the walk keeps what it is told to");
        let per_gate = SIZES.iter().product::<usize>();
        assert_eq!(saved.gates.slice_mut().len() + saved.cells.len(), 5 * per_gate);
        // The gates took the place of the projection.
        assert!(matches!(saved.gates, Gates::Tensor(_)));
    }

    #[test]
    fn inference_keeps_nothing() {
        let (input, parameters) = arguments(GATES, SHAPES);
        let (_, saved) = Lstm.forward::<Flex>(Arch::new(), input, parameters, &Scan::default(), false);
        assert!(saved.is_none());
    }
}
