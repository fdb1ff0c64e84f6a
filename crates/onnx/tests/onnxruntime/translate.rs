use rekindle_models::attention::AttentionKind;
use rekindle_models::decode::StepDecoder;
use rekindle_models::translator::{Translator, TranslatorSettings, TranslatorSizes};
use rekindle_onnx::{Opset, ToOnnx};
use rekindle_rnn::Cell;

use crate::case::{Calls, Cases, ints, of_call, of_step, stirred, tokens, zeros};
use crate::{device, rng, stack};

const SOURCES: [&[u32]; 3] = [&[4, 5, 6, 7], &[8], &[5, 9]];
/// What each row reads, step by step.
const TARGETS: [[u32; 3]; 4] = [[2, 2, 2], [5, 6, 4], [7, 7, 5], [4, 3, 8]];

fn add(cases: &Cases, name: &str, settings: &TranslatorSettings) {
    let sizes = TranslatorSizes::new(10, 9);
    let model: Translator = stirred(settings.init_with(&sizes, &mut rng(), &device()));
    let embedding = settings.embedding;
    let lengths = SOURCES.map(|source| source.len() as u32 + 1);
    let padded = SOURCES.iter().flat_map(|source| {
        let ended = source.iter().copied().chain([sizes.end]);
        ended.chain(std::iter::repeat(0)).map(i64::from).take(5)
    });
    let mut calls = Calls::default();
    calls.call("encoder", [("tokens", ints(&[3, 5], padded)), ("lengths", tokens(&lengths))], []);

    let attends = settings.attention != AttentionKind::None;
    let mut states = vec!["hidden"];
    if settings.recurrent.cell.has_cell_state() {
        states.push("cell");
    }
    let mut state = model.first_state(&SOURCES);
    for (number, read) in TARGETS.iter().enumerate() {
        let before = calls.len() - 1;
        let mut inputs = vec![("token", tokens(read))];
        for name in &states {
            let output = if number == 0 { (*name).to_owned() } else { format!("next_{name}") };
            inputs.push((*name, of_call(before, &output)));
        }
        if settings.input_feeding {
            let fed = if number == 0 { zeros(&[3, embedding]) } else { of_call(before, "next_fed") };
            inputs.push(("fed", fed));
        }
        if attends {
            inputs.extend([("memory", of_call(0, "memory")), ("lengths", tokens(&lengths))]);
        }
        if settings.attention == AttentionKind::Additive {
            inputs.push(("keys", of_call(0, "keys")));
        }
        let outputs = of_step(model.step(read, &mut state), read.len());
        calls.call_with("decoder", inputs, outputs);
    }
    cases.add(name, &model.to_onnx(Opset::default()).unwrap(), calls);
}

fn settings(cell: Cell, attention: AttentionKind) -> TranslatorSettings {
    TranslatorSettings { recurrent: stack(cell), embedding: 5, attention, ..TranslatorSettings::default() }
}

#[test]
fn sentences_are_encoded_and_decoded_step_by_step_with_every_cell() {
    let Some(cases) = Cases::new() else { return };
    for cell in Cell::ALL {
        add(&cases, cell.name(), &settings(cell, AttentionKind::General));
    }
    cases.run();
}

#[test]
fn every_kind_of_attention_input_feeding_and_tied_embeddings() {
    let Some(cases) = Cases::new() else { return };
    for name in AttentionKind::NAMES {
        let settings = settings(Cell::Lstm, name.parse().unwrap());
        add(&cases, &format!("{name}-fed"), &TranslatorSettings { input_feeding: true, ..settings.clone() });
        add(&cases, &format!("{name}-tied"), &TranslatorSettings { tied: true, ..settings.clone() });
        add(&cases, name, &settings);
    }
    cases.run();
}
