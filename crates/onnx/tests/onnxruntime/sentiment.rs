use burn::tensor::{Int, Tensor, TensorData};
use rekindle_models::classifier::{Classifier, ClassifierSettings, Pooling};
use rekindle_onnx::ToOnnx;
use rekindle_rnn::Cell;

use crate::case::{Calls, Cases, ints, log_softmax, opsets, stirred, tensor, tokens};
use crate::{device, rng, stack};

const LENGTHS: [usize; 4] = [5, 2, 1, 4];

fn add(cases: &Cases, name: &str, settings: &ClassifierSettings) {
    let model: Classifier = stirred(settings.init_with(11, 3, &mut rng(), &device()));
    let words: Vec<i64> = (0..20).map(|place| place * 3 % 11).collect();
    let all = Tensor::<2, Int>::from_data(TensorData::new(words.clone(), [4, 5]), &device());
    let wanted = log_softmax(tensor(model.forward(all, &LENGTHS)));
    for opset in opsets() {
        let mut calls = Calls::default();
        let lengths = tokens(&LENGTHS.map(|length| length as u32));
        calls.call(
            "model",
            [("tokens", ints(&[4, 5], words.clone())), ("lengths", lengths)],
            [("logits", wanted.clone())],
        );
        cases.add(&format!("{name}-{opset}"), &model.to_onnx(opset).unwrap(), calls);
    }
}

#[test]
fn texts_of_different_lengths_are_pooled_in_every_way() {
    let Some(cases) = Cases::new() else { return };
    for name in Pooling::NAMES {
        let pooling = name.parse().unwrap();
        let settings =
            ClassifierSettings { recurrent: stack(Cell::Lstm), embedding: 5, pooling, ..ClassifierSettings::default() };
        add(&cases, name, &settings);
        add(&cases, &format!("{name}-forward"), &ClassifierSettings { forward_only: true, ..settings });
    }
    cases.run();
}

#[test]
fn every_cell_reads_texts_of_different_lengths_in_both_directions() {
    let Some(cases) = Cases::new() else { return };
    for cell in Cell::ALL {
        let pooling = Pooling::Concat;
        let settings =
            ClassifierSettings { recurrent: stack(cell), embedding: 5, pooling, ..ClassifierSettings::default() };
        add(&cases, cell.name(), &settings);
    }
    cases.run();
}
