//! Gradients of every cell against five-point differences, in f64.

use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rekindle_rnn::{Cell, LayerState, Recurrent, RecurrentConfig, State};
use rstest::rstest;

#[cfg(feature = "flex")]
use crate::devices::flex;
#[cfg(feature = "ndarray")]
use crate::devices::ndarray;
use crate::named_parameters::{self, Named};

const BATCH: usize = 3;
const TIME: usize = 3;
const INPUT: usize = 2;
const HIDDEN: usize = 3;

/// The five-point difference is off by about `STEP⁴` from the curvature, which
/// is nothing, and by the rounding of the loss over `STEP`, some 1e-10. The
/// step is small so that no ReLU bends within it.
const STEP: f64 = 1e-5;

/// Ten to a hundred times the error of the difference.
const TOLERANCE: f64 = 1e-8;

/// Everything that the loss depends on.
#[derive(Clone)]
struct Point {
    weights: Named,
    input: TensorData,
    hidden: TensorData,
    memory: TensorData,
}

impl Point {
    fn random(network: &Recurrent, rng: &mut StdRng) -> Self {
        let mut draw = |shape: Vec<usize>| {
            let count = shape.iter().product();
            let values: Vec<f64> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
            TensorData::new(values, shape)
        };
        Self {
            // All parameters are drawn, so that none is at a special value,
            // as peepholes are that start at 0.
            weights: named_parameters::values(network)
                .into_iter()
                .map(|(name, value)| (name, draw(value.shape().to_vec())))
                .collect(),
            input: draw(vec![BATCH, TIME, INPUT]),
            hidden: draw(vec![BATCH, HIDDEN]),
            memory: draw(vec![BATCH, HIDDEN]),
        }
    }

    fn tensors(&mut self) -> impl Iterator<Item = (String, &mut TensorData)> {
        let others = [("input", &mut self.input), ("hidden", &mut self.hidden), ("memory", &mut self.memory)];
        let weights = self.weights.iter_mut();
        weights.map(|(name, value)| (name.clone(), value)).chain(others.map(|(name, value)| (name.to_owned(), value)))
    }

    /// The point with one number moved.
    fn moved(&self, tensor: &str, index: usize, by: f64) -> Self {
        let mut moved = self.clone();
        let (_, data) = moved.tensors().find(|(name, _)| name == tensor).expect("the tensor is one of the point's");
        data.as_mut_slice::<f64>().expect("the point is in f64")[index] += by;
        moved
    }
}

struct Problem {
    network: Recurrent,
    device: Device,
    lengths: Option<Vec<usize>>,
}

impl Problem {
    /// The loss, and the gradients by name if asked for.
    fn loss(&self, point: &Point, with_gradients: bool) -> (f64, Named) {
        let network = named_parameters::replace(self.network.clone(), &point.weights);
        let input = self.leaf::<3>(&point.input);
        let hidden = self.leaf::<2>(&point.hidden);
        let memory = self.leaf::<2>(&point.memory);
        let directions = if network.is_bidirectional() { 2 } else { 1 };
        let state = State {
            layers: (0..directions)
                .map(|_| LayerState {
                    hidden: hidden.clone(),
                    cell: network.cell().has_cell_state().then(|| memory.clone()),
                })
                .collect(),
        };
        let (output, last) = network.forward(input.clone(), Some(state), self.lengths.as_deref());
        let mut loss = weighed(output) + weighed(last.stacked_hidden());
        if let Some(memory) = last.stacked_cell() {
            loss = loss + weighed(memory);
        }
        let mut found = Named::new();
        if with_gradients {
            let gradients = loss.backward();
            found = named_parameters::gradients(&network, &gradients);
            let inputs = [
                ("input", input.grad(&gradients).map(|g| g.to_data())),
                ("hidden", hidden.grad(&gradients).map(|g| g.to_data())),
                ("memory", memory.grad(&gradients).map(|g| g.to_data())),
            ];
            for (name, gradient) in inputs {
                found.extend(gradient.map(|gradient| (name.to_owned(), gradient)));
            }
        }
        (loss.into_scalar::<f64>(), found)
    }

