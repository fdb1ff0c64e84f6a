//! The GRU as native code of the CPU backends.
//!
//! Numbers kept for the backward pass: `3 T B H` gates and `T B H` recurrent parts of
//! the candidate, beside the hidden states that are the output. The gates take the
//! place of the projected input, and their gradients the place of the gates.

use std::{mem::MaybeUninit, ops::Range, sync::Arc};

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd, WithSimd};

use super::Gru;
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

/// Gates r, z, n.
const GATES: usize = 3;

/// What the forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved<B: CpuBackend> {
    extent: Extent,
    scan: Scan,
    /// The table's symbols, if the input was looked up.
    symbols: Option<Symbols>,
    weight_hh: FloatTensor<B>,
    h0: FloatTensor<B>,
    /// `[T, B, 3H]`: r, z, n after their nonlinearity.
    gates: Gates<B>,
    /// `[T, B, H]`: `W_hn h_{t-1} + b_hn`.
    recurrent: Arc<Buffer>,
    /// `[T, B, H]`: `h_t`.
    hidden: FloatTensor<B>,
}

impl CpuRecurrence<3, 1> for Gru {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(
        self,
        arch: Arch,
        input: InputTensors<B>,
        parameters: [FloatTensor<B>; 3],
        scan: &Scan,
        keep: bool,
    ) -> (Walked<B, 1>, Option<Saved<B>>) {
        let [weight_hh, bias_hh, h0] = parameters.map(B::contiguous);
        let (mut reader, [steps, batch]) = Reader::new(input, scan);
        let width = h0.shape()[1];
        let extent = Extent { arch, steps, batch, gates: GATES, hidden: width };
        let mut gates = None;
        if keep {
            let (rest, kept) = reader.keep_gates(&extent, GATES * width);
            (reader, gates) = (rest, Some(kept));
        }
        let mut recurrent = keep.then(|| Buffer::take(steps * batch * width));
        let len = steps * batch * width;
        let mut hidden = Vec::with_capacity(len);
        let mut last = B::duplicate(&h0);

        let weights = Weights::pack(&extent, B::slice(&weight_hh), Orientation::Transposed);
        let blocks = extent.blocks();
        let kept_gates = gates.as_mut().map(Gates::slice_mut);
        let kept_recurrent = recurrent.as_deref_mut();
        let work = blocks
            .iter()
            .zip(StepRows::of_blocks(kept_gates, &extent, &blocks, GATES * width))
            .zip(StepRows::of_blocks(kept_recurrent, &extent, &blocks, width))
            .zip(split_steps(&mut hidden.spare_capacity_mut()[..len], &extent, &blocks, width))
            .zip(split_rows(B::slice_mut(&mut last), &blocks, width));
        let tasks = work.map(|((((block, gates), recurrent), hidden), h)| Forward {
            extent: &extent,
            scan,
            weights: &weights,
            bias: B::slice(&bias_hh),
            source: reader.source(),
            block: block.clone(),
            gates,
            recurrent,
            hidden,
            h,
        });
        extent.run(tasks.collect());

        // SAFETY: the walk writes each row of each step.
        unsafe { hidden.set_len(len) };
        let hidden = B::from_elements(hidden, [steps, batch, width].into());
        let saved = gates.zip(recurrent).map(|(gates, recurrent)| Saved {
            extent,
            scan: scan.clone(),
            symbols: reader.into_symbols(),
            weight_hh,
            h0,
            gates,
            recurrent: Arc::new(recurrent),
            hidden: hidden.clone(),
        });
        let last = [last];
        (Walked { hidden, last }, saved)
    }

