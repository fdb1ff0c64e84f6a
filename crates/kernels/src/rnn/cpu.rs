//! The vanilla network as native code of the CPU backends.
//!
//! Numbers kept for the backward pass: none but the hidden states, which are the
//! output; `φ'` is a function of `φ`. A projected input that nobody else holds is
//! overwritten by the hidden states.

use std::{ops::Range, sync::Arc};

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd, WithSimd};

use super::{Activation, Rnn};
use crate::{
    Scan,
    backend::InputTensors,
    cpu::{
        activation::{tanh, tanh_slope},
        blocks::{Extent, split_rows, split_steps},
        gradients::{input_gradient, weight_gradient},
        lanes::{Lanewise, update},
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

/// What the forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved<B: CpuBackend> {
    activation: Activation,
    extent: Extent,
    scan: Scan,
    /// The table's symbols, if the input was looked up.
    symbols: Option<Symbols>,
    weight_hh: FloatTensor<B>,
    h0: FloatTensor<B>,
    /// `[T, B, H]`: `h_t`.
    hidden: FloatTensor<B>,
}

impl CpuRecurrence<2, 1> for Rnn {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(
        self,
        arch: Arch,
        input: InputTensors<B>,
        parameters: [FloatTensor<B>; 2],
        scan: &Scan,
        keep: bool,
    ) -> (Walked<B, 1>, Option<Saved<B>>) {
        let [weight_hh, h0] = parameters.map(B::contiguous);
        let (reader, [steps, batch]) = Reader::new(input, scan);
        let width = h0.shape()[1];
        let extent = Extent { arch, steps, batch, gates: 1, hidden: width };
        let (reader, projection) = reader.hand_over();
        let mut hidden = projection.unwrap_or_else(|| B::zeros([steps, batch, width]));
        let mut last = B::duplicate(&h0);

        let panels = extent.pack(B::slice(&weight_hh), Orientation::Transposed);
        let blocks = extent.blocks();
        let work = blocks.iter().zip(split_steps(B::slice_mut(&mut hidden), &extent, &blocks, width)).zip(split_rows(
            B::slice_mut(&mut last),
            &blocks,
            width,
        ));
        let tasks = work.map(|((block, hidden), h)| Forward {
            activation: self.0,
            extent: &extent,
            scan,
            panels: &panels,
            source: reader.source(),
            block: block.clone(),
            hidden,
            h,
        });
        extent.run(tasks.collect());

        let saved = keep.then(|| Saved {
            activation: self.0,
            extent,
            scan: scan.clone(),
            symbols: reader.into_symbols(),
            weight_hh,
            h0,
            hidden: hidden.clone(),
        });
        let last = [last];
        (Walked { hidden, last }, saved)
    }

    fn backward<B: CpuBackend>(saved: Saved<B>, upstream: Upstream<B, 1>, wanted: Wanted) -> Gradients<B, 2> {
        let (extent, scan) = (saved.extent, &saved.scan);
        let width = extent.hidden;
        let [dh] = upstream.last;
        let mut dh = B::gradient_or_zeros(dh, &saved.h0);
        let d_hidden = upstream.hidden.map(B::contiguous);
        let shape = [extent.steps, extent.batch, width];
        let mut sums = match saved.symbols {
            None => Gates::<B>::Tensor(B::zeros(shape)),
            Some(_) => Gates::Pooled(Arc::new(Buffer::take(shape.iter().product()))),
        };

        let weight = B::slice(&saved.weight_hh);
        let panels = extent.pack(weight, Orientation::Plain);
        let blocks = extent.blocks();
        let work = blocks.iter().zip(split_steps(sums.slice_mut(), &extent, &blocks, width)).zip(split_rows(
            B::slice_mut(&mut dh),
            &blocks,
            width,
        ));
        let tasks = work.map(|((block, sums), dh)| Backward {
            activation: saved.activation,
            extent: &extent,
            scan,
            panels: &panels,
            block: block.clone(),
            sums,
            hidden: B::slice(&saved.hidden),
            d_hidden: d_hidden.as_ref().map(B::slice),
            dh,
        });
        extent.run(tasks.collect());

        let weight_hh = wanted.weight_hh.then(|| {
            let mut gradient = B::zeros([width, width]);
            let d = Columns::all(sums.slice_mut(), width);
            let states = (B::slice(&saved.hidden), B::slice(&saved.h0));
            weight_gradient(&extent, scan, d, states, B::slice_mut(&mut gradient));
            gradient
        });
        let symbols = saved.symbols.as_ref();
        let input = wanted.input.then(|| input_gradient(&extent, scan, symbols, sums));
        Gradients { input, parameters: [weight_hh, Some(dh)] }
    }
}

/// The forward walk of a block of rows.
struct Forward<'a> {
    activation: Activation,
    extent: &'a Extent,
    scan: &'a Scan,
    panels: &'a Panels,
    source: Source<'a>,
    block: Range<usize>,
    /// At each step, `[rows, H]`: the input if it is in place, then `h_t`.
    hidden: Vec<&'a mut [f32]>,
    /// `[rows, H]`: the state, updated at each step.
    h: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let width = self.extent.hidden;
        let mut rows = Vec::with_capacity(self.block.len());
        for t in self.scan.order(self.extent.steps) {
            self.scan.valid_rows(t, &self.block, &mut rows);
            let hidden = &mut *self.hidden[t];
            let first = t * self.extent.batch + self.block.start;
            let row = |&r: &usize| Row {
                factors: &self.h[r * width..][..width],
                start: self.source.start(first + r, width),
                at: r * width,
            };
            let operands: Vec<Row> = rows.iter().map(row).collect();
            simd.vectorize(Product { panels: self.panels, rows: &operands, out: hidden });
            for (r, hidden) in hidden.chunks_exact_mut(width).enumerate() {
                if !self.scan.is_valid(t, self.block.start + r) {
                    hidden.fill(0.0);
                    continue;
                }
                update(simd, Step(self.activation), [], [hidden]);
                self.h[r * width..][..width].copy_from_slice(hidden);
            }
        }
    }
}

