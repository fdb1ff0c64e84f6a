//! Native code of the minimal cells for the CPU backends.

use std::ops::Range;

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::Minimal;
use crate::{
    Scan,
    cpu::{
        activation::{exp, sigmoid, sigmoid_slope},
        blocks::Extent,
        gradients::input_gradient,
        lanes::{Lanewise, update},
        source::{Reader, Source},
        tensors::CpuBackend,
        walk::CpuWalk,
    },
    recurrence::{Arguments, Gradients, Kept, Upstream, Walked, Wanted},
};

#[cfg(all(test, feature = "flex"))]
mod tests;

/// The shares `k` and `w`, and the derivatives of `k` by its pre-activations.
struct Shares<S: Simd> {
    keep: S::f32s,
    write: S::f32s,
    slopes: [S::f32s; 2],
}

/// The shares of a minGRU, which has one gate, or of a minLSTM, which has two.
#[inline(always)]
fn shares<S: Simd>(simd: S, gates: &[S::f32s]) -> Shares<S> {
    let one = simd.splat_f32s(1.0);
    match *gates {
        [z] => {
            let write = sigmoid(simd, z);
            let keep = simd.sub_f32s(one, write);
            let slope = simd.neg_f32s(simd.mul_f32s(keep, write));
            Shares { keep, write, slopes: [slope, slope] }
        }
        [f, i] => {
            // A `map` would take a closure, which is not compiled for vector instructions.
            let (a, b) = (exp(simd, simd.neg_f32s(f)), exp(simd, simd.neg_f32s(i)));
            let (a1, b1) = (simd.add_f32s(a, one), simd.add_f32s(b, one));
            let r = simd.div_f32s(one, simd.add_f32s(a1, b1));
            let (keep, write) = (simd.mul_f32s(b1, r), simd.mul_f32s(a1, r));
            let by_f = simd.mul_f32s(keep, simd.mul_f32s(a, r));
            let by_i = simd.neg_f32s(simd.mul_f32s(write, simd.mul_f32s(b, r)));
            Shares { keep, write, slopes: [by_f, by_i] }
        }
        _ => unreachable!("a minimal cell has one or two gates"),
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

/// A time step: reads the pre-activations, the candidate's last; updates the state, and writes the
/// hidden state to a second place if there is one.
#[derive(Clone, Copy)]
pub(crate) struct Step;

impl<const N: usize, const M: usize> Lanewise<N, M> for Step {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, sums: [S::f32s; N], state: [S::f32s; M]) -> [S::f32s; M] {
        let Shares { keep, write, .. } = shares(simd, &sums[..N - 1]);
        let [c, _] = positive(simd, sums[N - 1]);
        [simd.mul_add_e_f32s(keep, state[0], simd.mul_f32s(write, c)); M]
    }
}

/// A backward time step: reads the previous state and the gradient of the hidden state; replaces
/// the pre-activations by their gradients, and updates that of the state, the last value.
#[derive(Clone, Copy)]
struct StepBack;

impl<const M: usize> Lanewise<2, M> for StepBack {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [h, d_hidden]: [S::f32s; 2], mut state: [S::f32s; M]) -> [S::f32s; M] {
        let dh = simd.add_f32s(state[M - 1], d_hidden);
        let Shares { keep, write, slopes } = shares(simd, &state[..M - 2]);
        let [c, slope] = positive(simd, state[M - 2]);
        let d_keep = simd.mul_f32s(dh, simd.sub_f32s(h, c));
        for (gate, slope) in state[..M - 2].iter_mut().zip(slopes) {
            *gate = simd.mul_f32s(d_keep, slope);
        }
        state[M - 2] = simd.mul_f32s(dh, simd.mul_f32s(write, slope));
        state[M - 1] = simd.mul_f32s(dh, keep);
        state
    }
}

/// State that the forward pass saves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved<B: CpuBackend> {
    extent: Extent,
    scan: Scan,
    input: Reader<B>,
    h0: FloatTensor<B>,
    /// `[T, B, H]`: `h_t`.
    hidden: FloatTensor<B>,
}

impl CpuWalk for Minimal {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(self, arch: Arch, arguments: Arguments<B>, scan: &Scan, keep: bool) -> Kept<B, Saved<B>> {
        let [h0] = arguments.initial.into_array();
        let h0 = B::contiguous(h0);
        let (input, [steps, batch]) = Reader::new(arguments.input, scan);
        let extent = Extent { arch, steps, batch, gates: self.gates(), hidden: h0.shape()[1] };
        let mut hidden = B::zeros([steps, batch, extent.hidden]);
        let mut last = B::duplicate(&h0);
        let walk = Walk { cell: self, extent: &extent, scan, source: input.source() };
        let strands = walk.strands(1, B::slice_mut(&mut hidden), B::slice_mut(&mut last));
        walk.run(strands, |strands| arch.dispatch(Forward { walk, strands }));
        let saved = Saved { extent, scan: scan.clone(), input, h0, hidden: hidden.clone() };
        (Walked { hidden, last: vec![last] }, keep.then_some(saved))
    }

