//! What exported graphs consist of, without a runtime.
#![cfg(feature = "flex")]

use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::char_lm::{CharLm, CharLmSettings};
use rekindle_models::settings::RecurrentSettings;
use rekindle_onnx::{Axis, Element, Graph, OnnxError, OnnxModel, Opset, ToOnnx};
use rekindle_rnn::Cell;
use rstest::rstest;

fn model(cell: Cell, zoneout: f64) -> CharLm {
    let recurrent = RecurrentSettings { cell, hidden: 4, zoneout, ..RecurrentSettings::default() };
    let settings = CharLmSettings { recurrent, embedding: 3, ..CharLmSettings::default() };
    settings.init_with(5, &mut ChaCha8Rng::seed_from_u64(1), &Device::flex())
}

fn exported(model: &CharLm) -> OnnxModel {
    let graphs = model.to_onnx(Opset::default()).unwrap();
    let [graph] = &graphs[..] else { panic!("{} graphs", graphs.len()) };
    graph.model.clone()
}

#[test]
fn a_cell_that_onnx_has_is_its_operator_and_others_are_loops() {
    for cell in Cell::ALL {
        let operator = match cell {
            Cell::Rnn | Cell::RnnRelu => "RNN",
            Cell::Gru => "GRU",
            Cell::Lstm | Cell::PeepholeLstm | Cell::ReluLstm => "LSTM",
            _ => "Scan",
        };
        for (zoneout, wanted) in [(0.0, operator), (0.1, "Scan")] {
            let graph = exported(&model(cell, zoneout));
            let found = graph.operators().into_iter().filter(|name| ["RNN", "GRU", "LSTM", "Scan"].contains(name));
            assert_eq!(found.collect::<Vec<_>>(), [wanted], "{cell}, zoneout {zoneout}");
        }
    }
}

#[test]
fn only_cells_with_a_cell_state_carry_one() {
    for cell in Cell::ALL {
        let graph = exported(&model(cell, 0.0));
        let (inputs, outputs) = match cell.has_cell_state() {
            true => (vec!["tokens", "hidden", "cell"], vec!["logits", "next_hidden", "next_cell"]),
            false => (vec!["tokens", "hidden"], vec!["logits", "next_hidden"]),
        };
        assert_eq!((graph.inputs(), graph.outputs()), (inputs, outputs), "{cell}");
    }
}

#[test]
fn the_same_model_gives_the_same_bytes_and_metadata_is_kept() {
    let model = model(Cell::MogrifierLstm, 0.0);
    let [one, other] = [exported(&model), exported(&model)].map(|graph| graph.with_metadata("task", "chars"));
    assert_eq!(one.to_bytes().unwrap(), other.to_bytes().unwrap());
    assert_eq!(one.metadata().collect::<Vec<_>>(), [("task", "chars")]);
}

#[test]
fn a_weight_that_is_not_a_number_is_refused_by_name() {
    let mut graph = Graph::new(Opset::default());
    let error = graph.weight_of("rnn.W", &[2], &[1.0, f32::NAN]).unwrap_err();
    assert!(matches!(&error, OnnxError::NotFinite { name } if name == "rnn.W"), "{error}");
}

#[rstest]
#[case("12")]
#[case("22")]
#[case("-1")]
#[case("seventeen")]
fn an_opset_out_of_range_is_refused(#[case] text: &str) {
    let error = text.parse::<Opset>().unwrap_err();
    assert_eq!(error.to_string(), format!("opset {text}: must be 13 to 21"));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/model.onnx");
    let error = exported(&model(Cell::Rnn, 0.0)).save(&path).unwrap_err();
    assert!(error.to_string().contains("missing/model.onnx"), "{error}");
}

#[test]
fn weights_stand_in_the_file_as_they_are() {
    let mut graph = Graph::new(Opset::default());
    let input = graph.input("x", Element::F32, &[Axis::Named("batch"), Axis::Size(2)]);
    let weight = graph.weight("w", Tensor::<2>::from_floats([[1.5, -2.5]], &Device::flex()).transpose()).unwrap();
    let product = graph.matmul(&input, &weight);
    graph.output("y", &product, Element::F32, &[Axis::Named("batch"), Axis::Size(1)]);
    let bytes = OnnxModel::new("product", "", graph).to_bytes().unwrap();
    let stored: Vec<u8> = [1.5_f32, -2.5].iter().flat_map(|value| value.to_le_bytes()).collect();
    assert!(bytes.windows(8).any(|window| window == stored));
}
