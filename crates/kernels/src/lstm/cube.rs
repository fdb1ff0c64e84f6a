//! The LSTM on a GPU.
//!
//! Values saved for the backward pass: `4 T B H` gates, which overwrite the input, and `T B H` cell
//! states, besides the output hidden states.

use cubecl::prelude::*;

use super::Lstm;
use crate::cube::{
    CubeTensor,
    cell::{CubeCell, Sequence, StateGradients, launch},
    step::{Step, sigmoid},
};

/// Gates i, f, g, o.
const GATES: usize = 4;

impl CubeCell for Lstm {
    fn step(self, s: &Sequence, t: usize, product: CubeTensor) {
        launch!(step_forward, s, t, [s.gates(), s.hidden(), s.cells(), product.into_tensor_arg()]);
    }

    fn step_back(self, s: &Sequence, t: usize, dh: CubeTensor, d: &StateGradients) {
        launch!(
            step_backward,
            s,
            t,
            [s.gates(), s.cells(), d.hidden().into(), dh.into_tensor_arg(), d.direct(), d.cell()]
        );
    }
}

/// A step: from the input to the gates after their nonlinearity, and from the previous states to
/// the next.
#[cube(launch_unchecked)]
fn step_forward(
    gates: &mut Tensor<f32>,
    hidden: &mut Tensor<f32>,
    cells: &mut Tensor<f32>,
    product: &Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    step: Step,
) {
    if !step.has_unit() {
        terminate!();
    }
    if step.is_valid(lengths) {
        let (width, of_input, of_state) = (step.hidden, step.gate_in_sequence(GATES), step.gate(GATES));
        let i = sigmoid(gates[of_input] + product[of_state]);
        let f = sigmoid(gates[of_input + width] + product[of_state + width]);
        let g = (gates[of_input + 2 * width] + product[of_state + 2 * width]).tanh();
        let o = sigmoid(gates[of_input + 3 * width] + product[of_state + 3 * width]);
        let c = f * cells[step.before()] + i * g;
        gates[of_input] = i;
        gates[of_input + width] = f;
        gates[of_input + 2 * width] = g;
        gates[of_input + 3 * width] = o;
        cells[step.after()] = c;
        hidden[step.after()] = o * c.tanh();
    } else {
        cells[step.after()] = cells[step.before()];
        hidden[step.after()] = hidden[step.before()];
    }
}

/// A backward step: from the gates to the gradients of their pre-activations, and from the gradient
/// of the cell state to that of the previous one.
///
/// `dh` is the gradient of the hidden state through the next step of the scan, and `direct` that of
/// rows past their length, which have no such step.
#[cube(launch_unchecked)]
fn step_backward(
    gates: &mut Tensor<f32>,
    cells: &Tensor<f32>,
    d_hidden: ComptimeOption<&Tensor<f32>>,
    dh: &Tensor<f32>,
    direct: &mut Tensor<f32>,
    dc: &mut Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    step: Step,
) {
    if !step.has_unit() {
        terminate!();
    }
    let (width, gate) = (step.hidden, step.gate_in_sequence(GATES));
    let dh = dh[ABSOLUTE_POS] + direct[ABSOLUTE_POS];
    if step.is_valid(lengths) {
        let i = gates[gate];
        let f = gates[gate + width];
        let g = gates[gate + 2 * width];
        let o = gates[gate + 3 * width];
        let tanh_c = cells[step.after()].tanh();
        let dh = dh + step.upstream(d_hidden);
        let d_cell = dc[ABSOLUTE_POS] + dh * o * (1.0 - tanh_c * tanh_c);
        gates[gate] = d_cell * g * i * (1.0 - i);
        gates[gate + width] = d_cell * cells[step.before()] * f * (1.0 - f);
        gates[gate + 2 * width] = d_cell * i * (1.0 - g * g);
        gates[gate + 3 * width] = dh * tanh_c * o * (1.0 - o);
        dc[ABSOLUTE_POS] = d_cell * f;
        direct[ABSOLUTE_POS] = 0.0;
    } else {
        gates[gate] = 0.0;
        gates[gate + width] = 0.0;
        gates[gate + 2 * width] = 0.0;
        gates[gate + 3 * width] = 0.0;
        direct[ABSOLUTE_POS] = dh;
    }
}
