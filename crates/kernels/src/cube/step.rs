//! The kernels of one time step of all rows, between two matrix products: a thread computes a unit
//! of a row.

use cubecl::prelude::*;

use super::{
    cell::{CubeCell, State},
    unit::{BackwardTensors, ForwardTensors, Place},
};

/// A step, from the recurrent products `[B, G]` and the states before it to those after it.
#[cube(launch_unchecked)]
pub(super) fn forward<C: CubeCell>(
    tensors: &mut ForwardTensors,
    product: &Tensor<f32>,
    time: usize,
    batch: usize,
    hidden: usize,
    #[comptime] cell: C,
    #[comptime] reverse: bool,
) {
    if ABSOLUTE_POS >= batch * hidden {
        terminate!();
    }
    let gates = comptime![C::GATES];
    let (row, unit) = (ABSOLUTE_POS / hidden, ABSOLUTE_POS % hidden);
    let at = Place::new(time, row, unit, batch, hidden, gates, reverse);
    let mut products = Array::<f32>::new(gates);
    #[unroll]
    for g in 0..gates {
        products[g] = product[(row * gates + g) * hidden + unit];
    }
    let before = tensors.before(&at);
    tensors.step::<C>(&at, &mut products, before, cell);
}

/// A backward step. `dh` `[B, H]` is the gradient of the hidden states through the products of the
/// next step of the scan, and `direct` `[B, H]` the rest: what flows through the cell's own
/// mathematics, and in rows past their length. `dc` `[B, H]` is that of the cell states.
#[cube(launch_unchecked)]
pub(super) fn backward<C: CubeCell>(
    tensors: &mut BackwardTensors,
    dh: &Tensor<f32>,
    direct: &mut Tensor<f32>,
    mut dc: ComptimeOption<&mut Tensor<f32>>,
    time: usize,
    batch: usize,
    hidden: usize,
    #[comptime] cell: C,
    #[comptime] reverse: bool,
) {
    if ABSOLUTE_POS >= batch * hidden {
        terminate!();
    }
    let gates = comptime![C::GATES];
    let at = Place::new(time, ABSOLUTE_POS / hidden, ABSOLUTE_POS % hidden, batch, hidden, gates, reverse);
    #[comptime]
    let c = match &dc {
        ComptimeOption::Some(dc) => dc[ABSOLUTE_POS],
        ComptimeOption::None => 0.0f32.runtime(),
    };
    let after = State { h: dh[ABSOLUTE_POS] + direct[ABSOLUTE_POS], c };
    let mut products = Array::<f32>::new(gates);
    let before = tensors.step::<C>(&at, &mut products, after, cell);
    direct[ABSOLUTE_POS] = before.h;
    #[comptime]
    if let ComptimeOption::Some(dc) = &mut dc {
        dc[ABSOLUTE_POS] = before.c;
    }
}
