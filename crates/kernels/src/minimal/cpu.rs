//! The minimal cells as native code of the CPU backends.

use std::ops::Range;

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::Minimal;
use crate::{
    Scan,
    backend::InputTensors,
    cpu::{
        activation::{exp, sigmoid, sigmoid_slope},
        blocks::Extent,
        gradients::input_gradient,
        lanes::{Lanewise, update},
        recurrence::CpuRecurrence,
        source::{Reader, Source},
        tensors::CpuBackend,
    },
    recurrence::{Gradients, Upstream, Walked, Wanted},
};

#[cfg(all(test, feature = "flex"))]
mod tests;

/// The shares `k` and `w`, and the slopes of `k` by the `N` sums under its sigmoids.
struct Shares<S: Simd, const N: usize> {
    keep: S::f32s,
    write: S::f32s,
    slopes: [S::f32s; N],
}

impl<S: Simd> Shares<S, 1> {
    /// Of a minGRU.
    #[inline(always)]
    fn gru(simd: S, [z]: [S::f32s; 1]) -> Self {
        let write = sigmoid(simd, z);
        let keep = simd.sub_f32s(simd.splat_f32s(1.0), write);
        Self { keep, write, slopes: [simd.neg_f32s(simd.mul_f32s(keep, write))] }
    }
}

impl<S: Simd> Shares<S, 2> {
    /// Of a minLSTM.
    #[inline(always)]
    fn lstm(simd: S, sums: [S::f32s; 2]) -> Self {
        let one = simd.splat_f32s(1.0);
        let [a, b] = sums.map(|sum| exp(simd, simd.neg_f32s(sum)));
        let [a1, b1] = [simd.add_f32s(a, one), simd.add_f32s(b, one)];
        let r = simd.div_f32s(one, simd.add_f32s(a1, b1));
        let [keep, write] = [simd.mul_f32s(b1, r), simd.mul_f32s(a1, r)];
        let by_f = simd.mul_f32s(keep, simd.mul_f32s(a, r));
        let by_i = simd.mul_f32s(write, simd.mul_f32s(b, r));
        Self { keep, write, slopes: [by_f, simd.neg_f32s(by_i)] }
    }
}

/// `g(x)` and `g'(x)`.
#[inline(always)]
fn positive<S: Simd>(simd: S, x: S::f32s) -> [S::f32s; 2] {
    let y = sigmoid(simd, x);
    let negative = simd.less_than_f32s(x, simd.splat_f32s(0.0));
    let above = simd.add_f32s(x, simd.splat_f32s(0.5));
    let slope = simd.select_f32s(negative, sigmoid_slope(simd, y), simd.splat_f32s(1.0));
    [simd.select_f32s(negative, y, above), slope]
}

impl<S: Simd, const N: usize> Shares<S, N> {
    /// `h_t = k h_{t-1} + w c`, of the sum under `g`.
    #[inline(always)]
    fn forward(self, simd: S, x: S::f32s, h: S::f32s) -> S::f32s {
        let [c, _] = positive(simd, x);
        simd.mul_add_e_f32s(self.keep, h, simd.mul_f32s(self.write, c))
    }

    /// The gradients of the sums under the sigmoids, of that under `g`, and of `h_{t-1}`; `dh` is
    /// that of `h_t`.
    #[inline(always)]
    fn backward(self, simd: S, x: S::f32s, h: S::f32s, dh: S::f32s) -> ([S::f32s; N], S::f32s, S::f32s) {
        let [c, slope] = positive(simd, x);
        let d_keep = simd.mul_f32s(dh, simd.sub_f32s(h, c));
        let d_candidate = simd.mul_f32s(dh, simd.mul_f32s(self.write, slope));
        (self.slopes.map(|slope| simd.mul_f32s(d_keep, slope)), d_candidate, simd.mul_f32s(dh, self.keep))
    }
}

/// A time step: the sums; the state, which is updated, and the hidden state, which is written.
#[derive(Clone, Copy)]
struct Step;

impl Lanewise<2, 2> for Step {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [z, x]: [S::f32s; 2], [h, _]: [S::f32s; 2]) -> [S::f32s; 2] {
        [Shares::gru(simd, [z]).forward(simd, x, h); 2]
    }
}

impl Lanewise<3, 2> for Step {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [f, i, x]: [S::f32s; 3], [h, _]: [S::f32s; 2]) -> [S::f32s; 2] {
        [Shares::lstm(simd, [f, i]).forward(simd, x, h); 2]
    }
}

/// A time step backwards: the state before it and the gradient of the hidden state; the sums, whose
/// gradients take their place, and the gradient of the state, which is updated.
#[derive(Clone, Copy)]
struct StepBack;

