//! The minimal cells on a GPU: a thread for each unit of each row walks all time steps, so that a
//! sequence is one kernel, forward and backward.

use burn::backend::{FloatDType, TensorMetadata, ops::FloatTensorOps};
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

use super::Minimal;
use crate::{
    Direction, Scan,
    backend::InputTensors,
    cube::{
        CubeBackend, CubeTensor,
        recurrence::CubeRecurrence,
        step::sigmoid,
        walk::{Walk, own},
    },
    recurrence::{Gradients, Upstream, Walked, Wanted},
};

/// What the forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    cell: Minimal,
    direction: Direction,
    walk: Walk,
    /// `[T, B, G]`: the sums under the nonlinearities.
    sums: CubeTensor,
    h0: CubeTensor,
    /// `[T, B, H]`: `h_t`.
    hidden: CubeTensor,
}

impl CubeRecurrence<1, 1> for Minimal {
    type Saved = Saved;

    fn forward(
        self,
        input: InputTensors<CubeBackend>,
        [h0]: [CubeTensor; 1],
        scan: &Scan,
    ) -> (Walked<CubeBackend, 1>, Saved) {
        let (walk, sums) = Walk::new(input, &h0, scan);
        let (cell, direction, h0) = (self, scan.direction, into_contiguous(h0));
        let hidden = walk.sequence(1, &h0);
        let last = CubeBackend::float_empty(h0.shape(), &h0.device, FloatDType::F32);
        let client = &sums.client;
        let (count, group) = walk.threads(client);
        // SAFETY: every thread that has a unit stays within the shapes above, and the others leave
        // at once.
        unsafe {
            forward::launch_unchecked(
                client,
                count,
                group,
                sums.clone().into_tensor_arg(),
                h0.clone().into_tensor_arg(),
                hidden.clone().into_tensor_arg(),
                last.clone().into_tensor_arg(),
                walk.lengths().into(),
                sizes(&hidden),
                cell,
                direction == Direction::Reverse,
            );
        }
        (Walked { hidden: hidden.clone(), last: [last] }, Saved { cell, direction, walk, sums, h0, hidden })
    }

    fn backward(saved: Saved, upstream: Upstream<CubeBackend, 1>, wanted: Wanted) -> Gradients<CubeBackend, 1> {
        let Saved { cell, direction, walk, sums, h0, hidden } = saved;
        let [dh] = upstream.last;
        let dh = own(walk.gradient_or_zeros(dh, &h0));
        let d_hidden = upstream.hidden.map(into_contiguous);
        let sums = own(sums);
        let client = &sums.client;
        let (count, group) = walk.threads(client);
        // SAFETY: as in the forward pass.
        unsafe {
            backward::launch_unchecked(
                client,
                count,
                group,
                sums.clone().into_tensor_arg(),
                h0.into_tensor_arg(),
                hidden.clone().into_tensor_arg(),
                d_hidden.map(CubeTensor::into_tensor_arg).into(),
                dh.clone().into_tensor_arg(),
                walk.lengths().into(),
                sizes(&hidden),
                cell,
                direction == Direction::Reverse,
            );
        }
        let input = wanted.input.then(|| walk.input_gradient(sums));
        Gradients { input, parameters: [Some(dh)] }
    }
}

/// The sizes of a walk, of the hidden states `[T, B, H]`.
fn sizes(hidden: &CubeTensor) -> SizesLaunch {
    let [steps, batch, width] = hidden.shape().dims();
    SizesLaunch::new(steps, batch, width)
}

/// The sizes of a walk in a kernel.
#[derive(CubeLaunch, CubeType)]
struct Sizes {
    steps: usize,
    batch: usize,
    hidden: usize,
}

#[cube]
impl Sizes {
    /// Units of all rows: one thread each.
    fn units(&self) -> usize {
        self.batch * self.hidden
    }

    /// The valid time steps of the thread's row.
    fn valid(&self, lengths: ComptimeOption<&Tensor<u32>>) -> usize {
        let row = ABSOLUTE_POS / self.hidden;
        let valid: ComptimeOption<usize> = lengths.map(|lengths| lengths[row] as usize);
        valid.unwrap_or(self.steps)
    }

    /// Where the unit stands in `[T, B, H]`.
    fn unit(&self, t: usize) -> usize {
        t * self.units() + ABSOLUTE_POS
    }

    /// Where the first of the unit's sums stands in `[T, B, gates H]`, and the next ones `H` apart.
    fn sums(&self, t: usize, #[comptime] gates: usize) -> usize {
        (t * self.batch + ABSOLUTE_POS / self.hidden) * gates * self.hidden + ABSOLUTE_POS % self.hidden
    }
}

