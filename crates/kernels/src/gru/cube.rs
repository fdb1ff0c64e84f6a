//! The GRU on a GPU.
//!
//! Numbers kept for the backward pass: `3 T B H` gates, in the place of the input, and as
//! many for the gradients of the recurrent products, a third of which holds `W_hn h_{t-1}
//! + b_hn` until then, beside the hidden states that are the output.

use burn::backend::ops::FloatTensorOps;
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

use super::Gru;
use crate::{
    Scan,
    backend::InputTensors,
    cube::{
        CubeBackend, CubeTensor,
        recurrence::CubeRecurrence,
        step::{Step, sigmoid},
        walk::{Walk, at, own, sum_of_rows},
    },
    recurrence::{Gradients, Upstream, Walked, Wanted},
};

/// Gates r, z, n.
const GATES: usize = 3;

/// What the forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    walk: Walk,
    weight_hh: CubeTensor,
    /// `[T, B, 3H]`: r, z, n after their nonlinearity.
    gates: CubeTensor,
    /// `[T, B, 3H]`: the last third is `W_hn h_{t-1} + b_hn`.
    recurrent: CubeTensor,
    /// `[T + 1, B, H]`: the states before and after each step.
    hidden: CubeTensor,
}

impl CubeRecurrence<3, 1> for Gru {
    type Saved = Saved;

    fn forward(
        self,
        input: InputTensors<CubeBackend>,
        [weight_hh, bias_hh, h0]: [CubeTensor; 3],
        scan: &Scan,
    ) -> (Walked<CubeBackend, 1>, Saved) {
        let (walk, gates) = Walk::new(input, &h0, scan);
        let recurrent = walk.sequence(GATES, &gates);
        let bias_hh = into_contiguous(bias_hh);
        let hidden = walk.states(h0);
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
                    recurrent.clone().into_tensor_arg(),
                    hidden.clone().into_tensor_arg(),
                    product.into_tensor_arg(),
                    bias_hh.clone().into_tensor_arg(),
                    walk.lengths().into(),
                    walk.step(t),
                );
            }
        }
        let walked = Walked { hidden: walk.outputs(&hidden), last: [walk.last(&hidden)] };
        (walked, Saved { walk, weight_hh, gates, recurrent, hidden })
    }

    fn backward(saved: Saved, upstream: Upstream<CubeBackend, 1>, wanted: Wanted) -> Gradients<CubeBackend, 3> {
        let Saved { walk, weight_hh, gates, recurrent, hidden } = saved;
        let [dh] = upstream.last;
        let mut dh = walk.gradient_or_zeros(dh, &hidden);
        let direct = walk.zero_state(&hidden);
        let d_hidden = upstream.hidden.map(into_contiguous);
        let (gates, recurrent) = (own(gates), own(recurrent));
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
                    recurrent.clone().into_tensor_arg(),
                    hidden.clone().into_tensor_arg(),
                    d_hidden.clone().map(CubeTensor::into_tensor_arg).into(),
                    dh.into_tensor_arg(),
                    direct.clone().into_tensor_arg(),
                    walk.lengths().into(),
                    walk.step(t),
                );
            }
            dh = CubeBackend::float_matmul(at(&recurrent, t), weight_hh.clone());
        }
        let dh = CubeBackend::float_add(dh, direct);
        let weight = wanted.weight_hh.then(|| walk.weight_gradient(&recurrent, &hidden));
        let bias = sum_of_rows(recurrent);
        let input = wanted.input.then(|| walk.input_gradient(gates));
        Gradients { input, parameters: [weight, Some(bias), Some(dh)] }
    }
}

/// A step: the input to the gates after their nonlinearity, and the state before to that
/// after.
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

/// A step backwards: the gates to their gradients before the nonlinearity, and
/// `recurrent` to those of the products with the state.
///
/// `dh` is the gradient of the hidden state through the products of the step walked after
/// this one, and `direct` the rest of it: through `z h`, and in rows past their length.
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
