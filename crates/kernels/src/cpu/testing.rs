//! Shared code of the native code's unit tests.

use burn::{
    backend::{Flex, flex::FlexTensor},
    tensor::TensorData,
};
use pulp::Arch;

use crate::{
    Direction, Scan,
    cpu::{cell::CpuCell, tensors::CpuBackend, walk::CpuWalk},
    recurrence::{Arguments, Cell, InputTensors, Upstream, Wanted},
    tensors::Tensors,
};

/// The baseline instruction set, and those of this machine: the widest vectors, and AVX2.
pub(crate) fn architectures() -> Vec<Arch> {
    let mut all = vec![Arch::Scalar, Arch::new()];
    #[cfg(target_arch = "x86_64")]
    all.extend(pulp::x86::V3::try_new().map(Arch::V3));
    all
}

/// Pseudo-random numbers in `[-0.5, 0.5)`.
pub(crate) fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..len).map(|_| next()).collect()
}

/// A random tensor.
pub(crate) fn tensor<const D: usize>(shape: [usize; D], seed: u64) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers(shape.iter().product(), seed), shape))
}

/// `T, B, H` of the tests: not multiples of a tile or of a panel.
pub(crate) const SIZES: [usize; 3] = [4, 7, 37];

/// Random arguments of a cell with weights of these shapes: a projection, the weights, the initial state.
pub(crate) fn arguments<R: Cell>(weights: &[&[usize]]) -> Arguments<Flex> {
    arguments_of(R::GATES, 1 + R::CELL_STATES, weights)
}

/// The same for any recurrence whose input is `gates` times as wide as each of its `states`.
pub(crate) fn arguments_of(gates: usize, states: usize, weights: &[&[usize]]) -> Arguments<Flex> {
    let [steps, batch, hidden] = SIZES;
    let mut seed = 1;
    let mut random = |shape: &[usize]| {
        seed += 1;
        FlexTensor::from_data(TensorData::new(numbers(shape.iter().product(), seed), shape.to_vec()))
    };
    let weights = weights.iter().map(|shape| random(shape)).collect();
    let initial = (0..states).map(|_| random(&[batch, hidden])).collect();
    let input = InputTensors::Projected(tensor([steps, batch, gates * hidden], 1));
    Arguments { input, weights: Tensors(weights), initial: Tensors(initial) }
}

/// Asserts that a cell gives the same values with and without vector instructions, forward and
/// backward; sums of up to 148 products of order 1 are rounded differently with fused multiply-add.
pub(crate) fn assert_scalar_path_agrees<R: CpuCell>(cell: R, weights: &[&[usize]]) {
    assert_paths_agree(cell, || arguments::<R>(weights));
}

/// The same for any recurrence.
pub(crate) fn assert_paths_agree<R: CpuWalk>(cell: R, arguments: impl Fn() -> Arguments<Flex>) {
    let [steps, batch, hidden] = SIZES;
    let lengths = (0..batch).map(|b| 1 + b % steps).collect();
    let scan = Scan { direction: Direction::Reverse, lengths: Some(lengths), ..Scan::default() };
    let mut results = architectures().into_iter().map(|arch| {
        let (walked, saved) = cell.forward::<Flex>(arch, arguments(), &scan, true);
        let upstream = Upstream {
            hidden: Some(tensor([steps, batch, hidden], 8)),
            last: walked.last.iter().map(|_| Some(tensor([batch, hidden], 9))).collect(),
        };
        let wanted = Wanted { input: true, weight_hh: true };
        let saved = saved.expect("the walk keeps what it is told to");
        let gradients = cell.backward::<Flex>(saved, upstream, wanted);
        let mut results = vec![walked.hidden];
        results.extend(walked.last);
        results.extend(gradients.in_order().flatten());
        results
    });
    let scalar = results.next().expect("every machine has an architecture");
    for vector in results {
        for (index, (vector, scalar)) in vector.iter().zip(&scalar).enumerate() {
            for (vector, scalar) in Flex::slice(vector).iter().zip(Flex::slice(scalar)) {
                assert!((vector - scalar).abs() <= 2e-5, "result {index}: {vector} and {scalar}");
            }
        }
    }
}