/// All time steps of a unit.
#[cube(launch_unchecked)]
fn forward(
    sums: &Tensor<f32>,
    h0: &Tensor<f32>,
    hidden: &mut Tensor<f32>,
    last: &mut Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    sizes: Sizes,
    #[comptime] cell: Minimal,
    #[comptime] reverse: bool,
) {
    if ABSOLUTE_POS >= sizes.units() {
        terminate!();
    }
    let width = sizes.hidden;
    let valid = sizes.valid(lengths);
    let mut h = h0[ABSOLUTE_POS];
    for index in 0..valid {
        let t = if comptime![reverse] { valid - 1 - index } else { index };
        let at = sizes.sums(t, comptime![cell.gates()]);
        h = match cell {
            Minimal::Gru => {
                let z = sigmoid(sums[at]);
                (1.0 - z) * h + z * positive(sums[at + width])
            }
            Minimal::Lstm => {
                let (a, b) = (1.0 + exp_neg(sums[at]), 1.0 + exp_neg(sums[at + width]));
                (b * h + a * positive(sums[at + 2 * width])) / (a + b)
            }
        };
        hidden[sizes.unit(t)] = h;
    }
    for t in valid..sizes.steps {
        hidden[sizes.unit(t)] = 0.0;
    }
    last[ABSOLUTE_POS] = h;
}

/// All time steps of a unit backwards: the sums to their gradients, and the gradient of the final
/// state to that of the initial one.
#[cube(launch_unchecked)]
fn backward(
    sums: &mut Tensor<f32>,
    h0: &Tensor<f32>,
    hidden: &Tensor<f32>,
    d_hidden: ComptimeOption<&Tensor<f32>>,
    d_state: &mut Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    sizes: Sizes,
    #[comptime] cell: Minimal,
    #[comptime] reverse: bool,
) {
    if ABSOLUTE_POS >= sizes.units() {
        terminate!();
    }
    let width = sizes.hidden;
    let valid = sizes.valid(lengths);
    let mut dh = d_state[ABSOLUTE_POS];
    for index in 0..valid {
        let t = if comptime![reverse] { index } else { valid - 1 - index };
        let mut h = h0[ABSOLUTE_POS];
        if index + 1 < valid {
            h = hidden[sizes.unit(if comptime![reverse] { t + 1 } else { t - 1 })];
        }
        let unit = sizes.unit(t);
        let d: ComptimeOption<f32> = d_hidden.map(|d_hidden| d_hidden[unit]);
        dh += d.unwrap_or(0.0);
        let at = sizes.sums(t, comptime![cell.gates()]);
        match cell {
            Minimal::Gru => {
                let z = sigmoid(sums[at]);
                let x = sums[at + width];
                sums[at] = dh * (positive(x) - h) * z * (1.0 - z);
                sums[at + width] = dh * z * positive_slope(x);
                dh *= 1.0 - z;
            }
            Minimal::Lstm => {
                let (a, b) = (exp_neg(sums[at]), exp_neg(sums[at + width]));
                let x = sums[at + 2 * width];
                let r = 1.0 / (2.0 + a + b);
                let (keep, write) = ((1.0 + b) * r, (1.0 + a) * r);
                let d_keep = dh * (h - positive(x));
                sums[at] = d_keep * keep * (a * r);
                sums[at + width] = -d_keep * write * (b * r);
                sums[at + 2 * width] = dh * write * positive_slope(x);
                dh *= keep;
            }
        }
    }
    for t in valid..sizes.steps {
        let at = sizes.sums(t, comptime![cell.gates()]);
        #[unroll]
        for part in 0..comptime![cell.gates()] {
            sums[at + part * width] = 0.0;
        }
    }
    d_state[ABSOLUTE_POS] = dh;
}

/// `g(x)`.
#[cube]
fn positive(x: f32) -> f32 {
    select(x < 0.0, sigmoid(x), x + 0.5)
}

/// `g'(x)`.
#[cube]
fn positive_slope(x: f32) -> f32 {
    let y = sigmoid(x);
    select(x < 0.0, y * (1.0 - y), 1.0)
}

/// `e^{-x}`, for `x` from -87 on; below it, the value there.
#[cube]
fn exp_neg(x: f32) -> f32 {
    // A comparison, not a maximum: that would swallow a NaN.
    select(x < -87.0, 87.0, -x).exp()
}
