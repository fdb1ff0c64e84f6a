use burn::tensor::{Tensor, TensorData};
use rekindle_models::frame_tagger::{FrameInput, FrameTagger, FrameTaggerSettings, Recurrence};
use rekindle_models::settings::{RecurrentSettings, Widths};
use rekindle_onnx::{OnnxError, Opset, Standardized, ToOnnx, frame_tagger};
use rekindle_rnn::Cell;
use rekindle_testing::Numbers;
use serde_json::Value;

use crate::case::{Calls, Cases, floats, log_softmax, of_call, stirred, tensor, tokens, zeros};
use crate::{device, rng, stack};

const FEATURES: FrameInput = FrameInput::Features { width: 4 };
const PIXELS: FrameInput = FrameInput::Pixels { channels: 3, height: 9, width: 7 };
const CLASSES: usize = 3;
const ROWS: usize = 2;
const TIME: usize = 6;

fn settings(cell: impl Into<Recurrence>) -> FrameTaggerSettings {
    let RecurrentSettings { layers, hidden, .. } = stack(Cell::Gru);
    let recurrent = RecurrentSettings { cell: cell.into(), layers, hidden, ..RecurrentSettings::default() };
    FrameTaggerSettings { recurrent, encoder: 5, ..FrameTaggerSettings::default() }
}

fn model(settings: &FrameTaggerSettings, input: FrameInput) -> FrameTagger {
    stirred(settings.init_with(input, CLASSES, &mut rng(), &device()))
}

fn frames(input: FrameInput) -> Tensor<3> {
    Numbers::new(3).uniform([ROWS, TIME, input.size()], -1.0..1.0, &device())
}

/// Frames `from..to`, and the logits of the model that has read those before.
fn part(frames: &Tensor<3>, log_probs: &Tensor<3>, from: usize, to: usize) -> [Value; 2] {
    let [frames, wanted] = [frames, log_probs].map(|values| values.clone().slice([0..ROWS, from..to]));
    [tensor(frames), log_softmax(tensor(wanted))]
}

fn add(cases: &Cases, name: &str, settings: &FrameTaggerSettings, input: FrameInput) {
    let (model, frames) = (model(settings, input), frames(input));
    let (log_probs, _) = model.forward(frames.clone(), None, &[TIME; ROWS]);
    let mut calls = Calls::default();
    if settings.recurrent.cell.0.is_none() {
        let [read, wanted] = part(&frames, &log_probs, 0, TIME);
        calls.call("model", [("frames", read)], [("logits", wanted)]);
        return cases.add(name, &model.to_onnx(Opset::default()).unwrap(), calls);
    }
    let mut names = vec![("hidden", [2, ROWS, 6].to_vec())];
    if settings.recurrent.cell.0.is_some_and(Cell::has_cell_state) {
        names.push(("cell", [2, ROWS, 6].to_vec()));
    }
    if settings.feedback {
        names.push(("said", [ROWS, CLASSES].to_vec()));
    }
    for (number, (from, to)) in [(0, 1), (1, 4), (4, TIME)].into_iter().enumerate() {
        let [read, wanted] = part(&frames, &log_probs, from, to);
        let mut inputs = vec![("frames", read)];
        for (name, shape) in &names {
            let value = if number == 0 { zeros(shape) } else { of_call(number - 1, &format!("next_{name}")) };
            inputs.push((*name, value));
        }
        calls.call_with("model", inputs, vec![("logits", wanted)]);
    }
    cases.add(name, &model.to_onnx(Opset::default()).unwrap(), calls);
}

#[test]
fn a_clip_is_tagged_in_pieces() {
    let Some(cases) = Cases::new() else { return };
    for cell in Cell::ALL {
        add(&cases, cell.name(), &settings(cell), FEATURES);
        let feedback = FrameTaggerSettings { feedback: true, ..settings(cell) };
        add(&cases, &format!("{cell}-feedback"), &feedback, FEATURES);
    }
    for (name, cell) in [("raw", Recurrence(Some(Cell::Gru))), ("raw-none", Recurrence(None))] {
        let raw = FrameTaggerSettings { encoder: 0, head: Widths(vec![5, 4]), ..settings(cell) };
        add(&cases, name, &raw, FEATURES);
    }
    let fed = FrameTaggerSettings { encoder: 0, feedback: true, head: Widths(vec![4]), ..settings(Cell::Lstm) };
    add(&cases, "raw-feedback", &fed, FEATURES);
    add(&cases, "none", &settings(Recurrence(None)), FEATURES);
    add(&cases, "pixels", &settings(Cell::Gru), PIXELS);
    cases.run();
}

#[test]
fn whole_clips_of_different_lengths_are_tagged_in_both_directions() {
    let Some(cases) = Cases::new() else { return };
    let lengths = [TIME, 2];
    for cell in Cell::ALL {
        let settings = FrameTaggerSettings { bidirectional: true, ..settings(cell) };
        let (model, frames) = (model(&settings, FEATURES), frames(FEATURES));
        let (log_probs, _) = model.forward(frames.clone(), None, &lengths);
        let [read, mut wanted] = part(&frames, &log_probs, 0, TIME);
        wanted["lengths"] = lengths.to_vec().into();
        let mut calls = Calls::default();
        calls.call("model", [("frames", read), ("lengths", tokens(&[6, 2]))], [("logits", wanted)]);
        cases.add(cell.name(), &model.to_onnx(Opset::default()).unwrap(), calls);
    }
    cases.run();
}

#[test]
fn raw_features_are_standardised_in_the_graph() {
    let Some(cases) = Cases::new() else { return };
    let (settings, raw) = (settings(Cell::Gru), frames(FEATURES) * 5.0);
    let model = model(&settings, FEATURES);
    let standardized =
        Standardized { mean: vec![0.5, -1.0, 2.0, 0.0], deviation: vec![2.0, 0.5, 0.0, 1.0], limit: Some(1.5) };
    let raw_values: Vec<f32> = raw.to_data().try_to_vec().unwrap();
    let read: Vec<f32> = raw_values
        .iter()
        .enumerate()
        .map(|(place, x)| {
            let (mean, deviation) = (standardized.mean[place % 4], standardized.deviation[place % 4]);
            if deviation > 0.0 { ((x - mean) / deviation).clamp(-1.5, 1.5) } else { 0.0 }
        })
        .collect();
    let read = Tensor::<3>::from_data(TensorData::new(read, [ROWS, TIME, 4]), &device());
    let (log_probs, _) = model.forward(read, None, &[TIME; ROWS]);
    let mut calls = Calls::default();
    let inputs = [("frames", floats(&[ROWS, TIME, 4], &raw_values)), ("hidden", zeros(&[2, ROWS, 6]))];
    calls.call("model", inputs, [("logits", log_softmax(tensor(log_probs)))]);
    let graphs = frame_tagger(&model, Some(&standardized), Opset::default()).unwrap();
    cases.add("standardized", &graphs, calls);
    cases.run();
}

#[test]
fn statistics_of_other_features_are_refused() {
    let model = model(&settings(Cell::Gru), FEATURES);
    let three = Standardized { mean: vec![0.0; 3], deviation: vec![1.0; 3], limit: None };
    let error = frame_tagger(&model, Some(&three), Opset::default()).unwrap_err();
    assert!(matches!(error, OnnxError::Features { wanted: 4, found: 3 }), "{error}");
}
