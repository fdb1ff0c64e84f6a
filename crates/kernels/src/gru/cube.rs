//! The GRU on a GPU.
//!
//! Values saved for the backward pass: `3 T B H` gates, which overwrite the input, and as many for
//! the gradients of the recurrent products, a third of which holds `W_hn h_{t-1} + b_hn` until
//! then, besides the output hidden states.

use cubecl::prelude::*;

use super::Gru;
use crate::cube::cell::{CubeCell, State, sigmoid};

#[cube]
impl CubeCell for Gru {
    fn step(#[comptime] _cell: Self, gates: &mut Array<f32>, products: &mut Array<f32>, before: State) -> State {
        let r = sigmoid(gates[0] + products[0]);
        let z = sigmoid(gates[1] + products[1]);
        let n = (gates[2] + r * products[2]).tanh();
        gates[0] = r;
        gates[1] = z;
        gates[2] = n;
        // (1 - z) n + z h.
        State { h: n + z * (before.h - n), c: 0.0f32 }
    }

    fn step_back(
        #[comptime] _cell: Self,
        gates: &mut Array<f32>,
        products: &mut Array<f32>,
        before: f32,
        _after: f32,
        d: State,
    ) -> State {
        let (r, z, n, of_n) = (gates[0], gates[1], gates[2], products[2]);
        let dn = d.h * (1.0 - z) * (1.0 - n * n);
        let dr = dn * of_n * r * (1.0 - r);
        let dz = d.h * (before - n) * z * (1.0 - z);
        gates[0] = dr;
        gates[1] = dz;
        gates[2] = dn;
        products[0] = dr;
        products[1] = dz;
        products[2] = dn * r;
        State { h: d.h * z, c: 0.0f32 }
    }
}