    fn backward<B: CpuBackend>(mut saved: Saved<B>, upstream: Upstream<B, 1>, wanted: Wanted) -> Gradients<B, 3> {
        let (extent, scan) = (saved.extent, &saved.scan);
        let width = extent.hidden;
        let [dh] = upstream.last;
        let mut dh = B::gradient_or_zeros(dh, &saved.h0);
        let d_hidden = upstream.hidden.map(B::contiguous);
        let mut recurrent = Gates::<B>::Pooled(saved.recurrent);

        let weights = Weights::pack(&extent, B::slice(&saved.weight_hh), Orientation::Plain);
        let blocks = extent.blocks();
        let mut bias_sums = Buffer::take(blocks.len() * GATES * width);
        bias_sums.fill(0.0);
        let gates = split_steps(saved.gates.slice_mut(), &extent, &blocks, GATES * width);
        let work = blocks
            .iter()
            .zip(gates)
            .zip(split_steps(recurrent.slice_mut(), &extent, &blocks, width))
            .zip(bias_sums.chunks_exact_mut(GATES * width))
            .zip(split_rows(B::slice_mut(&mut dh), &blocks, width));
        let tasks = work.map(|((((block, gates), recurrent), bias), dh)| Backward {
            extent: &extent,
            scan,
            weights: &weights,
            block: block.clone(),
            gates,
            recurrent,
            bias,
            hidden: B::slice(&saved.hidden),
            h0: B::slice(&saved.h0),
            d_hidden: d_hidden.as_ref().map(B::slice),
            dh,
        });
        extent.run(tasks.collect());

        let mut bias_hh = B::zeros([GATES * width]);
        for sums in bias_sums.chunks_exact(GATES * width) {
            let total = B::slice_mut(&mut bias_hh).iter_mut();
            total.zip(sums).for_each(|(total, sum)| *total += sum);
        }
        let weight_hh = wanted.weight_hh.then(|| {
            let mut gradient = B::zeros([GATES * width, width]);
            let (of_rz, of_n) = B::slice_mut(&mut gradient).split_at_mut(2 * width * width);
            let states = (B::slice(&saved.hidden), B::slice(&saved.h0));
            let rz = Columns { columns: 2 * width, ..Columns::all(saved.gates.slice_mut(), GATES * width) };
            weight_gradient(&extent, scan, rz, states, of_rz);
            let n = Columns::all(recurrent.slice_mut(), width);
            weight_gradient(&extent, scan, n, states, of_n);
            gradient
        });
        let symbols = saved.symbols.as_ref();
        let input = wanted.input.then(|| input_gradient(&extent, scan, symbols, saved.gates));
        Gradients { input, parameters: [weight_hh, Some(bias_hh), Some(dh)] }
    }
}

/// `W_hr` and `W_hz`, whose products join the input's, and `W_hn`, whose product the
/// reset gate scales first.
struct Weights {
    rz: Panels,
    n: Panels,
}

impl Weights {
    fn pack(extent: &Extent, weight_hh: &[f32], orientation: Orientation) -> Self {
        let (rz, n) = weight_hh.split_at(2 * extent.hidden * extent.hidden);
        Self { rz: extent.pack(rz, orientation), n: extent.pack(n, orientation) }
    }
}

