//! Gradients with respect to states inside a sequence, against five-point differences, in f64.

use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rekindle_rnn::{Cell, LayerState, Recurrent, RecurrentConfig};

use crate::devices::flex;
use crate::named_parameters;

const TIME: usize = 4;
const HIDDEN: usize = 3;
const STEP: f64 = 1e-4;
/// The difference is off by `STEP⁴`, and by the rounding of the loss over `STEP`.
const TOLERANCE: f64 = 1e-9;

/// Which number of which state is moved: layer, time step, index in the state, and whether it is the cell state.
type Place = (usize, usize, usize, bool);

/// The sum of the last hidden state, weighed, when a state is moved by some amount: the network run forward step by
/// step, layer by layer.
fn loss(network: &Recurrent, input: &[Tensor<2>], moved: Option<(Place, f64)>) -> f64 {
    let mut steps = input.to_vec();
    for (index, level) in network.layers.iter().enumerate() {
        let layer = &level.forward;
        let mut state = layer.zero_state(1, &steps[0].device());
        for (t, step) in steps.iter_mut().enumerate() {
            let (_, mut after) = layer.step(step.clone().into(), state);
            if let Some(((of_layer, at, unit, of_cell), by)) =
                moved.filter(|(place, _)| place.0 == index && place.1 == t)
            {
                let _ = (of_layer, at);
                let move_one = |tensor: Tensor<2>| {
                    let mut data = tensor.to_data();
                    data.as_mut_slice::<f64>().unwrap()[unit] += by;
                    Tensor::from_data(data, (&tensor.device(), DType::F64))
                };
                after = match (of_cell, after) {
                    (false, LayerState { hidden, cell }) => LayerState { hidden: move_one(hidden), cell },
                    (true, LayerState { hidden, cell }) => LayerState { hidden, cell: cell.map(move_one) },
                };
            }
            *step = after.hidden.clone();
            state = after;
        }
    }
    weighed(steps.pop().unwrap()).into_scalar()
}

fn weighed(last: Tensor<2>) -> Tensor<1> {
    let weights = TensorData::new(vec![0.7, -1.3, 0.4], [1, HIDDEN]);
    (last.clone() * Tensor::from_data(weights, (&last.device(), DType::F64))).sum()
}

/// The network with weights in f64, drawn from -1 to 1.
fn network(cell: Cell, device: &Device) -> Recurrent {
    let mut rng = StdRng::seed_from_u64(11);
    let network = RecurrentConfig::new(2, HIDDEN, cell).with_num_layers(2).init_with(&mut rng, device);
    let weights = named_parameters::values(&network).into_iter().map(|(name, value)| {
        let count = value.shape().iter().product();
        let values: Vec<f64> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
        (name, TensorData::new(values, value.shape().to_vec()))
    });
    named_parameters::replace(network.clone(), &weights.collect())
}

#[test]
fn the_gradient_of_a_probe_is_the_difference_of_the_loss_when_the_state_moves() {
    for cell in Cell::ALL {
        let device = flex().autodiff();
        let network = network(cell, &device);
        let mut rng = StdRng::seed_from_u64(5);
        let values: Vec<f64> = (0..TIME * 2).map(|_| rng.random_range(-1.0..1.0)).collect();
        let input = Tensor::<3>::from_data(TensorData::new(values, [TIME, 1, 2]), (&device, DType::F64));
        let steps: Vec<Tensor<2>> = (0..TIME).map(|t| input.clone().narrow(0, t, 1).squeeze_dim(0)).collect();
        let (outputs, probes) = network.probed(input);
        let last = weighed(outputs.last().unwrap().clone());
        assert!((last.clone().into_scalar::<f64>() - loss(&network, &steps, None)).abs() < 1e-12, "{cell}");
        let gradients = last.backward();
        assert_eq!(probes.len(), 2);
        for probes in &probes {
            assert_eq!((probes.hidden.len(), probes.cell.len()), (TIME, if cell.has_cell_state() { TIME } else { 0 }));
            for (of_cell, states) in [(false, &probes.hidden), (true, &probes.cell)] {
                for (t, probe) in states.iter().enumerate() {
                    // The last cell state is read by nothing but the hidden state that was computed from it.
                    let found = probe.grad(&gradients).map(|gradient| gradient.to_data().convert::<f64>());
                    let found: Vec<f64> = found.map_or(vec![0.0; HIDDEN], |data| data.iter::<f64>().collect());
                    for (unit, found) in found.into_iter().enumerate() {
                        let loss = |steps_off: f64| {
                            loss(&network, &steps, Some(((probes.layer, t, unit, of_cell), steps_off * STEP)))
                        };
                        let wanted = (8.0 * (loss(1.0) - loss(-1.0)) - (loss(2.0) - loss(-2.0))) / (12.0 * STEP);
                        assert!(
                            (found - wanted).abs() < TOLERANCE,
                            "{cell}, layer {}, step {t}, cell state {of_cell}, unit {unit}: {found}, {wanted}",
                            probes.layer
                        );
                    }
                }
            }
        }
    }
}