impl Lanewise<2, 3> for StepBack {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [h, d]: [S::f32s; 2], [z, x, dh]: [S::f32s; 3]) -> [S::f32s; 3] {
        let ([z], x, dh) = Shares::gru(simd, [z]).backward(simd, x, h, simd.add_f32s(dh, d));
        [z, x, dh]
    }
}

impl Lanewise<2, 4> for StepBack {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [h, d]: [S::f32s; 2], [f, i, x, dh]: [S::f32s; 4]) -> [S::f32s; 4] {
        let ([f, i], x, dh) = Shares::lstm(simd, [f, i]).backward(simd, x, h, simd.add_f32s(dh, d));
        [f, i, x, dh]
    }
}

/// What the forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved<B: CpuBackend> {
    cell: Minimal,
    extent: Extent,
    scan: Scan,
    input: Reader<B>,
    h0: FloatTensor<B>,
    /// `[T, B, H]`: `h_t`.
    hidden: FloatTensor<B>,
}

impl CpuRecurrence<1, 1> for Minimal {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(
        self,
        arch: Arch,
        input: InputTensors<B>,
        [h0]: [FloatTensor<B>; 1],
        scan: &Scan,
        keep: bool,
    ) -> (Walked<B, 1>, Option<Saved<B>>) {
        let h0 = B::contiguous(h0);
        let (input, [steps, batch]) = Reader::new(input, scan);
        let extent = Extent { arch, steps, batch, gates: self.gates(), hidden: h0.shape()[1] };
        let mut hidden = B::zeros([steps, batch, extent.hidden]);
        let mut last = B::duplicate(&h0);
        let walk = Walk { cell: self, extent: &extent, scan, source: input.source() };
        let strands = walk.strands(1, B::slice_mut(&mut hidden), B::slice_mut(&mut last));
        walk.run(strands, |strands| arch.dispatch(Forward { walk, strands }));
        let saved = Saved { cell: self, extent, scan: scan.clone(), input, h0, hidden: hidden.clone() };
        (Walked { hidden, last: [last] }, keep.then_some(saved))
    }

    fn backward<B: CpuBackend>(saved: Saved<B>, upstream: Upstream<B, 1>, wanted: Wanted) -> Gradients<B, 1> {
        let Saved { cell, extent, scan, input, h0, hidden } = saved;
        let [dh] = upstream.last;
        let mut dh = B::gradient_or_zeros(dh, &h0);
        let d_hidden = upstream.hidden.map(B::contiguous);
        let (input, mut sums) = input.keep_gates(&extent, extent.gates * extent.hidden);
        let walk = Walk { cell, extent: &extent, scan: &scan, source: input.source() };
        let strands = walk.strands(extent.gates, sums.slice_mut(), B::slice_mut(&mut dh));
        let (h0, hidden, d_hidden) = (B::slice(&h0), B::slice(&hidden), d_hidden.as_ref().map(B::slice));
        walk.run(strands, |strands| extent.arch.dispatch(Backward { walk, strands, h0, hidden, d_hidden }));
        let symbols = input.into_symbols();
        let input = wanted.input.then(|| input_gradient(&extent, &scan, symbols.as_ref(), sums));
        Gradients { input, parameters: [Some(dh)] }
    }
}

/// Numbers of the hidden states below which a walk is not worth a second thread.
const PARALLEL_UNITS: usize = 1 << 13;

/// A row's units are cut at multiples of this, the numbers of a cache line.
const CUT: usize = 16;

/// Some units of a row, through all time steps.
struct Strand<'a> {
    row: usize,
    units: Range<usize>,
    /// What the walk writes, `[T, width / H]` parts.
    steps: Vec<&'a mut [f32]>,
    /// The state or its gradient, updated at each time step.
    state: &'a mut [f32],
}

/// A walk in either direction.
#[derive(Clone, Copy)]
struct Walk<'a> {
    cell: Minimal,
    extent: &'a Extent,
    scan: &'a Scan,
    source: Source<'a>,
}

