//! A network in a loop of steps is the network, and has its gradients.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution, Gradients, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rekindle_rnn::{Cell, Recurrent, RecurrentConfig};
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
    values: Vec<f32>,
}

impl ModuleVisitor for Collected<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).expect("the loss depends on all parameters");
        self.values.extend(gradient.into_data().iter::<f32>());
    }
}

/// Output of a loop whose input is the hidden state before, and the gradients of all weights.
fn run(network: &Recurrent, unrolled: bool, device: &Device) -> (Vec<f32>, Vec<f32>) {
    // Not from the device's generator, which other tests draw from meanwhile.
    let mut rng = StdRng::seed_from_u64(2);
    let mut drawn = |count: usize| (0..count).map(|_| rng.random()).collect::<Vec<f32>>();
    let mut state = network.zero_state(2, device);
    let mut hidden = Tensor::<2>::from_data(TensorData::new(drawn(10), [2, 5]), device);
    let mut sum = Tensor::zeros([2, 5], device);
    let known = Tensor::<3>::from_data(TensorData::new(drawn(TIME * 2), [TIME, 2, 1]), device);
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
    let values = sum.to_data().iter::<f32>().collect();
    let gradients = sum.sum().backward();
    let mut collected = Collected { gradients: &gradients, values: Vec::new() };
    network.visit(&mut collected);
    (values, collected.values)
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn a_loop_has_the_values_and_gradients_of_its_steps(#[case] device: Device) {
    let device = device.autodiff();
    for cell in Cell::ALL {
        let network = network(cell, &device);
        let (values, gradients) = run(&network, true, &device);
        let (wanted, wanted_gradients) = run(&network, false, &device);
        assert!(wanted_gradients.iter().any(|gradient| gradient.abs() > 1e-3), "{cell}");
        let pairs = values.iter().zip(&wanted).chain(gradients.iter().zip(&wanted_gradients));
        for (value, wanted) in pairs {
            assert!((value - wanted).abs() < 1e-5, "{cell}: {value} and not {wanted}");
        }
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn without_gradients_a_loop_has_the_bits_of_its_steps(#[case] device: Device) {
    for cell in Cell::ALL {
        let network = network(cell, &device.clone().autodiff()).valid();
        let input = Tensor::<2>::random([2, 3], Distribution::Default, &device);
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
