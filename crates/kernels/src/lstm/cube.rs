//! The LSTM on a GPU.
//!
//! Numbers kept for the backward pass: `4 T B H` gates, in the place of the input, and
//! `T B H` cells, beside the hidden states that are the output.

use burn::backend::ops::FloatTensorOps;
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

use super::Lstm;
use crate::{
    Scan,
    backend::InputTensors,
    cube::{
        CubeBackend, CubeTensor,
        recurrence::CubeRecurrence,
        step::{Step, sigmoid},
        walk::{Walk, at, own},
    },
    recurrence::{Gradients, Upstream, Walked, Wanted},
};

/// Gates i, f, g, o.
const GATES: usize = 4;

/// What the forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    walk: Walk,
    weight_hh: CubeTensor,
    /// `[T, B, 4H]`: i, f, g, o after their nonlinearity.
    gates: CubeTensor,
    /// `[T + 1, B, H]`: the states before and after each step.
    hidden: CubeTensor,
    cells: CubeTensor,
}

impl CubeRecurrence<3, 2> for Lstm {
    type Saved = Saved;

    fn forward(
        self,
        input: InputTensors<CubeBackend>,
        [weight_hh, h0, c0]: [CubeTensor; 3],
        scan: &Scan,
    ) -> (Walked<CubeBackend, 2>, Saved) {
        let (walk, gates) = Walk::new(input, &h0, scan);
        let (hidden, cells) = (walk.states(h0), walk.states(c0));
        let weight_t = CubeBackend::float_transpose(weight_hh.clone());
        let client = &gates.client;
        let (count, group) = walk.threads(client);
        for t in walk.order() {
            let product = CubeBackend::float_matmul(walk.before(&hidden, t), weight_t.clone());
            // SAFETY: every thread that has a unit stays within the shapes above, and the
            // others leave at once.
            unsafe {
                step_forward::launch_unchecked(
                    client,
                    count.clone(),
                    group,
                    gates.clone().into_tensor_arg(),
                    hidden.clone().into_tensor_arg(),
                    cells.clone().into_tensor_arg(),
                    product.into_tensor_arg(),
                    walk.lengths().into(),
                    walk.step(t),
                );
            }
        }
        let last = [walk.last(&hidden), walk.last(&cells)];
        let walked = Walked { hidden: walk.outputs(&hidden), last };
        (walked, Saved { walk, weight_hh, gates, hidden, cells })
    }

    fn backward(saved: Saved, upstream: Upstream<CubeBackend, 2>, wanted: Wanted) -> Gradients<CubeBackend, 3> {
        let Saved { walk, weight_hh, gates, hidden, cells } = saved;
        let [dh, dc] = upstream.last;
        let mut dh = walk.gradient_or_zeros(dh, &hidden);
        let dc = own(walk.gradient_or_zeros(dc, &hidden));
        let frozen = walk.zero_state(&hidden);
        let d_hidden = upstream.hidden.map(into_contiguous);
        let gates = own(gates);
        let client = &gates.client;
        let (count, group) = walk.threads(client);
        for t in walk.order().into_iter().rev() {
            // SAFETY: as in the forward pass.
            unsafe {
                step_backward::launch_unchecked(
                    client,
                    count.clone(),
                    group,
                    gates.clone().into_tensor_arg(),
                    cells.clone().into_tensor_arg(),
                    d_hidden.clone().map(CubeTensor::into_tensor_arg).into(),
                    dh.into_tensor_arg(),
                    frozen.clone().into_tensor_arg(),
                    dc.clone().into_tensor_arg(),
                    walk.lengths().into(),
                    walk.step(t),
                );
            }
            dh = CubeBackend::float_matmul(at(&gates, t), weight_hh.clone());
        }
        let dh = CubeBackend::float_add(dh, frozen);
        let weight = wanted.weight_hh.then(|| walk.weight_gradient(&gates, &hidden));
        let input = wanted.input.then(|| walk.input_gradient(gates));
        Gradients { input, parameters: [weight, Some(dh), Some(dc)] }
    }
}

/// A step: the input to the gates after their nonlinearity, and the states before to
/// those after.
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

/// A step backwards: the gates to their gradients before the nonlinearity, and the
/// gradient of the cell to that of the cell before.
///
/// `dh` is the gradient of the hidden state through the step walked after this one, and
/// `frozen` that of rows past their length, which have no such step.
#[cube(launch_unchecked)]
fn step_backward(
    gates: &mut Tensor<f32>,
    cells: &Tensor<f32>,
    d_hidden: ComptimeOption<&Tensor<f32>>,
    dh: &Tensor<f32>,
    frozen: &mut Tensor<f32>,
    dc: &mut Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    step: Step,
) {
    if !step.has_unit() {
        terminate!();
    }
    let (width, gate) = (step.hidden, step.gate_in_sequence(GATES));
    let dh = dh[ABSOLUTE_POS] + frozen[ABSOLUTE_POS];
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
        frozen[ABSOLUTE_POS] = 0.0;
    } else {
        gates[gate] = 0.0;
        gates[gate + width] = 0.0;
        gates[gate + 2 * width] = 0.0;
        gates[gate + 3 * width] = 0.0;
        frozen[ABSOLUTE_POS] = dh;
    }
}
