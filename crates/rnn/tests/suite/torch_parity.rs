//! The layers compute what `torch.nn.{RNN,LSTM,GRU}` compute: outputs, final
//! states and all gradients. `fixtures/make_fixtures.py` wrote the numbers.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use rekindle_rnn::{Cell, LayerState, RecurrentConfig, State};
use rekindle_testing::devices;
use rstest::rstest;
use serde::Deserialize;

use crate::named_parameters::{self, Named};

/// The bound that the project sets itself. PyTorch's numbers were computed in
/// f64, so this leaves some fifty roundings of an f32 of size 1.
const TOLERANCE: f32 = 1e-5;

#[derive(Deserialize)]
struct Case {
    name: String,
    cell: Cell,
    input_size: usize,
    hidden_size: usize,
    num_layers: usize,
    bidirectional: bool,
    bias: bool,
    lengths: Option<Vec<usize>>,
    weights: BTreeMap<String, Numbers>,
    inputs: BTreeMap<String, Numbers>,
    loss_weights: BTreeMap<String, Numbers>,
    outputs: BTreeMap<String, Numbers>,
    gradients: BTreeMap<String, Numbers>,
}

#[derive(Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Numbers {
    fn data(&self) -> TensorData {
        TensorData::new(self.values.clone(), self.shape.clone())
    }

    fn tensor(&self, device: &Device) -> Tensor<3> {
        Tensor::from_data(self.data(), device)
    }
}

fn cases(fixture: &str) -> Vec<Case> {
    serde_json::from_str(fixture).expect("the fixture is what the script writes")
}

/// Layer states from PyTorch's `[L*D, B, H]`.
fn state(hidden: &Tensor<3>, cell: Option<&Tensor<3>>) -> State {
    let layer = |states: &Tensor<3>, index| states.clone().narrow(0, index, 1).squeeze_dim(0);
    let count = hidden.dims()[0];
    State {
        layers: (0..count)
            .map(|index| LayerState { hidden: layer(hidden, index), cell: cell.map(|cell| layer(cell, index)) })
            .collect(),
    }
}

fn assert_close(case: &str, what: &str, found: &TensorData, wanted: &Numbers) {
    assert_eq!(found.shape().to_vec(), wanted.shape, "{case}: shape of {what}");
    for (index, (found, wanted)) in found.iter::<f32>().zip(&wanted.values).enumerate() {
        let bound = TOLERANCE * wanted.abs().max(1.0);
        assert!((found - wanted).abs() <= bound, "{case}: {what}[{index}] is {found}, PyTorch has {wanted}");
    }
}

fn check(case: &Case, device: &Device) {
    let network = RecurrentConfig::new(case.input_size, case.hidden_size, case.cell)
        .with_num_layers(case.num_layers)
        .with_bidirectional(case.bidirectional)
        .with_bias(case.bias)
        .init(device);
    let weights: Named = case.weights.iter().map(|(name, numbers)| (name.clone(), numbers.data())).collect();
    let network = named_parameters::replace(network, &weights);

    let inputs: BTreeMap<&str, Tensor<3>> =
        case.inputs.iter().map(|(name, numbers)| (name.as_str(), numbers.tensor(device).require_grad())).collect();
    let h0 = inputs.get("h_0").map(|h0| state(h0, inputs.get("c_0")));
    let (output, last) = network.forward(inputs["input"].clone(), h0, case.lengths.as_deref());

    let mut outputs = BTreeMap::from([("output", output), ("h_n", last.stacked_hidden())]);
    if let Some(cell) = last.stacked_cell() {
        outputs.insert("c_n", cell);
    }
    assert_eq!(outputs.len(), case.outputs.len(), "{}", case.name);
    for (name, output) in &outputs {
        assert_close(&case.name, name, &output.to_data(), &case.outputs[*name]);
    }

    let loss = outputs
        .iter()
        .map(|(name, output)| (output.clone() * case.loss_weights[*name].tensor(device)).sum())
        .reduce(|a, b| a + b)
        .expect("there are outputs");
    let gradients = loss.backward();
    let mut found = named_parameters::gradients(&network, &gradients);
    for (name, input) in &inputs {
        let gradient = input.grad(&gradients).expect("inputs get gradients");
        found.insert((*name).to_owned(), gradient.to_data());
    }
    assert!(found.keys().eq(case.gradients.keys()), "{}", case.name);
    for (name, gradient) in &found {
        let what = format!("gradient of {name}");
        assert_close(&case.name, &what, gradient, &case.gradients[name]);
    }
}

#[rstest]
fn outputs_states_and_gradients_are_those_of_pytorch(
    #[values(Cell::Rnn, Cell::RnnRelu, Cell::Lstm, Cell::Gru)] cell: Cell,
) {
    let cases = cases(include_str!("../fixtures/torch_parity.json"));
    let cases: Vec<_> = cases.into_iter().filter(|case| case.cell == cell).collect();
    assert_eq!(cases.len(), 5, "cases of {cell}");
    for device in devices() {
        for case in &cases {
            check(case, &device.clone().autodiff());
        }
    }
}

/// The package `minGRU-pytorch`, by `fixtures/make_minimal.py`.
#[test]
fn the_minimal_cells_have_the_numbers_of_the_python_package() {
    let cases = cases(include_str!("../fixtures/minimal.json"));
    for cell in [Cell::MinGru, Cell::MinLstm] {
        assert_eq!(cases.iter().filter(|case| case.cell == cell).count(), 2, "cases of {cell}");
    }
    for device in devices() {
        cases.iter().for_each(|case| check(case, &device.clone().autodiff()));
    }
}

/// The equations of the paper, written in PyTorch by `fixtures/make_mogrifier.py`.
#[test]
fn the_mogrifier_has_the_numbers_of_its_equations() {
    let cases = cases(include_str!("../fixtures/mogrifier.json"));
    assert_eq!(cases.len(), 2);
    for device in devices() {
        cases.iter().for_each(|case| check(case, &device.clone().autodiff()));
    }
}
