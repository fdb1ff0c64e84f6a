use burn::backend::Flex;
use pulp::Arch;

use super::*;
use crate::{
    Scan,
    cpu::{
        tensors::Gates,
        testing::{SIZES, arguments, assert_scalar_path_agrees},
        walk::CpuWalk,
    },
};

const WEIGHTS: [&[usize]; 2] = [&[3 * SIZES[2], SIZES[2]], &[3 * SIZES[2]]];

#[test]
fn the_scalar_path_gives_the_numbers_of_the_vector_path() {
    assert_scalar_path_agrees(Gru, &WEIGHTS);
}

#[test]
fn the_backward_pass_keeps_four_numbers_per_unit_and_step() {
    let arguments = arguments::<Gru>(&WEIGHTS);
    let (_, saved) = Gru.forward::<Flex>(Arch::new(), arguments, &Scan::default(), true);
    let mut saved = saved.expect("the walk keeps what it is told to");
    let mut gates = saved.gates.take().expect("the gates are kept");
    let per_gate = SIZES.iter().product::<usize>();
    assert_eq!(gates.slice_mut().len() + saved.apart.slice_mut().len() + saved.cells.len(), 4 * per_gate);
    // The gates took the place of the projection.
    assert!(matches!(gates, Gates::Tensor(_)));
}
