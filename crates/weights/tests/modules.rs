//! Networks of PyTorch, read into layers of Rekindle: the same weights to the bit, the same outputs.
//!
//! `fixtures/make.py` makes the networks; `fixtures/round_trip.py` takes others there and back.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::nn::LinearConfig;
use burn::tensor::{Device, Tensor, TensorData};
use rekindle_rnn::{Cell, Direction, LayerConfig, Recurrent, RecurrentConfig, Scan};
use rekindle_weights::{
    Rename, StateDict, Strictness, WeightError, WeightFile, WeightTensor, rename, save_safetensors,
};
use rstest::rstest;

type Tensors = BTreeMap<String, WeightTensor>;

fn bits(tensor: &WeightTensor) -> Vec<u32> {
    tensor.values().iter().map(|value| value.to_bits()).collect()
}

fn assert_equal_to_the_bit(here: &Tensors, there: &Tensors) {
    assert!(here.keys().eq(there.keys()), "{:?} and {:?}", here.keys(), there.keys());
    for (name, tensor) in here {
        assert_eq!((tensor.shape(), bits(tensor)), (there[name].shape(), bits(&there[name])), "{name}");
    }
}

/// The weights, the input and the output of a network.
fn network(file: &[u8]) -> (Tensors, Tensor<3>, WeightTensor) {
    let mut tensors = WeightFile::from_bytes("network.pt", file).unwrap().into_tensors();
    let (input, output) = (tensors.remove("input").unwrap(), tensors.remove("output").unwrap());
    let input = Tensor::from_data(TensorData::new(input.values().to_vec(), input.shape()), &Device::flex());
    (rename(tensors, &[Rename::new("state", "")]).unwrap(), input, output)
}

fn recurrent(cell: Cell, layers: usize, bidirectional: bool, bias: bool) -> Recurrent {
    let config = RecurrentConfig::new(3, 4, cell).with_num_layers(layers);
    config.with_bidirectional(bidirectional).with_bias(bias).init(&Device::flex())
}

