//! The GRU on a GPU.
//!
//! Values saved for the backward pass: `3 T B H` gates, which overwrite the input, and as many for
//! the gradients of the recurrent products, a third of which holds `W_hn h_{t-1} + b_hn` until
//! then, besides the output hidden states.

use cubecl::prelude::*;

use super::Gru;
use crate::cube::{
    CubeTensor,
    cell::{CubeCell, Sequence, StateGradients, launch},
    step::{Step, sigmoid},
};

/// Gates r, z, n.
const GATES: usize = 3;

impl CubeCell for Gru {
    fn step(self, s: &Sequence, t: usize, product: CubeTensor) {
        launch!(step_forward, s, t, [s.gates(), s.recurrent(), s.hidden(), product.into_tensor_arg(), s.bias()]);
    }

    fn step_back(self, s: &Sequence, t: usize, dh: CubeTensor, d: &StateGradients) {
        launch!(
            step_backward,
            s,
            t,
            [s.gates(), s.recurrent(), s.hidden(), d.hidden().into(), dh.into_tensor_arg(), d.direct()]
        );
    }
}

/// A step: from the input to the gates after their nonlinearity, and from the previous state to the
/// next.
#[cube(launch_unchecked)]
fn step_forward(
    gates: &mut Tensor<f32>,
    recurrent: &mut Tensor<f32>,
    hidden: &mut Tensor<f32>,
    product: &Tensor<f32>,
    bias: &Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    step: Step,
) {
    if !step.has_unit() {
        terminate!();
    }
    let h = hidden[step.before()];
    if step.is_valid(lengths) {
        let (width, of_input, of_state) = (step.hidden, step.gate_in_sequence(GATES), step.gate(GATES));
        let unit = ABSOLUTE_POS % width;
        let r = sigmoid(gates[of_input] + product[of_state] + bias[unit]);
        let z = sigmoid(gates[of_input + width] + product[of_state + width] + bias[unit + width]);
        let of_n = product[of_state + 2 * width] + bias[unit + 2 * width];
        let n = (gates[of_input + 2 * width] + r * of_n).tanh();
        gates[of_input] = r;
        gates[of_input + width] = z;
        gates[of_input + 2 * width] = n;
        recurrent[of_input + 2 * width] = of_n;
        // (1 - z) n + z h.
        hidden[step.after()] = n + z * (h - n);
    } else {
        hidden[step.after()] = h;
    }
}

/// A backward step: from the gates to the gradients of their pre-activations, and from `recurrent`
/// to the gradients of the products with the state.
///
/// `dh` is the gradient of the hidden state through the products of the next step of the scan, and
/// `direct` the rest: through `z h`, and in rows past their length.
#[cube(launch_unchecked)]
fn step_backward(
    gates: &mut Tensor<f32>,
    recurrent: &mut Tensor<f32>,
    hidden: &Tensor<f32>,
    d_hidden: ComptimeOption<&Tensor<f32>>,
    dh: &Tensor<f32>,
    direct: &mut Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    step: Step,
) {
    if !step.has_unit() {
        terminate!();
    }
    let (width, gate) = (step.hidden, step.gate_in_sequence(GATES));
    let dh = dh[ABSOLUTE_POS] + direct[ABSOLUTE_POS];
    if step.is_valid(lengths) {
        let r = gates[gate];
        let z = gates[gate + width];
        let n = gates[gate + 2 * width];
        let of_n = recurrent[gate + 2 * width];
        let dh = dh + step.upstream(d_hidden);
        let dn = dh * (1.0 - z) * (1.0 - n * n);
        let dr = dn * of_n * r * (1.0 - r);
        let dz = dh * (hidden[step.before()] - n) * z * (1.0 - z);
        gates[gate] = dr;
        gates[gate + width] = dz;
        gates[gate + 2 * width] = dn;
        recurrent[gate] = dr;
        recurrent[gate + width] = dz;
        recurrent[gate + 2 * width] = dn * r;
        direct[ABSOLUTE_POS] = dh * z;
    } else {
        gates[gate] = 0.0;
        gates[gate + width] = 0.0;
        gates[gate + 2 * width] = 0.0;
        recurrent[gate] = 0.0;
        recurrent[gate + width] = 0.0;
        recurrent[gate + 2 * width] = 0.0;
        direct[ABSOLUTE_POS] = dh;
    }
}
