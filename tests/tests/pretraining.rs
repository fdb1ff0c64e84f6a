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
    let stack: Vec<&str> = STACK.chunks(2).filter(|pair| !more.contains(&pair[0])).flatten().copied().collect();
    place.rekindle(&[&fixed[..], &small, &stack, more].concat()).assert().success();
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
    // `a` and `is` are words of the text too.
    place.rekindle(&classify(&[])).assert().success().stderr(contains("vectors of 2 of 18 words"));
    fs::write(place.path("other.txt"), "цвет дом ".repeat(200)).unwrap();
    pretrain(&place, &["--data", "other.txt", "--units", "word"]);
    place.failure(&classify(&[]), 1, &["none of the tokens"]);

    let adding = ["train", "adding", "--steps", "1", "--out", "lm", "--force"];
    place.rekindle(&adding).assert().success();
    place.failure(&classify(&[]), 1, &["lm is a run of `adding`", "`sentiment` or `chars`"]);
    let plain = ["train", "chars", "--data", "text.txt", "--text-column", "2", "--out", "other"];
    place.failure(&plain, 1, &["--text-column", "--format texts"]);
}

#[test]
fn a_text_is_read_and_written_in_pieces() {
    let place = Workplace::new();
    let text = "Ça va\u{2028}bien,\r\n\tou  pas?\n".repeat(40);
    fs::write(place.path("text.txt"), text).unwrap();
    let pieces = ["--data", "text.txt", "--units", "bpe", "--merges", "20"];
    pretrain(&place, &pieces);
    let vocabulary: Value = serde_json::from_slice(&fs::read(place.path("lm/vocab.json")).unwrap()).unwrap();
    assert_eq!(vocabulary["unit"], "bpe");
    let symbols = vocabulary["symbols"].as_array().unwrap();
    assert!(symbols.len() > 256 && symbols.len() <= 276, "{}", symbols.len());
    let eval = place.json(&["eval", "lm", "--data", "text.txt", "--json"]);
    // All of the text but its first piece is predicted, in fewer pieces than characters.
    let (predicted, bits) = (eval["predicted"].as_f64().unwrap(), eval["bits_per_symbol"].as_f64().unwrap());
    let characters = predicted * bits / eval["bits_per_character"].as_f64().unwrap();
    let all = fs::read_to_string(place.path("text.txt")).unwrap().chars().count() as f64;
    assert!(predicted < all && characters < all && characters > all - 20.0, "{eval}");
    let sample = ["sample", "lm", "--prime", "jamais vu \u{1f600}", "--length", "9", "--seed", "1"];
    place.rekindle(&sample).assert().success().stdout(predicates::str::starts_with("jamais vu \u{1f600}"));
    place.rekindle(&["train", "--resume", "lm", "--steps", "6"]).assert().success();
    place.rekindle(&["eval", "lm", "--dynamic", "--dynamic-statistics", "0"]).assert().success();

    let train = |more: &[&'static str]| [&["train", "chars", "--data", "text.txt", "--out", "other"], more].concat();
    place.failure(&train(&["--merges", "9"]), 1, &["--merges 9", "--units bpe"]);
    place.failure(&train(&["--units", "bpe", "--min-count", "2"]), 1, &["--min-count 2", "--units bpe"]);
    place.failure(&train(&["--units", "bpe", "--max-vocabulary", "300"]), 1, &["--max-vocabulary 300", "--merges"]);
    fs::write(place.path("bytes"), b"\xff\xfe\xfd").unwrap();
    let bytes = ["train", "chars", "--data", "bytes", "--units", "bpe", "--out", "other"];
    place.failure(&bytes, 1, &["bytes"]);
}

#[test]
fn a_translators_decoder_begins_with_a_language_model_of_its_target_language() {
    let place = Workplace::new();
    fs::write(place.path("train.de"), "ein Mann geht\neine Frau geht nicht .\n".repeat(30)).unwrap();
    fs::write(place.path("train.en"), "a man walks\na woman walks not .\n".repeat(30)).unwrap();
    let translate = |more: &[&'static str]| {
        let fixed = ["train", "translate", "--data", ".", "--source-lang", "de", "--target-lang", "en", "--steps", "1"];
        let rest = ["--init-from", "lm", "--unfreeze-every", "9", "--batch-size", "8", "--out", "run", "--force"];
        [&fixed[..], &rest, more].concat()
    };
    let stack = ["--layers", "2", "--hidden", "6", "--embedding", "6", "--cell", "lstm"];
    let pretrained = |more: &[&'static str]| pretrain(&place, &[&["--data", "train.en"], more].concat());
    pretrained(&["--units", "word", "--embedding", "6"]);
    let said = contains("the recurrent layers of the decoder, the output layer\n").and(contains("new: the vectors"));
    place.rekindle(&[&translate(&[])[..], &stack].concat()).assert().success().stderr(said);
    let (lm, words) = export(&place, "lm");
    let (model, languages) = export(&place, "run");
    for name in ["weight_hh_l0", "weight_ih_l0", "bias_ih_l1"] {
        assert_eq!(model[&format!("decoder.{name}")], lm[&format!("rnn.{name}")], "{name}");
    }
    let list = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|word| word.as_str().unwrap_or_default().to_owned()).collect()
    };
    let (symbols, target) = (list(&words["symbols"]), list(&languages["target"]["vocabulary"]));
    let (there, here) = (rows(&lm["embedding.weight"]), rows(&model["target_embedding.weight"]));
    let of = |symbol: &str| &there[symbols.iter().position(|known| known == symbol).unwrap()];
    for (token, symbol) in [("man", " man"), ("a", "a"), (".", " ."), ("<END>", "\n"), ("<START>", "\n")] {
        assert_eq!(&here[target.iter().position(|known| known == token).unwrap()], of(symbol), "{token}");
    }

    // Pieces that both have learnt from the same sentences.
    pretrained(&["--units", "bpe", "--merges", "30", "--embedding", "6"]);
    let pieces = ["--subword", "bpe", "--max-vocabulary", "40", "--input-feeding", "--tied"];
    let said = contains("the recurrent layers of the decoder\n").and(contains("encoder and decoder, the output layer"));
    place.rekindle(&[&translate(&pieces)[..], &stack].concat()).assert().success().stderr(said);
    place.failure(
        &[&translate(&["--target-units", "char"])[..], &stack].concat(),
        1,
        &["one of pieces", "--units char"],
    );
    let other = ["--layers", "1", "--hidden", "6", "--embedding", "6", "--cell", "lstm"];
    place.failure(&[&translate(&[])[..], &other].concat(), 1, &["--layers 2 --hidden 6", "--layers 1 --hidden 6"]);
}
