//! A cell on the CPU: one step of one row, forward and backward. The passes do the rest.

use pulp::Simd;

use super::blocks::Extent;
use crate::{Scan, recurrence::Cell};

/// The mathematics of a cell. Implementations must be `#[inline(always)]`, to be compiled for the
/// instruction set of the pass.
pub(crate) trait CpuCell: Cell {
    /// One step of a row: from pre-activations to gates, and to the new state.
    fn step<S: Simd>(self, simd: S, row: RowStep);

    /// One backward step of a row: from the gates to the gradients of their pre-activations, and
    /// from the gradient of the cell state to that of the previous cell state.
    ///
    /// The gradient of the hidden state becomes the part that reaches the previous hidden state
    /// directly. Only cells with a [separate](Cell::APART) gate need it: the products of the others
    /// overwrite it.
    fn step_back<S: Simd>(self, simd: S, row: RowStepBack);
}

/// Inputs and outputs of one step of a row.
pub(crate) struct RowStep<'a> {
    /// `[G]`: the pre-activations, without the separate product; replaced by the gates.
    pub gates: &'a mut [f32],
    /// `[H]`: the recurrent product of the separate gate with its bias, if any.
    pub apart: &'a [f32],
    /// `[G]`: the recurrent bias, if the cell has one.
    pub bias: &'a [f32],
    /// `[H]`: the hidden state, replaced by the new one.
    pub h: &'a mut [f32],
    /// `[H]`: the cell state, if any, replaced by the new one.
    pub c: &'a mut [f32],
}

/// Inputs and outputs of one backward step of a row.
pub(crate) struct RowStepBack<'a> {
    /// `[G]`: the gates, replaced by the gradients of their pre-activations. Write-only if the
    /// [gate is the state](Cell::GATE_IS_STATE).
    pub gates: &'a mut [f32],
    /// `[H]`: the recurrent product of the separate gate with its bias, replaced by its gradient.
    pub apart: &'a mut [f32],
    /// The hidden states, and the cell states if there are any.
    pub hidden: States<'a>,
    pub cells: States<'a>,
    /// The location of the row's states before and after the step.
    pub place: Place,
    /// `[H]`: the gradient of `h_t` from outside, and through later steps of the scan.
    pub d_hidden: &'a [f32],
    pub dh: &'a mut [f32],
    /// `[H]`: the gradient of the cell state, if any.
    pub dc: &'a mut [f32],
}

/// The states of a sequence.
#[derive(Clone, Copy)]
pub(crate) struct States<'a> {
    /// `[T, B, H]`
    pub sequence: &'a [f32],
    /// `[B, H]`: the initial states.
    pub initial: &'a [f32],
}

/// The location of a row's states at a step.
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
    /// The location of step `t` of row `b`.
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
