//! The LSTM on a GPU.
//!
//! Values saved for the backward pass: `4 T B H` gates, which overwrite the input, and `T B H` cell
//! states, besides the output hidden states.

use cubecl::prelude::*;

use super::Lstm;
use crate::cube::cell::{CubeCell, State, sigmoid};

#[cube]
impl CubeCell for Lstm {
    fn step(#[comptime] _cell: Self, gates: &mut Array<f32>, products: &mut Array<f32>, before: State) -> State {
        let i = sigmoid(gates[0] + products[0]);
        let f = sigmoid(gates[1] + products[1]);
        let g = (gates[2] + products[2]).tanh();
        let o = sigmoid(gates[3] + products[3]);
        gates[0] = i;
        gates[1] = f;
        gates[2] = g;
        gates[3] = o;
        let c = f * before.c + i * g;
        State { h: o * c.tanh(), c }
    }

    fn step_back(
        #[comptime] _cell: Self,
        gates: &mut Array<f32>,
        _products: &mut Array<f32>,
        before: f32,
        after: f32,
        d: State,
    ) -> State {
        let (i, f, g, o) = (gates[0], gates[1], gates[2], gates[3]);
        let tanh_c = after.tanh();
        let dc = d.c + d.h * o * (1.0 - tanh_c * tanh_c);
        gates[0] = dc * g * i * (1.0 - i);
        gates[1] = dc * before * f * (1.0 - f);
        gates[2] = dc * i * (1.0 - g * g);
        gates[3] = d.h * tanh_c * o * (1.0 - o);
        State { h: 0.0f32, c: dc * f }
    }
}