impl Walk<'_> {
    /// Threads that share the walk.
    fn threads(&self) -> usize {
        let Extent { steps, batch, hidden, .. } = *self.extent;
        if steps * batch * hidden < PARALLEL_UNITS { 1 } else { rayon::current_num_threads() }
    }

    /// Cuts `[T, B, parts H]` and `[B, H]` into strands, whole rows if there are enough for all threads.
    fn strands<'a>(&self, parts: usize, steps: &'a mut [f32], states: &'a mut [f32]) -> Vec<Strand<'a>> {
        let Extent { batch, hidden, .. } = *self.extent;
        let threads = self.threads();
        // Two strands a thread: their number need not be a multiple of that of the threads.
        let cuts = if threads == 1 { 1 } else { (2 * threads).div_ceil(batch) };
        let width = hidden.div_ceil(cuts).next_multiple_of(CUT);
        let row = |(row, state): (usize, &'a mut [f32])| {
            let strand = move |(cut, state): (usize, &'a mut [f32])| {
                let first = cut * width;
                let steps = Vec::with_capacity(self.extent.steps * parts);
                Strand { row, units: first..first + state.len(), steps, state }
            };
            state.chunks_mut(width).enumerate().map(strand)
        };
        let mut strands: Vec<_> = states.chunks_exact_mut(hidden).enumerate().flat_map(row).collect();
        let cuts = strands.len() / batch;
        for (index, part) in steps.chunks_exact_mut(hidden).enumerate() {
            let row = index / parts % batch;
            for (strand, units) in strands[row * cuts..].iter_mut().zip(part.chunks_mut(width)) {
                strand.steps.push(units);
            }
        }
        strands
    }

    /// Does `task` for all strands, neighbours together on a thread.
    fn run<'a>(&self, mut strands: Vec<Strand<'a>>, task: impl Fn(&mut [Strand<'a>]) + Send + Sync) {
        let share = strands.len().div_ceil(self.threads());
        if share == strands.len() {
            return task(&mut strands);
        }
        strands.par_chunks_mut(share).for_each(task);
    }

    /// The sums of a strand at step `t`; `None` if they are in place.
    #[inline(always)]
    fn sums(&self, t: usize, row: usize) -> Option<&[f32]> {
        self.source.row(t * self.extent.batch + row, self.extent.gates * self.extent.hidden)
    }

    /// Some units of one part of a row.
    #[inline(always)]
    fn part<'b>(&self, row: &'b [f32], part: usize, units: &Range<usize>) -> &'b [f32] {
        &row[part * self.extent.hidden..][units.clone()]
    }
}

/// The forward pass of some strands.
struct Forward<'a, 'b> {
    walk: Walk<'a>,
    strands: &'a mut [Strand<'b>],
}

impl WithSimd for Forward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { walk, strands } = self;
        for t in walk.scan.order(walk.extent.steps) {
            for Strand { row, units, steps, state } in &mut *strands {
                if !walk.scan.is_valid(t, *row) {
                    steps[t].fill(0.0);
                    continue;
                }
                let sums = walk.sums(t, *row).expect("the forward pass leaves its input alone");
                let part = |index| walk.part(sums, index, units);
                let state = [&mut **state, &mut *steps[t]];
                match walk.cell {
                    Minimal::Gru => update(simd, Step, [part(0), part(1)], state),
                    Minimal::Lstm => update(simd, Step, [part(0), part(1), part(2)], state),
                }
            }
        }
    }
}

/// The backward pass of some strands.
struct Backward<'a, 'b> {
    walk: Walk<'a>,
    strands: &'a mut [Strand<'b>],
    h0: &'a [f32],
    /// `[T, B, H]`: `h_t`.
    hidden: &'a [f32],
    /// `[T, B, H]`: its gradient, if it has one.
    d_hidden: Option<&'a [f32]>,
}

impl WithSimd for Backward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { walk, strands, h0, hidden, d_hidden } = self;
        let Extent { steps, batch, gates, .. } = *walk.extent;
        let no_gradient = vec![0.0; walk.extent.hidden];
        for t in walk.scan.order(steps).into_iter().rev() {
            for Strand { row, units, steps: sums, state } in &mut *strands {
                let sums = &mut sums[t * gates..][..gates];
                if !walk.scan.is_valid(t, *row) {
                    sums.iter_mut().for_each(|part| part.fill(0.0));
                    continue;
                }
                if let Some(read) = walk.sums(t, *row) {
                    let parts = sums.iter_mut().enumerate();
                    parts.for_each(|(index, part)| part.copy_from_slice(walk.part(read, index, units)));
                }
                let before = match walk.scan.previous(t, *row, steps) {
                    Some(t) => walk.part(hidden, t * batch + *row, units),
                    None => walk.part(h0, *row, units),
                };
                let d_hidden = match d_hidden {
                    Some(d_hidden) => walk.part(d_hidden, t * batch + *row, units),
                    None => &no_gradient[..units.len()],
                };
                match sums {
                    [z, x] => update(simd, StepBack, [before, d_hidden], [z, x, state]),
                    [f, i, x] => update(simd, StepBack, [before, d_hidden], [f, i, x, state]),
                    _ => unreachable!("a minimal cell has one or two gates"),
                }
            }
        }
    }
}
