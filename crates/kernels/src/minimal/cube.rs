//! The minimal cells on a GPU: a thread computes all time steps of a unit of a row, so that a
//! sequence is one kernel, forward and backward.

use burn::backend::{FloatDType, TensorMetadata, ops::FloatTensorOps};
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

use super::Minimal;
use crate::{
    Direction, Scan,
    cube::{
        CubeBackend, CubeTensor,
        cell::sigmoid,
        walk::{Walk, own},
        walks::CubeWalk,
    },
    recurrence::{Arguments, Gradients, Upstream, Walked, Wanted},
};

/// State that the forward pass saves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    direction: Direction,
    walk: Walk,
    /// `[T, B, G]`: the pre-activations.
    sums: CubeTensor,
    h0: CubeTensor,
    /// `[T, B, H]`: `h_t`.
    hidden: CubeTensor,
}

impl CubeWalk for Minimal {
    type Saved = Saved;

    fn forward(self, arguments: Arguments<CubeBackend>, scan: &Scan) -> (Walked<CubeBackend>, Saved) {
        let [h0] = arguments.initial.into_array();
        let (walk, sums) = Walk::new(arguments.input, &h0, scan);
        let (direction, h0) = (scan.direction, into_contiguous(h0));
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
                walk.lengths().cloned().map(CubeTensor::into_tensor_arg).into(),
                self,
                direction == Direction::Reverse,
            );
        }
        (Walked { hidden: hidden.clone(), last: vec![last] }, Saved { direction, walk, sums, h0, hidden })
    }

    fn backward(self, saved: Saved, upstream: Upstream<CubeBackend>, wanted: Wanted) -> Gradients<CubeBackend> {
        let Saved { direction, walk, sums, h0, hidden } = saved;
        let dh = own(walk.gradient_or_zeros(upstream.last.into_iter().next().flatten(), &h0));
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
                walk.lengths().cloned().map(CubeTensor::into_tensor_arg).into(),
                self,
                direction == Direction::Reverse,
            );
        }
        let input = wanted.input.then(|| walk.input_gradient(sums));
        Gradients { input, weights: Vec::new(), initial: vec![dh] }
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
    #[comptime] cell: Minimal,
    #[comptime] reverse: bool,
) {
    let (steps, width) = (hidden.shape(0), hidden.shape(2));
    let (units, gates) = (hidden.shape(1) * width, comptime![cell.gates()]);
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let (row, unit) = (ABSOLUTE_POS / width, ABSOLUTE_POS % width);
    let valid = valid_steps(row, steps, lengths);
    let mut h = h0[ABSOLUTE_POS];
    for index in 0..valid {
        let t = if comptime![reverse] { valid - 1 - index } else { index };
        let at = (t * units + row * width) * gates + unit;
        let share = shares(sums[at], sums[at + width], cell);
        h = share.keep * h + share.write * positive(sums[at + (gates - 1) * width]);
        hidden[t * units + ABSOLUTE_POS] = h;
    }
    for t in valid..steps {
        hidden[t * units + ABSOLUTE_POS] = 0.0;
    }
    last[ABSOLUTE_POS] = h;
}

/// All backward time steps of a unit: from the pre-activations to their gradients, and from the
/// gradient of the final state to that of the initial one.
#[cube(launch_unchecked)]
fn backward(
    sums: &mut Tensor<f32>,
    h0: &Tensor<f32>,
    hidden: &Tensor<f32>,
    d_hidden: ComptimeOption<&Tensor<f32>>,
    d_state: &mut Tensor<f32>,
    lengths: ComptimeOption<&Tensor<u32>>,
    #[comptime] cell: Minimal,
    #[comptime] reverse: bool,
) {
    let (steps, width) = (hidden.shape(0), hidden.shape(2));
    let (units, gates) = (hidden.shape(1) * width, comptime![cell.gates()]);
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let (row, unit) = (ABSOLUTE_POS / width, ABSOLUTE_POS % width);
    let valid = valid_steps(row, steps, lengths);
    let mut dh = d_state[ABSOLUTE_POS];
    for index in 0..valid {
        let t = if comptime![reverse] { index } else { valid - 1 - index };
        let at = (t * units + row * width) * gates + unit;
        let mut h = h0[ABSOLUTE_POS];
        if index + 1 < valid {
            h = hidden[if comptime![reverse] { t + 1 } else { t - 1 } * units + ABSOLUTE_POS];
        }
        let d: ComptimeOption<f32> = d_hidden.map(|d_hidden| d_hidden[t * units + ABSOLUTE_POS]);
        dh += d.unwrap_or(0.0);
        let share = shares(sums[at], sums[at + width], cell);
        let x = sums[at + (gates - 1) * width];
        let d_keep = dh * (h - positive(x));
        sums[at] = d_keep * share.slope;
        if comptime![gates == 3] {
            sums[at + width] = d_keep * share.second_slope;
        }
        sums[at + (gates - 1) * width] = dh * share.write * positive_slope(x);
        dh *= share.keep;
    }
    for t in valid..steps {
        #[unroll]
        for part in 0..gates {
            sums[(t * units + row * width) * gates + unit + part * width] = 0.0;
        }
    }
    d_state[ABSOLUTE_POS] = dh;
}

/// The valid time steps of a row.
#[cube]
fn valid_steps(row: usize, steps: usize, lengths: ComptimeOption<&Tensor<u32>>) -> usize {
    let valid: ComptimeOption<usize> = lengths.map(|lengths| lengths[row] as usize);
    valid.unwrap_or(steps)
}

/// The shares `k` and `w`, and the derivatives of `k` by its pre-activations.
#[derive(CubeType)]
struct Shares {
    keep: f32,
    write: f32,
    slope: f32,
    second_slope: f32,
}

/// The shares of a cell; a minGRU has no `second` gate.
#[cube]
fn shares(first: f32, second: f32, #[comptime] cell: Minimal) -> Shares {
    match cell {
        Minimal::Gru => {
            let write = sigmoid(first);
            let keep = 1.0 - write;
            Shares { keep, write, slope: -keep * write, second_slope: 0.0f32 }
        }
        Minimal::Lstm => {
            let (a, b) = (exp_neg(first), exp_neg(second));
            let r = 1.0 / (2.0 + a + b);
            let (keep, write) = ((1.0 + b) * r, (1.0 + a) * r);
            Shares { keep, write, slope: keep * (a * r), second_slope: -write * (b * r) }
        }
    }
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

/// `e^{-x}` for `x` of at least -87, clamped below.
#[cube]
fn exp_neg(x: f32) -> f32 {
    // A comparison, not a maximum, which would drop NaN.
    select(-x > 87.0, 87.0, -x).exp()
}
