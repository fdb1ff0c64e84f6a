//! A network in a loop of steps is the network, and has its gradients.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rekindle_rnn::{Cell, Recurrent, RecurrentConfig};
use rekindle_testing::{Numbers, assert_close, values};
use rstest::rstest;

#[cfg(feature = "flex")]
use crate::devices::flex;
#[cfg(feature = "ndarray")]
use crate::devices::ndarray;

const TIME: usize = 4;

fn network(cell: Cell, device: &Device) -> Recurrent {
    RecurrentConfig::new(3, 5, cell).with_num_layers(2).init_with(&mut StdRng::seed_from_u64(4), device)
}

/// The gradients of all parameters, one behind the other.
struct Collected<'g> {
    gradients: &'g Gradients,
    values: Vec<f64>,
}

impl ModuleVisitor for Collected<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).expect("the loss depends on all parameters");
        self.values.extend(values(gradient));
    }
}

/// Output of a loop whose input is the hidden state before, and the gradients of all weights.
fn run(network: &Recurrent, unrolled: bool, device: &Device) -> (Vec<f64>, Vec<f64>) {
    let mut numbers = Numbers::new(2);
    let mut state = network.zero_state(2, device);
    let mut hidden: Tensor<2> = numbers.uniform([2, 5], 0.0..1.0, device);
    let mut sum = Tensor::zeros([2, 5], device);
    let known: Tensor<3> = numbers.uniform([TIME, 2, 1], 0.0..1.0, device);
    let (steps, inputs) = network.unrolled(known.clone());
    for (t, input) in inputs.into_iter().enumerate() {
        let rest = hidden.narrow(1, 1, 2);
        (hidden, state) = if unrolled {
            steps.step(input, Some(rest), state)
        } else {
            let known = known.clone().narrow(0, t, 1).squeeze_dim(0);
            network.step(Tensor::cat(vec![known, rest], 1), state)
        };
        sum = sum + hidden.clone().square();
    }
    let sums = values(sum.clone());
    let gradients = sum.sum().backward();
    let mut collected = Collected { gradients: &gradients, values: Vec::new() };
    network.visit(&mut collected);
    (sums, collected.values)
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn a_loop_has_the_values_and_gradients_of_its_steps(#[case] device: Device) {
    let device = device.autodiff();
    for cell in Cell::ALL {
        let network = network(cell, &device);
        let (sums, gradients) = run(&network, true, &device);
        let (wanted_sums, wanted_gradients) = run(&network, false, &device);
        assert!(wanted_gradients.iter().any(|gradient| gradient.abs() > 1e-3), "{cell}");
        assert_close(&format!("sums, {cell}"), &sums, &wanted_sums, 1e-5);
        assert_close(&format!("gradients, {cell}"), &gradients, &wanted_gradients, 1e-5);
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn without_gradients_a_loop_has_the_bits_of_its_steps(#[case] device: Device) {
    for cell in Cell::ALL {
        let network = network(cell, &device.clone().autodiff()).valid();
        let input: Tensor<2> = Numbers::new(3).uniform([2, 3], 0.0..1.0, &device);
        let (alone, _) = network.step(input.clone(), network.zero_state(2, &device));
        let (steps, mut known) = network.unrolled(input.unsqueeze_dim(0));
        let (in_loop, _) = steps.step(known.remove(0), None, network.zero_state(2, &device));
        assert_eq!(in_loop.to_data(), alone.to_data(), "{cell}");
    }
}

#[test]
#[should_panic(expected = "a bidirectional network cannot run step by step")]
fn a_bidirectional_network_has_no_loop_of_steps() {
    let device = crate::devices::any();
    let network = RecurrentConfig::new(3, 5, Cell::Lstm).with_bidirectional(true).init(&device);
    network.unrolled(Tensor::zeros([1, 1, 3], &device));
}

#[test]
#[should_panic(expected = "4 features are known, but the network takes 3")]
fn no_more_can_be_known_than_there_is() {
    let device = crate::devices::any();
    RecurrentConfig::new(3, 5, Cell::Gru).init(&device).unrolled(Tensor::zeros([1, 1, 4], &device));
}