/// The forward walk of a block of rows.
struct Forward<'a> {
    extent: &'a Extent,
    scan: &'a Scan,
    weights: &'a Weights,
    /// `[3H]`: `b_h`.
    bias: &'a [f32],
    source: Source<'a>,
    block: Range<usize>,
    /// At each step, `[rows, 3H]`: the gates.
    gates: StepRows<'a>,
    /// At each step, `[rows, H]`: `W_hn h_{t-1} + b_hn`.
    recurrent: StepRows<'a>,
    /// At each step, `[rows, H]`, to be written: `h_t`, 0 past a row's length.
    hidden: Vec<&'a mut [MaybeUninit<f32>]>,
    /// `[rows, H]`: the state, updated at each step.
    h: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let width = self.extent.hidden;
        let [bias_r, bias_z, bias_n] = [0, 1, 2].map(|gate| &self.bias[gate * width..][..width]);
        let mut rows = Vec::with_capacity(self.block.len());
        for t in self.scan.order(self.extent.steps) {
            self.scan.valid_rows(t, &self.block, &mut rows);
            let gates = self.gates.at(t);
            let recurrent = self.recurrent.at(t);
            let first = t * self.extent.batch + self.block.start;
            let of_rz = |&r: &usize| Row {
                factors: &self.h[r * width..][..width],
                start: self.source.start(first + r, GATES * width),
                at: r * GATES * width,
            };
            let rows_of_rz: Vec<Row> = rows.iter().map(of_rz).collect();
            simd.vectorize(Product { panels: &self.weights.rz, rows: &rows_of_rz, out: gates });
            let of_n = |&r: &usize| Row { start: Start::From(bias_n), at: r * width, ..of_rz(&r) };
            let rows_of_n: Vec<Row> = rows.iter().map(of_n).collect();
            simd.vectorize(Product { panels: &self.weights.n, rows: &rows_of_n, out: recurrent });
            for (r, hidden) in self.hidden[t].chunks_exact_mut(width).enumerate() {
                if !self.scan.is_valid(t, self.block.start + r) {
                    hidden.fill(MaybeUninit::new(0.0));
                    continue;
                }
                let row = r * width..(r + 1) * width;
                let [reset, z, n] = parts(&mut gates[r * GATES * width..], width);
                if let Some(input) = self.source.row(first + r, GATES * width) {
                    n.copy_from_slice(&input[2 * width..]);
                }
                let h = &mut self.h[row.clone()];
                let inputs = [&recurrent[row.clone()], bias_r, bias_z];
                update(simd, Step, inputs, [reset, z, n, h]);
                hidden.write_copy_of_slice(h);
            }
        }
    }
}

/// One step of a row: gates before their nonlinearity to gates after it, and the new state.
#[derive(Clone, Copy)]
pub(crate) struct Step;

impl Lanewise<3, 4> for Step {
    #[inline(always)]
    fn step<S: Simd>(
        self,
        simd: S,
        [recurrent, bias_r, bias_z]: [S::f32s; 3],
        [r, z, n, h]: [S::f32s; 4],
    ) -> [S::f32s; 4] {
        let r = sigmoid(simd, simd.add_f32s(r, bias_r));
        let z = sigmoid(simd, simd.add_f32s(z, bias_z));
        let n = tanh(simd, simd.mul_add_e_f32s(r, recurrent, n));
        // (1 - z) n + z h.
        let h = simd.mul_add_e_f32s(z, simd.sub_f32s(h, n), n);
        [r, z, n, h]
    }
}

/// The backward walk of a block of rows.
struct Backward<'a> {
    extent: &'a Extent,
    scan: &'a Scan,
    weights: &'a Weights,
    block: Range<usize>,
    /// At each step, `[rows, 3H]`: the gates, replaced by their gradients.
    gates: Vec<&'a mut [f32]>,
    /// At each step, `[rows, H]`: `W_hn h_{t-1} + b_hn`, replaced by its gradient.
    recurrent: Vec<&'a mut [f32]>,
    /// `[3H]`: the gradient of `b_h`, summed over the block.
    bias: &'a mut [f32],
    /// `[T, B, H]`: `h_t`.
    hidden: &'a [f32],
    /// `[B, H]`.
    h0: &'a [f32],
    /// `[T, B, H]`: the gradient of the hidden states, if they have one.
    d_hidden: Option<&'a [f32]>,
    /// `[rows, H]`: the gradient of the state, updated at each step.
    dh: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (width, batch, steps) = (self.extent.hidden, self.extent.batch, self.extent.steps);
        let no_gradient = vec![0.0; width];
        let mut rows = Vec::with_capacity(self.block.len());
        for t in self.scan.order(steps).into_iter().rev() {
            self.scan.valid_rows(t, &self.block, &mut rows);
            let (gates, recurrent) = (&mut *self.gates[t], &mut *self.recurrent[t]);
            let each_row = gates.chunks_exact_mut(GATES * width).zip(recurrent.chunks_exact_mut(width));
            for (r, (gates, recurrent)) in each_row.enumerate() {
                let b = self.block.start + r;
                if !self.scan.is_valid(t, b) {
                    gates.fill(0.0);
                    recurrent.fill(0.0);
                    continue;
                }
                let at = |t: usize| (t * batch + b) * width..(t * batch + b + 1) * width;
                let h_before = match self.scan.previous(t, b, steps) {
                    Some(t) => &self.hidden[at(t)],
                    None => &self.h0[at(0)],
                };
                let d_hidden = self.d_hidden.map_or(&no_gradient[..], |d| &d[at(t)]);
                let [reset, z, n] = parts(gates, width);
                let dh = &mut self.dh[r * width..][..width];
                update(simd, StepBack, [h_before, d_hidden], [reset, z, n, recurrent, dh]);
                let (of_rz, of_n) = self.bias.split_at_mut(2 * width);
                of_rz.iter_mut().zip(&*gates).for_each(|(sum, d)| *sum += d);
                of_n.iter_mut().zip(&*recurrent).for_each(|(sum, d)| *sum += d);
            }
            let (gates, recurrent) = (&*gates, &*recurrent);
            let of_rz = |&r: &usize| Row {
                factors: &gates[r * GATES * width..][..2 * width],
                start: Start::Output,
                at: r * width,
            };
            let rows_of_rz: Vec<Row> = rows.iter().map(of_rz).collect();
            simd.vectorize(Product { panels: &self.weights.rz, rows: &rows_of_rz, out: self.dh });
            let of_n = |&r: &usize| Row { factors: &recurrent[r * width..][..width], ..of_rz(&r) };
            let rows_of_n: Vec<Row> = rows.iter().map(of_n).collect();
            simd.vectorize(Product { panels: &self.weights.n, rows: &rows_of_n, out: self.dh });
        }
    }
}

