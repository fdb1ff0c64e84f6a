//! `translate` from training to translations.

use std::fs;
use std::io::Write as _;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;

/// A training of a second or two, on sentences of which each word has one translation.
const SMALL: [&str; 18] = [
    "train",
    "translate",
    "--data",
    "pairs",
    "--source-lang",
    "de",
    "--target-lang",
    "en",
    "--hidden",
    "32",
    "--embedding",
    "16",
    "--batch-size",
    "8",
    "--print-every",
    "1",
    "--learning-rate",
    "0.01",
];

fn place() -> Workplace {
    let place = Workplace::new();
    fs::create_dir(place.path("pairs")).unwrap();
    let words = [("hund", "dog"), ("mann", "man"), ("frau", "woman"), ("vogel", "bird"), ("kind", "child")];
    let verbs = [("rennt", "runs"), ("schläft", "sleeps"), ("spielt", "plays")];
    let (mut german, mut english) = (String::new(), String::new());
    for (de, en) in words {
        for (tut, does) in verbs {
            german += &format!("Ein {de} {tut} .\n");
            english += &format!("a {en} {does} .\n");
        }
    }
    for (name, text) in
        [("train.de", german.repeat(8)), ("train.en", english.repeat(8)), ("val.de", german), ("val.en", english)]
    {
        fs::write(place.path("pairs").join(name), text).unwrap();
    }
    place
}