    fn backward<B: CpuBackend>(self, saved: Saved<B>, upstream: Upstream<B>, wanted: Wanted) -> Gradients<B> {
        let Saved { extent, scan, input, h0, hidden } = saved;
        let mut dh = B::gradient_or_zeros(upstream.last.into_iter().next().flatten(), &h0);
        let d_hidden = upstream.hidden.map(B::contiguous);
        let (input, mut sums) = input.keep_gates(&extent, extent.gates * extent.hidden);
        let walk = Walk { cell: self, extent: &extent, scan: &scan, source: input.source() };
        let strands = walk.strands(extent.gates, sums.slice_mut(), B::slice_mut(&mut dh));
        let (h0, hidden, d_hidden) = (B::slice(&h0), B::slice(&hidden), d_hidden.as_ref().map(B::slice));
        walk.run(strands, |strands| extent.arch.dispatch(Backward { walk, strands, h0, hidden, d_hidden }));
        let symbols = input.into_symbols();
        let input = wanted.input.then(|| input_gradient(&extent, &scan, symbols.as_ref(), sums));
        Gradients { input, weights: Vec::new(), initial: vec![dh] }
    }
}

/// A second thread does not pay below this many elements of hidden state.
const PARALLEL_UNITS: usize = 1 << 13;

/// A row's units are split at multiples of this, the elements of a cache line.
const CUT: usize = 16;

/// Some units of a row, through all time steps.
struct Strand<'a> {
    row: usize,
    units: Range<usize>,
    /// The output of the pass: the units of each part of each time step.
    steps: Vec<&'a mut [f32]>,
    /// The state or its gradient, updated at each time step.
    state: &'a mut [f32],
}

/// A sequence to be scanned in either direction.
#[derive(Clone, Copy)]
struct Walk<'a> {
    cell: Minimal,
    extent: &'a Extent,
    scan: &'a Scan,
    source: Source<'a>,
}

impl Walk<'_> {
    /// Number of threads that share the scan.
    fn threads(&self) -> usize {
        let Extent { steps, batch, hidden, .. } = *self.extent;
        if steps * batch * hidden < PARALLEL_UNITS { 1 } else { rayon::current_num_threads() }
    }

    /// Splits `[T, B, parts H]` and `[B, H]` into strands: whole rows, if there are enough for all threads.
    fn strands<'a>(&self, parts: usize, steps: &'a mut [f32], states: &'a mut [f32]) -> Vec<Strand<'a>> {
        let Extent { batch, hidden, .. } = *self.extent;
        // Two strands per thread, since their number need not be a multiple of the number of threads.
        let strands = if self.threads() == 1 { 1 } else { 2 * self.threads() };
        let width = hidden.div_ceil(strands.div_ceil(batch)).next_multiple_of(CUT);
        let mut strands = Vec::new();
        for (row, state) in states.chunks_exact_mut(hidden).enumerate() {
            for (cut, state) in state.chunks_mut(width).enumerate() {
                let units = cut * width..cut * width + state.len();
                strands.push(Strand { row, units, steps: Vec::with_capacity(self.extent.steps * parts), state });
            }
        }
        let cuts = strands.len() / batch;
        for (index, part) in steps.chunks_exact_mut(hidden).enumerate() {
            let strands = &mut strands[index / parts % batch * cuts..];
            strands.iter_mut().zip(part.chunks_mut(width)).for_each(|(strand, part)| strand.steps.push(part));
        }
        strands
    }

    /// Runs `task` on all strands, adjacent ones together on a thread.
    fn run<'a>(&self, mut strands: Vec<Strand<'a>>, task: impl Fn(&mut [Strand<'a>]) + Send + Sync) {
        let share = strands.len().div_ceil(self.threads());
        if share == strands.len() {
            return task(&mut strands);
        }
        strands.par_chunks_mut(share).for_each(task);
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
        let Extent { steps, batch, gates, hidden: width, .. } = *walk.extent;
        for t in walk.scan.order(steps) {
            for Strand { row, units, steps: hidden, state } in &mut *strands {
                if !walk.scan.is_valid(t, *row) {
                    hidden[t].fill(0.0);
                    continue;
                }
                let sums = walk.source.row(t * batch + *row, gates * width).expect("the input is left alone");
                let part = |index| &sums[index * width..][units.clone()];
                let state = [&mut **state, &mut *hidden[t]];
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
        let Extent { steps, batch, gates, hidden: width, .. } = *walk.extent;
        let no_gradient = vec![0.0; width];
        for t in walk.scan.order(steps).into_iter().rev() {
            for Strand { row, units, steps: sums, state } in &mut *strands {
                let sums = &mut sums[t * gates..][..gates];
                if !walk.scan.is_valid(t, *row) {
                    sums.iter_mut().for_each(|part| part.fill(0.0));
                    continue;
                }
                if let Some(read) = walk.source.row(t * batch + *row, gates * width) {
                    for (part, read) in sums.iter_mut().zip(read.chunks_exact(width)) {
                        part.copy_from_slice(&read[units.clone()]);
                    }
                }
                let before = match walk.scan.previous(t, *row, steps) {
                    Some(t) => &hidden[(t * batch + *row) * width..][units.clone()],
                    None => &h0[*row * width..][units.clone()],
                };
                let d_hidden = d_hidden.map_or(&no_gradient[..], |d| &d[(t * batch + *row) * width..]);
                let d_hidden = &d_hidden[units.clone()];
                match sums {
                    [z, x] => update(simd, StepBack, [before, d_hidden], [z, x, state]),
                    [f, i, x] => update(simd, StepBack, [before, d_hidden], [f, i, x, state]),
                    _ => unreachable!("a minimal cell has one or two gates"),
                }
            }
        }
    }
}
