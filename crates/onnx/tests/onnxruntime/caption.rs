use rekindle_models::attention::AttentionKind;
use rekindle_models::captioner::encoder::{Encoder, EncoderConfig, EncoderKind, View};
use rekindle_models::captioner::{Captioner, CaptionerSettings, CaptionerSizes, ImageTerm};
use rekindle_models::decode::StepDecoder;
use rekindle_onnx::{Opset, ToOnnx, image_encoder};
use rekindle_rnn::Cell;
use rekindle_testing::Numbers;

use crate::case::{Calls, Cases, of_call, of_step, opsets, stirred, tensor, tokens};
use crate::{device, rng, stack};

/// What each row reads, step by step.
const TARGETS: [[u32; 2]; 3] = [[2, 2], [5, 6], [7, 4]];

fn add(cases: &Cases, name: &str, settings: &CaptionerSettings) {
    let model: Captioner = stirred(settings.init_with(&CaptionerSizes::new(9, 7), &mut rng(), &device()));
    let attends = settings.attention != AttentionKind::None;
    let places = if attends { 4 } else { 1 };
    let features = Numbers::new(3).uniform::<3>([2, places, 7], 0.0..1.0, &device());
    let mut calls = Calls::default();
    calls.call("encoder", [("features", tensor(features.clone()))], []);
    let mut carried = vec!["hidden"];
    if settings.recurrent.cell.has_cell_state() {
        carried.push("cell");
    }
    if !attends {
        carried.push("image");
    }
    let mut state = model.begin(features);
    for (number, read) in TARGETS.iter().enumerate() {
        let before = calls.len() - 1;
        let mut inputs = vec![("token", tokens(read))];
        for name in &carried {
            let output = if number == 0 { (*name).to_owned() } else { format!("next_{name}") };
            inputs.push((*name, of_call(before, &output)));
        }
        if attends {
            inputs.push(("memory", of_call(0, "memory")));
        }
        if settings.attention == AttentionKind::Additive {
            inputs.push(("keys", of_call(0, "keys")));
        }
        let outputs = of_step(model.step(read, &mut state), read.len());
        calls.call_with("decoder", inputs, outputs);
    }
    cases.add(name, &model.to_onnx(Opset::default()).unwrap(), calls);
}

fn settings(cell: Cell, attention: AttentionKind) -> CaptionerSettings {
    CaptionerSettings { recurrent: stack(cell), embedding: 5, pillar: 6, attention, ..CaptionerSettings::default() }
}

#[test]
fn captions_are_written_step_by_step_with_every_cell() {
    let Some(cases) = Cases::new() else { return };
    for cell in Cell::ALL {
        add(&cases, cell.name(), &settings(cell, AttentionKind::General));
    }
    cases.run();
}

#[test]
fn every_kind_of_attention_and_every_way_of_the_image() {
    let Some(cases) = Cases::new() else { return };
    for name in AttentionKind::NAMES {
        let settings = settings(Cell::Lstm, name.parse().unwrap());
        add(&cases, &format!("{name}-one-hot"), &CaptionerSettings { embedding: 0, ..settings.clone() });
        add(&cases, &format!("{name}-blind"), &CaptionerSettings { blind: true, ..settings.clone() });
        add(&cases, &format!("{name}-every"), &CaptionerSettings { image_term: ImageTerm::Every, ..settings.clone() });
        add(&cases, &format!("{name}-no-gate"), &CaptionerSettings { no_gate: true, ..settings.clone() });
        add(&cases, name, &settings);
    }
    cases.run();
}

#[test]
fn images_become_features_with_every_encoder() {
    let Some(cases) = Cases::new() else { return };
    let configs = [
        EncoderConfig::new(EncoderKind::Small).with_side(21),
        EncoderConfig::new(EncoderKind::EfficientNetLite0).with_side(64),
        EncoderConfig::new(EncoderKind::Vgg16).with_channels(2).with_wide(6),
        EncoderConfig::new(EncoderKind::Vgg19).with_channels(2).with_wide(6),
    ];
    for config in configs {
        let encoder: Encoder = config.init_with(&mut rng(), &device());
        let images = [2, 3, config.side, config.side];
        let images = Numbers::new(3).uniform::<4>(images, 0.0..1.0, &device());
        for (view, name) in [(View::Map, "map"), (View::Vector, "vector")] {
            let wanted = encoder.forward(images.clone(), view);
            for opset in opsets() {
                let mut calls = Calls::default();
                calls.call("cnn", [("images", tensor(images.clone()))], [("features", tensor(wanted.clone()))]);
                let graph = image_encoder(&encoder, &config, view, opset).unwrap();
                cases.add(&format!("{}-{name}-{opset}", config.kind), &[graph], calls);
            }
        }
    }
    cases.run();
}