    fn leaf<const D: usize>(&self, data: &TensorData) -> Tensor<D> {
        Tensor::from_data(data.clone(), (&self.device, DType::F64)).require_grad()
    }
}

/// A sum that gives every element another weight and no two the same sign and
/// size, so that a swap or a sign does not cancel.
fn weighed(tensor: Tensor<3>) -> Tensor<1> {
    let weights: Vec<f64> = (0..tensor.shape().num_elements()).map(|index| (1.0 + index as f64 * 0.7).sin()).collect();
    let weights = TensorData::new(weights, tensor.dims());
    let weights = Tensor::from_data(weights, (&tensor.device(), DType::F64));
    (tensor * weights).sum()
}

/// The network of a test and a point at which to look at its loss.
fn problem(cell: Cell, bidirectional: bool, lengths: Option<Vec<usize>>, device: Device) -> (Problem, Point) {
    let mut rng = StdRng::seed_from_u64(7);
    let device = device.autodiff();
    let network =
        RecurrentConfig::new(INPUT, HIDDEN, cell).with_bidirectional(bidirectional).init_with(&mut rng, &device);
    let point = Point::random(&network, &mut rng);
    (Problem { network, device, lengths }, point)
}

fn check(problem: &Problem, mut point: Point) {
    let (_, gradients) = problem.loss(&point, true);
    let names: Vec<String> = point.tensors().map(|(name, _)| name).collect();
    for name in names {
        if name == "memory" && !problem.network.cell().has_cell_state() {
            continue;
        }
        let gradient: Vec<f64> = gradients[&name].iter::<f64>().collect();
        for (index, found) in gradient.into_iter().enumerate() {
            let loss = |steps: f64| problem.loss(&point.moved(&name, index, steps * STEP), false).0;
            let wanted = (8.0 * (loss(1.0) - loss(-1.0)) - (loss(2.0) - loss(-2.0))) / (12.0 * STEP);
            assert!(
                (found - wanted).abs() <= TOLERANCE * wanted.abs().max(1.0),
                "{name}[{index}] has the gradient {found}, the difference is {wanted}"
            );
        }
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn gradients_without_gates_are_the_differences_of_the_loss(
    #[case] device: Device,
    #[values(Cell::Rnn, Cell::RnnRelu)] cell: Cell,
    #[values(false, true)] bidirectional: bool,
    #[values(None, Some(vec![2, 3, 1]))] lengths: Option<Vec<usize>>,
) {
    let (problem, point) = problem(cell, bidirectional, lengths, device);
    check(&problem, point);
}

/// On flex only: Burn's ndarray computes the sigmoid in f32 whatever the
/// tensor's type, too coarse for a difference.
#[rstest]
#[cfg(feature = "flex")]
fn gradients_through_gates_are_the_differences_of_the_loss(
    #[values(false, true)] bidirectional: bool,
    #[values(None, Some(vec![2, 3, 1]))] lengths: Option<Vec<usize>>,
) {
    for cell in gated() {
        let (problem, point) = problem(cell, bidirectional, lengths.clone(), flex());
        check(&problem, point);
    }
}

/// The cells with gates.
#[cfg(feature = "flex")]
fn gated() -> impl Iterator<Item = Cell> {
    Cell::ALL.into_iter().filter(|cell| cell.gates() > 1)
}

#[rstest]
#[cfg(all(feature = "flex", feature = "ndarray"))]
fn gradients_on_ndarray_are_those_on_flex(#[values(None, Some(vec![2, 3, 1]))] lengths: Option<Vec<usize>>) {
    for cell in gated() {
        let gradients = |device| {
            let (problem, point) = problem(cell, true, lengths.clone(), device);
            problem.loss(&point, true).1
        };
        let (wanted, found) = (gradients(flex()), gradients(ndarray()));
        assert!(found.keys().eq(wanted.keys()));
        for (name, wanted) in &wanted {
            for (found, wanted) in found[name].iter::<f64>().zip(wanted.iter::<f64>()) {
                // An f32 sigmoid is right to 1e-7, and gradients add hundreds of
                // terms; layer normalisation divides by small deviations.
                let bound = 1e-4 * wanted.abs().max(1.0);
                assert!((found - wanted).abs() <= bound, "gradient of {name}: {found} for {wanted}");
            }
        }
    }
}
