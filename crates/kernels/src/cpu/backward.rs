//! The backward pass of all cells: back-propagation through time.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::{
    blocks::{Extent, split_rows, split_steps},
    cell::{CpuCell, Place, RowStepBack, States},
    forward::{Saved, Weights},
    gradients::{input_gradient, weight_gradient},
    once::Pass,
    outer::Columns,
    tensors::{CpuBackend, Gates},
    tiles::{Row, Start, multiply},
};
use crate::{
    Scan,
    recurrence::{Gradients, Upstream, Wanted},
};

/// The gradients of the arguments from those of the outputs.
pub(crate) fn backward<B: CpuBackend, R: CpuCell>(
    cell: R,
    saved: Saved<B>,
    upstream: Upstream<B>,
    wanted: Wanted,
) -> Gradients<B> {
    let (extent, scan, symbols) = (saved.extent, &saved.scan, saved.symbols.as_ref());
    let width = extent.hidden;
    let (gates_width, apart_width) = (R::GATES * width, R::APART * width);
    let d_hidden = upstream.hidden.map(B::contiguous);
    let like = upstream.last.into_iter().zip(&saved.initial);
    let mut initial: Vec<_> = like.map(|(gradient, like)| B::gradient_or_zeros(gradient, like)).collect();
    let mut state = initial.iter_mut().map(B::slice_mut);
    let (dh, dc) = (state.next().expect("every cell has a hidden state"), state.next().unwrap_or_default());
    let mut gates =
        saved.gates.unwrap_or_else(|| Gates::new([extent.steps, extent.batch, gates_width], symbols.is_none()));
    let mut apart = saved.apart;

    let weights = Weights::get::<B, R>(&extent, scan, Pass::Backward, &saved.weight_hh);
    let blocks = extent.blocks();
    let mut bias_sums = vec![vec![0.0; R::APART * gates_width]; blocks.len()];
    let initial_states: Vec<&[f32]> = saved.initial.iter().map(B::slice).collect();
    let hidden = States { sequence: B::slice(&saved.hidden), initial: initial_states[0] };
    let cells = States { sequence: &saved.cells, initial: initial_states.get(1).copied().unwrap_or_default() };
    let work = (blocks.iter().zip(&mut bias_sums))
        .zip(split_steps(gates.slice_mut(), &extent, &blocks, gates_width))
        .zip(split_steps(apart.slice_mut(), &extent, &blocks, apart_width))
        .zip(split_rows(dh, &blocks, width))
        .zip(split_rows(dc, &blocks, R::CELL_STATES * width));
    let tasks = work.map(|(((((block, bias), gates), apart), dh), dc)| Block {
        cell,
        extent: &extent,
        scan,
        weights: &weights,
        block: block.clone(),
        gates,
        apart,
        bias,
        hidden,
        cells,
        d_hidden: d_hidden.as_ref().map(B::slice),
        dh,
        dc,
    });
    extent.run(tasks.collect());

    let bias_hh = (R::APART > 0).then(|| {
        let mut gradient = B::zeros([gates_width]);
        for sums in &bias_sums {
            B::slice_mut(&mut gradient).iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
        gradient
    });
    let weight_hh = wanted.weight_hh.then(|| {
        let mut gradient = B::zeros([gates_width, width]);
        let (of_joined, of_apart) = B::slice_mut(&mut gradient).split_at_mut((gates_width - apart_width) * width);
        let joined = Columns { columns: gates_width - apart_width, ..Columns::all(gates.slice_mut(), gates_width) };
        weight_gradient(&extent, scan, joined, hidden, of_joined);
        if R::APART > 0 {
            weight_gradient(&extent, scan, Columns::all(apart.slice_mut(), apart_width), hidden, of_apart);
        }
        gradient
    });
    let input = wanted.input.then(|| input_gradient(&extent, scan, symbols, gates));
    Gradients { input, weights: [weight_hh].into_iter().chain(bias_hh.map(Some)).collect(), initial }
}

/// The backward pass of a block of rows.
struct Block<'a, R> {
    cell: R,
    extent: &'a Extent,
    scan: &'a Scan,
    weights: &'a Weights,
    block: Range<usize>,
    /// At each step, `[rows, G]`: the gates, replaced by the gradients of their pre-activations.
    gates: Vec<&'a mut [f32]>,
    /// At each step, `[rows, H]`: the recurrent product of the separate gate with its bias, if any,
    /// replaced by its gradient.
    apart: Vec<&'a mut [f32]>,
    /// `[G]`: the gradient of the recurrent bias, if any, summed over the block.
    bias: &'a mut [f32],
    hidden: States<'a>,
    cells: States<'a>,
    /// `[T, B, H]`: the gradient of the hidden states, if any.
    d_hidden: Option<&'a [f32]>,
    /// `[rows, H]`: the gradient of the state, updated at each step.
    dh: &'a mut [f32],
    dc: &'a mut [f32],
}

impl<R: CpuCell> WithSimd for Block<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let width = self.extent.hidden;
        let (gates_width, joined_width) = (R::GATES * width, (R::GATES - R::APART) * width);
        let no_gradient = vec![0.0; width];
        let mut rows = Vec::with_capacity(self.block.len());
        for t in self.scan.order(self.extent.steps).into_iter().rev() {
            self.scan.valid_rows(t, &self.block, &mut rows);
            let (gates, apart) = (&mut *self.gates[t], &mut *self.apart[t]);
            let each_row = gates.chunks_exact_mut(gates_width).zip(self.dh.chunks_exact_mut(width));
            for (r, (gates, dh)) in each_row.enumerate() {
                let b = self.block.start + r;
                let row = r * width..(r + 1) * width;
                let apart = if R::APART > 0 { &mut apart[row.clone()] } else { &mut [] };
                if !self.scan.is_valid(t, b) {
                    gates.fill(0.0);
                    apart.fill(0.0);
                    continue;
                }
                let place = Place::new(self.extent, self.scan, t, b);
                let dc = if R::CELL_STATES > 0 { &mut self.dc[row] } else { &mut [] };
                let row = RowStepBack {
                    gates: &mut *gates,
                    apart: &mut *apart,
                    hidden: self.hidden,
                    cells: self.cells,
                    place,
                    d_hidden: self.d_hidden.map_or(&no_gradient[..], |d| &d[place.after * width..][..width]),
                    dh,
                    dc,
                };
                self.cell.step_back(simd, row);
                if R::APART > 0 {
                    let (of_joined, of_apart) = self.bias.split_at_mut(joined_width);
                    of_joined.iter_mut().zip(&*gates).for_each(|(sum, d)| *sum += d);
                    of_apart.iter_mut().zip(&*apart).for_each(|(sum, d)| *sum += d);
                }
            }
            let (gates, apart) = (&*gates, &*apart);
            // With a separate gate, part of the gradient is in the state already.
            let start = if R::APART > 0 { Start::Output } else { Start::Zero };
            let joined = |r: usize| Row { factors: &gates[r * gates_width..][..joined_width], start, at: r * width };
            multiply(simd, &rows, joined, &self.weights.joined, self.dh);
            if R::APART > 0
                && let Some(panels) = &self.weights.apart
            {
                let of_apart = |r: usize| Row { factors: &apart[r * width..][..width], ..joined(r) };
                multiply(simd, &rows, of_apart, panels, self.dh);
            }
        }
    }
}