#[rstest]
#[case::rnn(include_bytes!("fixtures/rnn.pt"), recurrent(Cell::Rnn, 2, false, true))]
#[case::rnn_relu(include_bytes!("fixtures/rnn-relu.pt"), recurrent(Cell::RnnRelu, 1, true, true))]
#[case::lstm(include_bytes!("fixtures/lstm.pt"), recurrent(Cell::Lstm, 2, true, true))]
#[case::gru(include_bytes!("fixtures/gru.pt"), recurrent(Cell::Gru, 2, true, true))]
#[case::one_layer(include_bytes!("fixtures/lstm-one-layer.pt"), recurrent(Cell::Lstm, 1, false, true))]
#[case::without_bias(include_bytes!("fixtures/gru-without-bias.pt"), recurrent(Cell::Gru, 1, false, false))]
fn a_network_of_pytorch_is_the_same_network_here(#[case] file: &[u8], #[case] network_here: Recurrent) {
    let (state, input, output) = network(file);
    let (loaded, report) = network_here.load_state_dict(&state, Strictness::Strict).unwrap();
    assert_eq!(report.applied.len(), state.len());
    assert_equal_to_the_bit(&loaded.state_dict(), &state);

    let (hidden, _) = loaded.forward(input, None, None);
    assert_eq!(hidden.dims(), output.shape());
    let hidden = hidden.into_data().try_to_vec::<f32>().unwrap();
    for (here, there) in hidden.into_iter().zip(output.values()) {
        // Sums of up to 12 products of order 1, in another order, through 5 steps of 2 layers.
        assert!((here - there).abs() < 1e-5, "{here} and {there}");
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    save_safetensors(&path, &loaded.state_dict(), &BTreeMap::new()).unwrap();
    assert_equal_to_the_bit(WeightFile::open(&path).unwrap().tensors(), &state);
}

#[test]
fn a_layer_by_itself_is_a_network_of_one_layer() {
    let (state, input, output) = network(include_bytes!("fixtures/lstm-one-layer.pt"));
    let lstm = LayerConfig::new(3, 4, Cell::Lstm).init(&Device::flex());
    let (lstm, _) = lstm.load_state_dict(&state, Strictness::Strict).unwrap();
    let scan = Scan { direction: Direction::Forward, lengths: None, ..Scan::default() };
    let (hidden, _) = lstm.sequence(input.swap_dims(0, 1).into(), None, &scan);
    let hidden = hidden.swap_dims(0, 1).into_data().try_to_vec::<f32>().unwrap();
    for (here, there) in hidden.into_iter().zip(output.values()) {
        // As above.
        assert!((here - there).abs() < 1e-5, "{here} and {there}");
    }
}

#[rstest]
fn every_cell_reads_back_what_it_writes(#[values(false, true)] bidirectional: bool) {
    for cell in Cell::ALL {
        let state = recurrent(cell, 2, bidirectional, true).state_dict();
        let reversed = state.contains_key("weight_ih_l1_reverse");
        assert!(state.contains_key("bias_ih_l0") && reversed == bidirectional, "{:?}", state.keys());
        let (back, _) = recurrent(cell, 2, bidirectional, true).load_state_dict(&state, Strictness::Strict).unwrap();
        assert_equal_to_the_bit(&back.state_dict(), &state);
    }
}

#[test]
fn the_parameters_of_a_variant_are_numbered_too() {
    let state = LayerConfig::new(3, 4, Cell::PeepholeLstm).init(&Device::flex()).state_dict();
    assert!(state.contains_key("peephole_i_l0"), "{:?}", state.keys());
}

#[test]
fn a_linear_layer_is_turned_round() {
    let linear = LinearConfig::new(3, 2).init(&Device::flex());
    let state = Tensors::from([
        ("weight".to_owned(), WeightTensor::new(vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap()),
        ("bias".to_owned(), WeightTensor::new(vec![2], vec![0.5, -0.5]).unwrap()),
    ]);
    let (linear, _) = linear.load_state_dict(&state, Strictness::Strict).unwrap();
    let input = Tensor::<2>::from_data([[1.0, 0.0, 2.0]], &Device::flex());
    let output = linear.forward(input).into_data().try_to_vec::<f32>().unwrap();
    assert_eq!(output, [1.0 + 2.0 * 3.0 + 0.5, 4.0 + 2.0 * 6.0 - 0.5]);
    assert_equal_to_the_bit(&linear.state_dict(), &state);
}

/// A state of one layer with a parameter too few, one too many and one of another shape.
fn misfit() -> Tensors {
    let mut state = recurrent(Cell::Gru, 1, false, true).state_dict();
    state.remove("bias_hh_l0");
    state.insert("weight_hr_l0".to_owned(), WeightTensor::new(vec![1], vec![0.0]).unwrap());
    state.insert("weight_ih_l0".to_owned(), WeightTensor::new(vec![2, 2], vec![0.0; 4]).unwrap());
    state
}

#[test]
fn a_misfit_is_an_error_that_names_every_part_of_it() {
    let error = recurrent(Cell::Gru, 1, false, true).load_state_dict(&misfit(), Strictness::Strict).unwrap_err();
    let WeightError::DoesNotFit { report } = &error else { panic!("{error:?}") };
    assert_eq!(report.applied, ["weight_hh_l0", "bias_ih_l0"]);
    let message = error.to_string();
    for part in
        ["missing: bias_hh_l0", "unused: weight_hr_l0", "of another shape: weight_ih_l0 is [2, 2], wanted [12, 3]"]
    {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_part_may_be_loaded_and_the_rest_stays() {
    let gru = recurrent(Cell::Gru, 1, false, true);
    let before = gru.state_dict();
    let state = misfit();
    let (gru, report) = gru.load_state_dict(&state, Strictness::AllowPartial).unwrap();
    assert!(!report.is_complete());
    let after = gru.state_dict();
    for (name, source) in
        [("weight_hh_l0", &state), ("bias_ih_l0", &state), ("bias_hh_l0", &before), ("weight_ih_l0", &before)]
    {
        assert_eq!(bits(&after[name]), bits(&source[name]), "{name}");
    }
}

#[test]
fn loaded_weights_can_be_trained() {
    let device = Device::flex().autodiff();
    let gru = RecurrentConfig::new(3, 4, Cell::Gru).init(&device);
    let (gru, _) = gru.load_state_dict(&recurrent(Cell::Gru, 1, false, true).state_dict(), Strictness::Strict).unwrap();
    let (hidden, _) = gru.forward(Tensor::<3>::ones([1, 2, 3], &device), None, None);
    let gradients = burn::optim::GradientsParams::from_grads(hidden.sum().backward(), &gru);
    assert_eq!(gradients.len(), gru.state_dict().len());
    assert!(gru.num_params() > 0);
}

fn named(names: &[&str]) -> Tensors {
    names.iter().map(|&name| (name.to_owned(), WeightTensor::new(vec![], vec![1.0]).unwrap())).collect()
}

#[rstest]
#[case::whole("a.w", "b", &["b", "a.b.w"])]
#[case::part("a", "c", &["c.w", "c.b.w"])]
#[case::taken_out("a", "", &["w", "b.w"])]
#[case::deeper("a.b", "x.y", &["a.w", "x.y.w"])]
fn names_change_at_their_dots(#[case] old: &str, #[case] new: &str, #[case] wanted: &[&str]) {
    let renamed = rename(named(&["a.w", "a.b.w"]), &[Rename::new(old, new)]).unwrap();
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    assert!(renamed.keys().eq(wanted.iter()), "{:?}", renamed.keys());
}

#[test]
fn a_name_that_only_begins_alike_stays() {
    let error = rename(named(&["lstm2.w"]), &["lstm=rnn".parse().unwrap()]).unwrap_err();
    assert!(matches!(&error, WeightError::NoSuchName { .. }) && error.to_string().contains("lstm2.w"), "{error}");
}

#[test]
fn two_tensors_may_not_come_to_have_one_name() {
    let error = rename(named(&["a.w", "b.w"]), &[Rename::new("a", "b")]).unwrap_err();
    assert!(matches!(&error, WeightError::NameTwice { name } if name == "b.w"), "{error}");
}

#[rstest]
fn a_rename_is_two_names(#[values("", "lstm", "=rnn")] text: &str) {
    assert!(text.parse::<Rename>().unwrap_err().contains("OLD=NEW"));
}
