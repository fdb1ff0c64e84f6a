//! Adam on a GPU: the steps of many parameters in one kernel.

use burn::tensor::Tensor;
use burn_cubecl::{kernel::into_contiguous, tensor::CubeTensor};
use cubecl::prelude::*;

use super::Step;
use crate::{
    cube::walk::own,
    multi::{Place, each_launch, primitive, wrap},
};

/// Buffers of a parameter: itself, its gradient and its moments.
const BUFFERS: usize = 4;

/// The step of a parameter that is not launched yet.
pub(super) struct Pending {
    /// The parameter, `m` and `v`, to be overwritten.
    state: [CubeTensor; 3],
    gradient: CubeTensor,
    step: Step,
}

impl Pending {
    /// A step, and the tensors that will hold the parameter and the moments after it.
    pub fn new<const D: usize>(
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        [m, v]: [Tensor<D>; 2],
        step: Step,
    ) -> (Self, Tensor<D>, [Tensor<D>; 2]) {
        let state = [parameter, m, v].map(|tensor| own(primitive(tensor)));
        let [parameter, m, v] = state.clone().map(wrap);
        (Self { state, gradient: into_contiguous(primitive(gradient)), step }, parameter, [m, v])
    }
}

/// Launches the steps, which are of different parameters.
pub(super) fn run(steps: Vec<Pending>) {
    each_launch(
        steps,
        |step| &step.gradient,
        BUFFERS,
        |client, launch, steps| {
            let parameters = steps.into_iter().map(|(Pending { state: [w, m, v], gradient, step }, place, count)| {
                let [correction, epsilon] = step.corrections();
                let constants = ConstantsLaunch::new(
                    step.beta_1,
                    step.beta_2,
                    1.0 - step.beta_1,
                    1.0 - step.beta_2,
                    correction,
                    epsilon,
                    step.penalty(),
                    step.kept(),
                    step.learning_rate as f32,
                );
                let [w, m, v, g] = [w, m, v, gradient].map(CubeTensor::into_buffer_arg);
                ParameterLaunch::new(w, g, m, v, place, count, constants)
            });
            let (count, group) = (launch.count(), launch.group(client));
            // SAFETY: a thread stays within the elements of its parameter, which all four buffers have.
            unsafe { adam_step::launch_unchecked(client, count, group, parameters.collect(), launch.chunk) }
        },
    );
}

/// The constants of a step, as in [`composed`](super::composed).
#[derive(CubeLaunch, CubeType)]
struct Constants {
    beta_1: f32,
    beta_2: f32,
    rest_1: f32,
    rest_2: f32,
    correction: f32,
    epsilon: f32,
    penalty: f32,
    kept: f32,
    learning_rate: f32,
}

#[derive(CubeLaunch, CubeType)]
struct Parameter {
    w: Box<[f32]>,
    g: Box<[f32]>,
    m: Box<[f32]>,
    v: Box<[f32]>,
    place: Place,
    count: usize,
    constants: Constants,
}

#[cube(launch_unchecked)]
fn adam_step(mut parameters: Sequence<Parameter>, chunk: usize) {
    let count = parameters.len().comptime();
    #[unroll]
    for index in 0..count {
        let parameter = parameters.index_mut(index);
        if parameter.place.is_here() {
            let begin = parameter.place.begin(chunk);
            let end = clamp_max(begin + chunk, parameter.count);
            for i in range_stepped(begin + UNIT_POS as usize, end, CUBE_DIM as usize) {
                let g = parameter.w[i] * parameter.constants.penalty + parameter.g[i];
                let m = parameter.m[i] * parameter.constants.beta_1 + g * parameter.constants.rest_1;
                let v = parameter.v[i] * parameter.constants.beta_2 + g * g * parameter.constants.rest_2;
                let change = m * parameter.constants.correction / (v.sqrt() + parameter.constants.epsilon);
                parameter.w[i] = parameter.w[i] * parameter.constants.kept - change * parameter.constants.learning_rate;
                parameter.m[i] = m;
                parameter.v[i] = v;
            }
        }
    }
}