/// One step of a row backwards: gates to their gradients before the nonlinearity, the
/// recurrent part of the candidate to its gradient, and the gradient of the state to
/// the part of it that reaches the state before directly.
#[derive(Clone, Copy)]
struct StepBack;

impl Lanewise<2, 5> for StepBack {
    #[inline(always)]
    fn step<S: Simd>(
        self,
        simd: S,
        [h_before, d_hidden]: [S::f32s; 2],
        [r, z, n, recurrent, dh]: [S::f32s; 5],
    ) -> [S::f32s; 5] {
        let dh = simd.add_f32s(dh, d_hidden);
        let dn = simd.mul_f32s(dh, simd.sub_f32s(simd.splat_f32s(1.0), z));
        let dn = simd.mul_f32s(dn, tanh_slope(simd, n));
        let dz = simd.mul_f32s(dh, simd.sub_f32s(h_before, n));
        let dz = simd.mul_f32s(dz, sigmoid_slope(simd, z));
        let dr = simd.mul_f32s(dn, recurrent);
        let dr = simd.mul_f32s(dr, sigmoid_slope(simd, r));
        [dr, dz, dn, simd.mul_f32s(dn, r), simd.mul_f32s(dh, z)]
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::backend::Flex;

    use super::*;
    use crate::cpu::testing::{SIZES, arguments, assert_scalar_path_agrees};

    const SHAPES: [&[usize]; 3] = [&[3 * SIZES[2], SIZES[2]], &[3 * SIZES[2]], &[SIZES[1], SIZES[2]]];

    #[test]
    fn the_scalar_path_gives_the_numbers_of_the_vector_path() {
        assert_scalar_path_agrees(Gru, GATES, SHAPES);
    }

    #[test]
    fn the_backward_pass_keeps_four_numbers_per_unit_and_step() {
        let (input, parameters) = arguments(GATES, SHAPES);
        let (_, saved) = Gru.forward::<Flex>(Arch::new(), input, parameters, &Scan::default(), true);
        let mut saved = saved.expect("the walk keeps what it is told to");
        let per_gate = SIZES.iter().product::<usize>();
        assert_eq!(saved.gates.slice_mut().len() + saved.recurrent.len(), 4 * per_gate);
        // The gates took the place of the projection.
        assert!(matches!(saved.gates, Gates::Tensor(_)));
    }
}
