//! Stochastic gradient descent on a GPU: the steps of many parameters in one kernel.

use burn::tensor::Tensor;
use burn_cubecl::{kernel::into_contiguous, tensor::CubeTensor};
use cubecl::prelude::*;

use super::Step;
use crate::{
    cube::walk::own,
    multi::{Place, each_launch, primitive, wrap},
};

/// Buffers of a parameter: itself, its gradient and its velocity.
const BUFFERS: usize = 3;

/// The step of a parameter that is not launched yet.
pub(super) struct Pending {
    /// To be overwritten, as the velocity is.
    parameter: CubeTensor,
    gradient: CubeTensor,
    velocity: Option<CubeTensor>,
    step: Step,
}

impl Pending {
    /// A step, and the tensors that will hold the parameter and its velocity after it.
    pub fn new<const D: usize>(
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        velocity: Option<Tensor<D>>,
        step: Step,
    ) -> (Self, Tensor<D>, Option<Tensor<D>>) {
        let parameter = own(primitive(parameter));
        let velocity = velocity.map(|velocity| own(primitive(velocity)));
        let after = (wrap(parameter.clone()), velocity.clone().map(wrap));
        let gradient = into_contiguous(primitive(gradient));
        (Self { parameter, gradient, velocity, step }, after.0, after.1)
    }
}

/// Launches the steps, which are of different parameters.
pub(super) fn run(steps: Vec<Pending>) {
    let (with, without): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| step.velocity.is_some());
    for (steps, has_momentum) in [(with, true), (without, false)] {
        each_launch(
            steps,
            |step| &step.gradient,
            BUFFERS,
            |client, launch, steps| {
                let parameters = steps.into_iter().map(|(step, place, count)| {
                    let Pending { parameter, gradient, velocity, step } = step;
                    // Without momentum the kernel does not use it.
                    let velocity = velocity.unwrap_or_else(|| gradient.clone());
                    let [w, g, v] = [parameter, gradient, velocity].map(CubeTensor::into_buffer_arg);
                    let Step { momentum, penalty, learning_rate } = step;
                    ParameterLaunch::new(w, g, v, place, count, momentum, penalty, learning_rate as f32)
                });
                let (count, group) = (launch.count(), launch.group(client));
                // SAFETY: a thread stays within the elements of its parameter, which all three buffers have.
                unsafe {
                    sgd_step::launch_unchecked(client, count, group, parameters.collect(), launch.chunk, has_momentum);
                }
            },
        );
    }
}

#[derive(CubeLaunch, CubeType)]
struct Parameter {
    w: Box<[f32]>,
    g: Box<[f32]>,
    v: Box<[f32]>,
    place: Place,
    count: usize,
    momentum: f32,
    penalty: f32,
    learning_rate: f32,
}

#[cube(launch_unchecked)]
fn sgd_step(mut parameters: Sequence<Parameter>, chunk: usize, #[comptime] has_momentum: bool) {
    let count = parameters.len().comptime();
    #[unroll]
    for index in 0..count {
        let parameter = parameters.index_mut(index);
        if parameter.place.is_here() {
            let begin = parameter.place.begin(chunk);
            let end = clamp_max(begin + chunk, parameter.count);
            for i in range_stepped(begin + UNIT_POS as usize, end, CUBE_DIM as usize) {
                let mut change = parameter.w[i] * parameter.penalty + parameter.g[i];
                if comptime![has_momentum] {
                    change += parameter.v[i] * parameter.momentum;
                    parameter.v[i] = change;
                }
                parameter.w[i] -= change * parameter.learning_rate;
            }
        }
    }
}
