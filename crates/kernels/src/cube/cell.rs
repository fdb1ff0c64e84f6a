//! A cell on a GPU: the mathematics of a unit of a row at one time step, forward and backward.
//!
//! Both forms of the passes call it: a kernel for each [step](super::step), and a kernel for the
//! whole [sequence](super::sequence).

use std::hash::Hash;

use cubecl::prelude::*;

use crate::recurrence::Cell;

/// The mathematics of a cell.
#[cube]
pub(crate) trait CubeCell: Cell + Eq + Hash + Sync {
    /// One step of a unit: from the states before it to those after it.
    ///
    /// `gates` holds the input's part of each pre-activation, and gets the gates after their
    /// nonlinearity. `products` holds the recurrent products, with the recurrent bias if the cell
    /// has one.
    fn step(#[comptime] cell: Self, gates: &mut Array<f32>, products: &mut Array<f32>, before: State) -> State;

    /// One backward step of a unit: from the gradients of the states after it, `d`, to those of the
    /// states before it, without the part of the hidden state's that flows through the recurrent
    /// products.
    ///
    /// `gates` holds the gates, and gets the gradients of the pre-activations. If the cell has a
    /// [separate](Cell::APART) gate, `products` holds its recurrent product, and gets the gradients
    /// of all of them. `before` and `after` are the cell states around the step, or the hidden
    /// states of a cell that has none.
    fn step_back(
        #[comptime] cell: Self,
        gates: &mut Array<f32>,
        products: &mut Array<f32>,
        before: f32,
        after: f32,
        d: State,
    ) -> State;
}

/// The states of a unit, or their gradients. `c` is 0 in a cell without a cell state.
#[derive(CubeType, Clone, Copy)]
pub(crate) struct State {
    pub h: f32,
    pub c: f32,
}

/// `σ(x)`.
#[cube]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
