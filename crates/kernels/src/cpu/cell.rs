//! A cell on the CPU: one step of one row, forward and backward. All else is the walks'.

use pulp::Simd;

use super::blocks::Extent;
use crate::{Scan, recurrence::Cell};

/// The mathematics of a cell. Implementations must be `#[inline(always)]`, for the instructions
/// that the walk is compiled for.
pub(crate) trait CpuCell: Cell {
    /// One step of a row: the sums under the nonlinearities to the gates, and the new state.
    fn step<S: Simd>(self, simd: S, row: RowStep);

    /// One step of a row backwards: the gates to the gradients of the sums under the
    /// nonlinearities, and the gradient of the cell state to that of the cell state before.
    ///
    /// The gradient of the hidden state becomes the part of it that reaches the hidden state
    /// before directly. It is read by cells with a gate [apart](Cell::APART) only: the products
    /// of the others overwrite it.
    fn step_back<S: Simd>(self, simd: S, row: RowStepBack);
}

/// What one step of a row reads and writes.
pub(crate) struct RowStep<'a> {
    /// `[G]`: the sums under the nonlinearities, but for what is apart; replaced by the gates.
    pub gates: &'a mut [f32],
    /// `[H]`: the recurrent product of the gate apart with its bias, if there is one.
    pub apart: &'a [f32],
    /// `[G]`: the recurrent bias of a cell that has one.
    pub bias: &'a [f32],
    /// `[H]`: the hidden state, replaced by the new one.
    pub h: &'a mut [f32],
    /// `[H]`: the cell state, if there is one, replaced by the new one.
    pub c: &'a mut [f32],
}

/// What one step of a row backwards reads and writes.
pub(crate) struct RowStepBack<'a> {
    /// `[G]`: the gates, replaced by the gradients of the sums under their nonlinearities. Where
    /// the [gate is the state](Cell::GATE_IS_STATE), to be written only.
    pub gates: &'a mut [f32],
    /// `[H]`: the recurrent product of the gate apart with its bias, replaced by its gradient.
    pub apart: &'a mut [f32],
    /// The hidden states, and the cell states if there are any.
    pub hidden: States<'a>,
    pub cells: States<'a>,
    /// Where the row's state after the step and before it stand.
    pub place: Place,
    /// `[H]`: the gradient of `h_t` from outside, and through the steps walked after this one.
    pub d_hidden: &'a [f32],
    pub dh: &'a mut [f32],
    /// `[H]`: the gradient of the cell state, if there is one.
    pub dc: &'a mut [f32],
}

/// The states of a sequence.
#[derive(Clone, Copy)]
pub(crate) struct States<'a> {
    /// `[T, B, H]`
    pub sequence: &'a [f32],
    /// `[B, H]`: the initial ones.
    pub initial: &'a [f32],
}

/// Where the states of a row at a step stand.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// `H`
    pub width: usize,
    /// The row of `[T, B, H]` that the step wrote.
    pub after: usize,
    /// The row that it read; `None` for the initial state.
    pub before: Option<usize>,
    /// The row of `[B, H]`.
    pub row: usize,
}

impl Place {
    /// The place of step `t` of row `b`.
    #[inline(always)]
    pub fn new(extent: &Extent, scan: &Scan, t: usize, b: usize) -> Self {
        let row_at = |t: usize| t * extent.batch + b;
        let before = scan.previous(t, b, extent.steps).map(row_at);
        Self { width: extent.hidden, after: row_at(t), before, row: b }
    }
}

impl<'a> States<'a> {
    /// `[H]`: the state after the step.
    #[inline(always)]
    pub fn after(&self, place: Place) -> &'a [f32] {
        &self.sequence[place.after * place.width..][..place.width]
    }

    /// `[H]`: the state before the step.
    #[inline(always)]
    pub fn before(&self, place: Place) -> &'a [f32] {
        let (states, row) = match place.before {
            Some(row) => (self.sequence, row),
            None => (self.initial, place.row),
        };
        &states[row * place.width..][..place.width]
    }
}
