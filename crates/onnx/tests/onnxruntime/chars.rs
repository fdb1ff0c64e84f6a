use burn::tensor::{Int, Tensor, TensorData};
use rekindle_models::char_lm::{CharLm, CharLmSettings};
use rekindle_models::settings::RecurrentSettings;
use rekindle_onnx::{Opset, ToOnnx};
use rekindle_rnn::Cell;

use crate::case::{Calls, Cases, ints, log_softmax, of_call, opsets, stirred, tensor, zeros};
use crate::{device, rng, stack};

const VOCABULARY: usize = 9;
const ROWS: usize = 3;
const TIME: usize = 8;
/// Time steps of the first call; the second goes on from its state.
const FIRST: usize = 5;

fn add(cases: &Cases, name: &str, settings: CharLmSettings, opset: Opset) {
    let model: CharLm = stirred(settings.init_with(VOCABULARY, &mut rng(), &device()));
    let text: Vec<i64> = (0..ROWS * TIME).map(|place| (place * place % 7 + place % 3) as i64).collect();
    let all = Tensor::<2, Int>::from_data(TensorData::new(text.clone(), [ROWS, TIME]), &device());
    let (log_probs, _) = model.forward(all, None);
    let part = |from: usize, to: usize| {
        let rows = text.chunks(TIME).flat_map(|row| row[from..to].to_vec());
        let wanted = log_probs.clone().slice([0..ROWS, from..to]);
        (ints(&[ROWS, to - from], rows), log_softmax(tensor(wanted)))
    };
    let mut calls = Calls::default();
    let names = if settings.recurrent.cell.has_cell_state() { &["hidden", "cell"][..] } else { &["hidden"] };
    for (number, (from, to)) in [(0, FIRST), (FIRST, TIME)].into_iter().enumerate() {
        let (read, wanted) = part(from, to);
        let mut inputs = vec![("tokens", read)];
        for name in names {
            let layers = settings.recurrent.layers;
            let start = || zeros(&[layers, ROWS, settings.recurrent.hidden]);
            inputs.push((*name, if number == 0 { start() } else { of_call(0, &format!("next_{name}")) }));
        }
        calls.call_with("model", inputs, vec![("logits", wanted)]);
    }
    cases.add(name, &model.to_onnx(opset).unwrap(), calls);
}

fn settings(cell: Cell) -> CharLmSettings {
    CharLmSettings { recurrent: stack(cell), embedding: 5, ..CharLmSettings::default() }
}

#[test]
fn a_language_model_of_every_cell_goes_on_from_its_state() {
    let Some(cases) = Cases::new() else { return };
    for cell in Cell::ALL {
        for opset in opsets() {
            add(&cases, &format!("{cell}-{opset}"), settings(cell), opset);
        }
    }
    cases.run();
}

#[test]
fn a_layer_with_zoneout_keeps_its_share_of_the_state() {
    let Some(cases) = Cases::new() else { return };
    for cell in Cell::ALL {
        let of_cell = settings(cell);
        let zoneout_cell = if cell.has_cell_state() { 0.4 } else { 0.0 };
        let recurrent = RecurrentSettings { zoneout: 0.2, zoneout_cell, ..of_cell.recurrent };
        add(&cases, cell.name(), CharLmSettings { recurrent, ..of_cell }, Opset::default());
    }
    cases.run();
}

#[test]
fn one_hot_tokens_and_tied_weights() {
    let Some(cases) = Cases::new() else { return };
    let lstm = settings(Cell::Lstm);
    add(&cases, "one-hot", CharLmSettings { embedding: 0, ..lstm.clone() }, Opset::default());
    add(&cases, "tied", CharLmSettings { embedding: 6, tied: true, ..lstm.clone() }, Opset::default());
    add(&cases, "projected", CharLmSettings { tied: true, ..lstm }, Opset::default());
    cases.run();
}
