//! A language model whose weights start a model of another task.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use serde_json::Value;

/// Labelled texts, of which a language model reads the words.
const TEXTS: &str = "It's a GOOD film, isn't it?\t1\nA bad film.<br />Don't go!\t0\nthe co-written plot is good\t1\n\
                     what a bad , bad plot\t0\n";

/// Settings of the recurrent stack that both models have.
const STACK: [&str; 8] = ["--layers", "2", "--hidden", "6", "--embedding", "5", "--cell", "lstm"];

fn place() -> Workplace {
    let place = Workplace::new();
    fs::write(place.path("texts.tsv"), TEXTS.repeat(12)).unwrap();
    place
}

/// Pretrains a language model for five steps into the run `lm`.
fn pretrain(place: &Workplace, more: &[&str]) {
    let fixed = ["train", "chars", "--out", "lm", "--force", "--steps", "5", "--sample-length", "9"];
    let small = ["--batch-size", "2", "--sequence-length", "8"];
    place.rekindle(&[&fixed[..], &small, &STACK, more].concat()).assert().success();
}

fn of_words<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--data", "texts.tsv", "--format", "texts", "--units", "word"], more].concat()
}

const CLASSIFIER: [&str; 10] =
    ["train", "sentiment", "--data", "texts.tsv", "--out", "run", "--force", "--init-from", "lm", "--min-count"];

fn classify<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&CLASSIFIER, &["1", "--steps", "1", "--unfreeze-every", "9"][..], &STACK, more].concat()
}

/// The exported weights of a run, and its vocabulary.
fn export(place: &Workplace, run: &str) -> (Value, Value) {
    place.rekindle(&["export", run, "--format", "json", "--out", "weights"]).assert().success();
    let read = |name: &str| {
        let text = fs::read_to_string(place.path("weights").join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let found = (read("model.json"), read("vocab.json"));
    fs::remove_dir_all(place.path("weights")).unwrap();
    found
}

fn rows(tensor: &Value) -> Vec<Vec<f64>> {
    let width = tensor["shape"][1].as_u64().unwrap() as usize;
    let values: Vec<f64> = tensor["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    values.chunks(width).map(<[f64]>::to_vec).collect()
}

#[test]
fn a_classifier_begins_with_the_vectors_and_the_layers_of_a_language_model() {
    let place = place();
    pretrain(&place, &of_words(&[]));
    let said = contains("from the language model: the vectors of 18 of 18 words, and the forward direction")
        .and(contains("new: the vectors of the other words, the reverse direction, what follows"));
    place.rekindle(&classify(&["--pooling", "concat"])).assert().success().stderr(said);

    let (lm, words) = export(&place, "lm");
    let (model, classes) = export(&place, "run");
    let symbols: Vec<&str> = words["symbols"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let known: Vec<&str> = classes["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(["n't", "'s", "co-written"].iter().all(|word| known.contains(word)), "{known:?}");
    let (there, here) = (rows(&lm["embedding.weight"]), rows(&model["embedding.weight"]));
    for (id, word) in (1..).zip(&known) {
        let place = symbols.iter().position(|symbol| *symbol == format!(" {word}")).unwrap();
        assert_eq!(here[id], there[place], "{word}");
    }
    for name in ["weight_hh_l0", "weight_ih_l0", "bias_ih_l0", "weight_hh_l1", "bias_hh_l1"] {
        assert_eq!(model[&format!("rnn.{name}")], lm[&format!("rnn.{name}")], "{name}");
    }
    // The second layer reads both directions, and the reverse one not at first.
    let (there, here) = (rows(&lm["rnn.weight_ih_l1"]), rows(&model["rnn.weight_ih_l1"]));
    for (here, there) in here.iter().zip(&there) {
        assert_eq!((&here[..6], &here[6..]), (&there[..], &[0.0; 6][..]));
    }
    assert_ne!(model["rnn.weight_hh_l0_reverse"], lm["rnn.weight_hh_l0"]);
    assert_eq!(model["output.weight"]["shape"][1], 3 * 2 * 6);

    place.rekindle(&["train", "--resume", "run", "--steps", "2"]).assert().success();
    place.rekindle(&["eval", "run"]).assert().success().stdout(contains("accuracy"));
    let one_direction = classify(&["--forward-only", "--pooling", "last"]);
    place.rekindle(&one_direction).assert().success().stderr(contains("and the recurrent layers\n"));
}

#[test]
fn a_language_model_of_texts_writes_words_and_is_evaluated_on_other_texts() {
    let place = place();
    pretrain(&place, &of_words(&["--min-count", "13"]));
    let sample = ["sample", "lm", "--prime", "It's GOOD", "--length", "5", "--seed", "1"];
    place.rekindle(&sample).assert().success().stdout(predicates::str::starts_with("It's GOOD "));
    fs::write(place.path("other.csv"), "label,words\n1,what a good film\n0,don't\n").unwrap();
    let eval = ["eval", "lm", "--data", "other.csv", "--text-column", "words", "--json"];
    // Four words, a line end, two words and a line end; all but the first are predicted.
    assert_eq!(place.json(&eval)["predicted"], 7);
    place.failure(&eval[..4], 1, &["`text`", "label, words", "--text-column"]);
    fs::write(place.path("plain.csv"), "the plot\na film\n").unwrap();
    place.rekindle(&["eval", "lm", "--data", "plain.csv"]).assert().success();
}

#[test]
fn what_does_not_fit_is_refused_with_both_settings() {
    let place = place();
    pretrain(&place, &of_words(&[]));
    let run = "--cell lstm --layers 2 --hidden 6 --embedding 5";
    for (option, value, here) in [
        ("--hidden", "7", "--cell lstm --layers 2 --hidden 7 --embedding 5"),
        ("--cell", "gru", "--cell gru --layers 2 --hidden 6 --embedding 5"),
        ("--layers", "1", "--cell lstm --layers 1 --hidden 6 --embedding 5"),
        ("--embedding", "4", "--cell lstm --layers 2 --hidden 6 --embedding 4"),
    ] {
        let stack: Vec<&str> = STACK.chunks(2).filter(|pair| pair[0] != option).flatten().copied().collect();
        let other = [&CLASSIFIER, &["1", "--steps", "1", option, value][..], &stack].concat();
        place.failure(&other, 1, &["--init-from", run, here]);
    }
    pretrain(&place, &["--data", "texts.tsv"]);
    place.failure(&classify(&[]), 1, &["one of characters", "--units word --format texts"]);
    pretrain(&place, &["--data", "text.txt", "--units", "word"]);
    // `a` and other words of the program's source; matched without regard to the texts that they come from.
    place.rekindle(&classify(&[])).assert().success().stderr(contains("vectors of 2 of 18 words"));
    fs::write(place.path("other.txt"), "цвет дом ".repeat(200)).unwrap();
    pretrain(&place, &["--data", "other.txt", "--units", "word"]);
    place.failure(&classify(&[]), 1, &["knows none of the tokens"]);

    let adding = ["train", "adding", "--steps", "1", "--out", "lm", "--force"];
    place.rekindle(&adding).assert().success();
    place.failure(&classify(&[]), 1, &["lm is a run of `adding`", "`sentiment` or `chars`"]);
    let plain = ["train", "chars", "--data", "text.txt", "--text-column", "2", "--out", "other"];
    place.failure(&plain, 1, &["--text-column", "--format texts"]);
}