/// One step of a row: `φ`.
#[derive(Clone, Copy)]
pub(crate) struct Step(pub Activation);

impl Lanewise<0, 1> for Step {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, []: [S::f32s; 0], [a]: [S::f32s; 1]) -> [S::f32s; 1] {
        let zero = simd.splat_f32s(0.0);
        [match self.0 {
            Activation::Tanh => tanh(simd, a),
            // A comparison, not a maximum: that would swallow a NaN.
            Activation::Relu => simd.select_f32s(simd.less_than_f32s(a, zero), zero, a),
        }]
    }
}

/// The backward walk of a block of rows.
struct Backward<'a> {
    activation: Activation,
    extent: &'a Extent,
    scan: &'a Scan,
    panels: &'a Panels,
    block: Range<usize>,
    /// At each step, `[rows, H]`: the gradient of the sum under `φ`, written.
    sums: Vec<&'a mut [f32]>,
    /// `[T, B, H]`: `h_t`.
    hidden: &'a [f32],
    /// `[T, B, H]`: its gradient, if it has one.
    d_hidden: Option<&'a [f32]>,
    /// `[rows, H]`: the gradient of the state, updated at each step.
    dh: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (width, batch) = (self.extent.hidden, self.extent.batch);
        let no_gradient = vec![0.0; width];
        let mut rows = Vec::with_capacity(self.block.len());
        for t in self.scan.order(self.extent.steps).into_iter().rev() {
            self.scan.valid_rows(t, &self.block, &mut rows);
            let sums = &mut *self.sums[t];
            for (r, sum) in sums.chunks_exact_mut(width).enumerate() {
                let b = self.block.start + r;
                if !self.scan.is_valid(t, b) {
                    sum.fill(0.0);
                    continue;
                }
                let at = (t * batch + b) * width..(t * batch + b + 1) * width;
                let d_hidden = self.d_hidden.map_or(&no_gradient[..], |d| &d[at.clone()]);
                let inputs = [&self.hidden[at], d_hidden, &self.dh[r * width..][..width]];
                update(simd, StepBack(self.activation), inputs, [sum]);
            }
            let sums = &*sums;
            let row = |&r: &usize| Row { factors: &sums[r * width..][..width], start: Start::Zero, at: r * width };
            let operands: Vec<Row> = rows.iter().map(row).collect();
            simd.vectorize(Product { panels: self.panels, rows: &operands, out: self.dh });
        }
    }
}

/// One step of a row backwards: the gradient of the sum under `φ`.
#[derive(Clone, Copy)]
struct StepBack(Activation);

impl Lanewise<3, 1> for StepBack {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [h, d_hidden, dh]: [S::f32s; 3], [_]: [S::f32s; 1]) -> [S::f32s; 1] {
        let zero = simd.splat_f32s(0.0);
        let dh = simd.add_f32s(dh, d_hidden);
        [match self.0 {
            Activation::Tanh => simd.mul_f32s(dh, tanh_slope(simd, h)),
            Activation::Relu => simd.select_f32s(simd.greater_than_f32s(h, zero), dh, zero),
        }]
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::backend::Flex;

    use super::*;
    use crate::cpu::testing::{SIZES, arguments, assert_scalar_path_agrees};

    const SHAPES: [&[usize]; 2] = [&[SIZES[2], SIZES[2]], &[SIZES[1], SIZES[2]]];

    #[test]
    fn the_scalar_path_gives_the_numbers_of_the_vector_path() {
        assert_scalar_path_agrees(Rnn(Activation::Tanh), 1, SHAPES);
        assert_scalar_path_agrees(Rnn(Activation::Relu), 1, SHAPES);
    }

    #[test]
    fn the_hidden_states_take_the_place_of_the_projection() {
        let (input, parameters) = arguments(1, SHAPES);
        let InputTensors::Projected(projection) = &input else {
            unreachable!("the arguments hold a projection");
        };
        let memory = Flex::slice(projection).as_ptr();
        let (walked, _) = Rnn(Activation::Tanh).forward::<Flex>(Arch::new(), input, parameters, &Scan::default(), true);
        assert_eq!(Flex::slice(&walked.hidden).as_ptr(), memory);
    }
}
