//! The vanilla network on a GPU.
//!
//! Numbers kept for the backward pass: none but the hidden states, which are the output;
//! `φ'` is a function of `φ`. The gradients of the sums under `φ` take the place of the
//! input.

use burn::backend::ops::FloatTensorOps;
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

use super::{Activation, Rnn};
use crate::{
    Scan,
    backend::InputTensors,
    cube::{
        CubeBackend, CubeTensor,
        recurrence::CubeRecurrence,
        step::Step,
        walk::{Walk, at},
    },
    recurrence::{Gradients, Upstream, Walked, Wanted},
};

/// What the forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    activation: Activation,
    walk: Walk,
    weight_hh: CubeTensor,
    /// `[T + 1, B, H]`: the states before and after each step.
    hidden: CubeTensor,
}

impl CubeRecurrence<2, 1> for Rnn {
    type Saved = Saved;

    fn forward(
        self,
        input: InputTensors<CubeBackend>,
        [weight_hh, h0]: [CubeTensor; 2],
        scan: &Scan,
    ) -> (Walked<CubeBackend, 1>, Saved) {
        let (walk, sums) = Walk::new(input, &h0, scan);
        let hidden = walk.states(h0);
        let weight_t = CubeBackend::float_transpose(weight_hh.clone());
        let client = &sums.client;
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
                    sums.clone().into_tensor_arg(),
                    hidden.clone().into_tensor_arg(),
                    product.into_tensor_arg(),
                    walk.lengths().into(),
                    walk.step(t),
                    self.0,
                );
            }
        }
        let walked = Walked { hidden: walk.outputs(&hidden), last: [walk.last(&hidden)] };
        (walked, Saved { activation: self.0, walk, weight_hh, hidden })
    }

    fn backward(saved: Saved, upstream: Upstream<CubeBackend, 1>, wanted: Wanted) -> Gradients<CubeBackend, 2> {
        let Saved { activation, walk, weight_hh, hidden } = saved;
        let [dh] = upstream.last;
        let mut dh = walk.gradient_or_zeros(dh, &hidden);
        let frozen = walk.zero_state(&hidden);
        let d_hidden = upstream.hidden.map(into_contiguous);
        let sums = walk.sequence(1, &hidden);
        let client = &sums.client;
        let (count, group) = walk.threads(client);
        for t in walk.order().into_iter().rev() {
            // SAFETY: as in the forward pass.
            unsafe {
                step_backward::launch_unchecked(
                    client,
                    count.clone(),
                    group,
                    sums.clone().into_tensor_arg(),
                    hidden.clone().into_tensor_arg(),
                    d_hidden.clone().map(CubeTensor::into_tensor_arg).into(),
                    dh.into_tensor_arg(),
                    frozen.clone().into_tensor_arg(),
                    walk.lengths().into(),
                    walk.step(t),
                    activation,
                );
            }
            dh = CubeBackend::float_matmul(at(&sums, t), weight_hh.clone());
        }
        let dh = CubeBackend::float_add(dh, frozen);
        let weight = wanted.weight_hh.then(|| walk.weight_gradient(&sums, &hidden));
        let input = wanted.input.then(|| walk.input_gradient(sums));
        Gradients { input, parameters: [weight, Some(dh)] }
    }
}

/// A step: the state before to that after.
#[cube(launch_unchecked)]
fn step_forward(
    sums: &Tensor<f32>,
    hidden: &mut Tensor<f32>,
    product: &Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    step: Step,
    #[comptime] activation: Activation,
) {
    if !step.has_unit() {
        terminate!();
    }
    if step.is_valid(lengths) {
        let sum = sums[step.unit()] + product[ABSOLUTE_POS];
        hidden[step.after()] = match activation {
            Activation::Tanh => sum.tanh(),
            // A comparison, not a maximum: that would swallow a NaN.
            Activation::Relu => select(sum < 0.0, 0.0, sum),
        };
    } else {
        hidden[step.after()] = hidden[step.before()];
    }
}

/// A step backwards: the gradient of the sum under `φ`.
///
/// `dh` is the gradient of the hidden state through the step walked after this one, and
/// `frozen` that of rows past their length, which have no such step.
#[cube(launch_unchecked)]
fn step_backward(
    sums: &mut Tensor<f32>,
    hidden: &Tensor<f32>,
    d_hidden: ComptimeOption<&Tensor<f32>>,
    dh: &Tensor<f32>,
    frozen: &mut Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    step: Step,
    #[comptime] activation: Activation,
) {
    if !step.has_unit() {
        terminate!();
    }
    let dh = dh[ABSOLUTE_POS] + frozen[ABSOLUTE_POS];
    if step.is_valid(lengths) {
        let h = hidden[step.after()];
        let dh = dh + step.upstream(d_hidden);
        sums[step.unit()] = match activation {
            Activation::Tanh => dh * (1.0 - h * h),
            Activation::Relu => select(h > 0.0, dh, 0.0),
        };
        frozen[ABSOLUTE_POS] = 0.0;
    } else {
        sums[step.unit()] = 0.0;
        frozen[ABSOLUTE_POS] = dh;
    }
}
