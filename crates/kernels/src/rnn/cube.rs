//! The vanilla network on a GPU.
//!
//! Values saved for the backward pass: only the output hidden states, since `φ'` is a function of
//! `φ`. The gradients of the pre-activations overwrite the input.

use cubecl::prelude::*;

use super::{Activation, Rnn};
use crate::cube::cell::{CubeCell, State};

#[cube]
impl CubeCell for Rnn {
    fn step(#[comptime] cell: Self, gates: &mut Array<f32>, products: &mut Array<f32>, _before: State) -> State {
        let sum = gates[0] + products[0];
        let h = match cell.0 {
            Activation::Tanh => sum.tanh(),
            // A comparison, not a maximum, which would drop NaN.
            Activation::Relu => select(sum < 0.0, 0.0, sum),
        };
        State { h, c: 0.0f32 }
    }

    fn step_back(
        #[comptime] cell: Self,
        gates: &mut Array<f32>,
        _products: &mut Array<f32>,
        _before: f32,
        after: f32,
        d: State,
    ) -> State {
        gates[0] = match cell.0 {
            Activation::Tanh => d.h * (1.0 - after * after),
            Activation::Relu => select(after > 0.0, d.h, 0.0),
        };
        State { h: 0.0f32, c: 0.0f32 }
    }
}