fn small(more: &[&'static str]) -> Vec<&'static str> {
    [&SMALL[..], more].concat()
}

#[test]
fn sentences_are_learnt_translated_and_judged() {
    let place = place();
    place
        .rekindle(&small(&["--epochs", "12", "--dropout", "0.1"]))
        .assert()
        .success()
        .stderr(contains("120 pairs to train on, 15 held out").and(contains("rekindle eval runs/translate")));
    let eval = place.rekindle(&["eval", "runs/translate", "--json"]).assert().success().get_output().stdout.clone();
    let eval: serde_json::Value = serde_json::from_slice(&eval).unwrap();
    assert!(eval["bleu"].as_f64().unwrap() > 90.0 && eval["exact"].as_f64().unwrap() > 0.9, "{eval}");

    place.rekindle(&["predict", "runs/translate", "Ein Hund rennt."]).assert().success();
    // As many lines out as in.
    let lines = "Ein vogel spielt .\n\nEin kind rennt .\n";
    place
        .rekindle(&["predict", "runs/translate", "--beam", "3"])
        .write_stdin(lines)
        .assert()
        .success()
        .stdout("a bird plays.\n\na child runs.\n");
    fs::write(place.path("lines.de"), lines).unwrap();
    place
        .rekindle(&["predict", "runs/translate", "--file", "lines.de"])
        .assert()
        .success()
        .stdout("a bird plays.\n\na child runs.\n")
        .stderr("");
    place
        .rekindle(&["predict", "runs/translate", "a bird plays ."])
        .assert()
        .success()
        .stderr(contains("0 % are de and 100 % are en, but this run translates from de to en"));
    let options =
        ["predict", "runs/translate", "Ein kind rennt .", "--n-best", "2", "--json", "--attention", "look.svg"];
    let output = place.rekindle(&options).assert().success().get_output().stdout.clone();
    let output: serde_json::Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(output[0]["translations"].as_array().unwrap().len(), 2, "{output}");
    assert!(fs::read_to_string(place.path("look.svg")).unwrap().contains(">child<"));
    place.rekindle(&["predict", "runs/translate", "x", "--beam", "0"]).assert().code(1).stderr(contains("beam"));
}

#[test]
fn what_was_about_to_be_written_can_be_read_in_training() {
    let place = place();
    let options = ["--epochs", "12", "--dropout", "0.1", "--input-feeding", "--scheduled-sampling", "0.2"];
    place.rekindle(&small(&options)).assert().success();
    let config = fs::read_to_string(place.path("runs/translate/config.toml")).unwrap();
    assert!(config.contains("input_feeding = true") && config.contains("scheduled_sampling = 0.2"), "{config}");
    place.rekindle(&["predict", "runs/translate", "Ein hund rennt ."]).assert().success().stdout("a dog runs.\n");
    place.rekindle(&small(&["--scheduled-sampling", "1"])).assert().code(1).stderr(contains("scheduled-sampling 1"));
}

#[test]
fn words_can_be_cut_into_pieces_that_are_learnt() {
    for (kind, joint) in [("bpe", &[][..]), ("unigram", &["--joint"])] {
        let place = place();
        let options = [&["--epochs", "12", "--dropout", "0.1", "--subword", kind, "--max-words", "40"], joint].concat();
        place.rekindle(&small(&options)).assert().success();
        let languages: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(place.path("runs/translate/vocab.json")).unwrap()).unwrap();
        assert_eq!(languages["source"]["vocabulary"] == languages["target"]["vocabulary"], !joint.is_empty());
        // White space is that of the text, and every line has its line.
        place
            .rekindle(&["predict", "runs/translate"])
            .write_stdin("Ein  vogel spielt .\n\nEin kind rennt .\n")
            .assert()
            .success()
            .stdout("a bird plays .\n\na child runs .\n");
        let eval = place.rekindle(&["eval", "runs/translate"]).assert().success().get_output().stdout.clone();
        assert!(String::from_utf8(eval).unwrap().contains("bleu"));
        let look = ["predict", "runs/translate", "Ein kind rennt .", "--attention", "look.svg"];
        place.rekindle(&look).assert().success();
        assert!(fs::read_to_string(place.path("look.svg")).unwrap().contains(">▁"));
        place.rekindle(&["export", "runs/translate", "--out", "out"]).assert().success();
        if joint.is_empty() {
            place
                .rekindle(&["predict", "runs/translate", "a woman plays ."])
                .assert()
                .success()
                .stderr(contains("but this run translates from de to en"));
        }
        fs::write(place.path("runs/translate/vocab.json"), "{}").unwrap();
        place.rekindle(&["predict", "runs/translate", "x"]).assert().code(1).stderr(contains("vocab.json"));
    }
}

#[test]
fn what_pieces_of_words_cannot_have_is_refused() {
    let place = place();
    for (options, wanted) in [
        (&["--joint"][..], "--joint: must be used with --subword"),
        (&["--subword", "bpe", "--min-count", "2"], "min-count 2"),
        (&["--subword", "bpe", "--source-units", "char"], "source-units char"),
        (&["--subword", "unigram", "--target-units", "char"], "target-units char"),
        (&["--subword", "unigram", "--max-words", "3"], "cannot learn 3 subword pieces"),
        (&["--subword", "letters"], "one of bpe, unigram"),
    ] {
        place.rekindle(&small(options)).assert().failure().stderr(contains(wanted));
    }
}

#[test]
fn a_broken_off_run_goes_on_with_the_losses_of_an_unbroken_one() {
    let pieces = ["--subword", "unigram", "--max-words", "60", "--joint"];
    let plain = Workplace::new().cpu_backends().into_iter().map(|backend| (backend, &[][..]));
    for (backend, more) in plain.chain([("flex", &pieces[..])]) {
        let place = place();
        let options = [&small(&["--dropout", "0.2", "--threads", "1", "--backend"])[..], &[backend], more].concat();
        place.rekindle(&[&options[..], &["--steps", "40", "--out", "unbroken"]].concat()).assert().success();
        place.rekindle(&[&options[..], &["--steps", "22", "--out", "broken"]].concat()).assert().success();
        let resume = ["train", "--resume", "broken", "--steps", "40", "--threads", "1", "--backend", backend];
        place.rekindle(&resume).assert().success();
        // The broken run was evaluated where it stopped, too: only the steps' lines are compared.
        let losses = |run: &str| {
            let metrics = fs::read_to_string(place.path(run).join("metrics.jsonl")).unwrap();
            let lines = metrics.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            lines
                .filter(|line| line.get("gradient_norm").is_some_and(|norm| !norm.is_null()))
                .map(|line| (line["step"].as_u64().unwrap(), line["loss"].to_string()))
                .collect::<Vec<_>>()
        };
        let unbroken = losses("unbroken");
        assert!(unbroken.len() >= 40, "{backend}");
        assert_eq!(losses("broken"), unbroken, "{backend}");
    }
}

#[test]
fn bad_sentences_are_named() {
    let place = place();
    let train =
        |more: &[&'static str]| place.rekindle(&small(&[&["--steps", "1", "--out", "run", "--force"], more].concat()));
    train(&["--strict", "--max-length", "2"])
        .assert()
        .code(1)
        .stderr(contains("sentences of more than 2 tokens in 120 pairs"));
    train(&["--max-length", "2"]).assert().success().stderr(contains("cut to 2 tokens a side: 120 pairs"));
    train(&["--min-count", "1000"]).assert().success().stderr(contains("covers only"));
    train(&["--layers", "0"]).assert().code(1).stderr(contains("layers 0"));
    let file = place.path("pairs/train.en");
    let mut more = fs::OpenOptions::new().append(true).open(&file).unwrap();
    more.write_all(b"one more\n").unwrap();
    train(&[]).assert().code(1).stderr(contains("train.de has 120 lines").and(contains("train.en has 121")));
    fs::write(&file, [&b"a\n".repeat(119)[..], b"\xFF\n"].concat()).unwrap();
    train(&[]).assert().code(1).stderr(contains("train.en, line 120"));
    fs::write(&file, "\n".repeat(120)).unwrap();
    train(&[]).assert().code(1).stderr(contains("no pair of sentences"));
    fs::remove_file(&file).unwrap();
    train(&[]).assert().code(1).stderr(contains("train.en"));
}
