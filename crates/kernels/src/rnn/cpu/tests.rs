use burn::backend::Flex;
use pulp::Arch;

use super::*;
use crate::{
    Scan,
    cpu::{
        tensors::CpuBackend,
        testing::{SIZES, arguments, assert_scalar_path_agrees},
        walk::CpuWalk,
    },
    recurrence::InputTensors,
};

const WEIGHTS: [&[usize]; 1] = [&[SIZES[2], SIZES[2]]];

#[test]
fn the_scalar_path_gives_the_numbers_of_the_vector_path() {
    assert_scalar_path_agrees(Rnn(Activation::Tanh), &WEIGHTS);
    assert_scalar_path_agrees(Rnn(Activation::Relu), &WEIGHTS);
}

#[test]
fn the_hidden_states_take_the_place_of_the_projection() {
    let arguments = arguments::<Rnn>(&WEIGHTS);
    let InputTensors::Projected(projection) = &arguments.input else {
        unreachable!("the arguments hold a projection");
    };
    let memory = Flex::slice(projection).as_ptr();
    let (walked, _) = Rnn(Activation::Tanh).forward::<Flex>(Arch::new(), arguments, &Scan::default(), true);
    assert_eq!(Flex::slice(&walked.hidden).as_ptr(), memory);
}
