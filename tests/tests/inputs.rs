//! Inputs as people have them: files in place of texts, other names of classes, counts of one, absurd numbers, and text
//! that would command a terminal.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;

const SMALL: [&str; 10] = ["--steps", "2", "--hidden", "4", "--embedding", "4", "--threads", "1", "--batch-size", "2"];

fn train(place: &Workplace, task: &str, more: &[&str]) -> assert_cmd::assert::Assert {
    place.rekindle(&[&["train", task, "--out", "run", "--force"], &SMALL[..], more].concat()).assert()
}

/// Classes `0` and `1`, several words each.
fn table(place: &Workplace, name: &str, classes: [&str; 2]) {
    let rows: String = (0..8).map(|row| format!("the film was number {row}\t{}\n", classes[row % 2])).collect();
    fs::write(place.path(name), format!("text\tlabel\n{rows}")).unwrap();
}

#[test]
fn an_input_that_is_a_file_is_read_line_by_line() {
    let place = Workplace::new();
    fs::write(place.path("lines.txt"), "0.5* 0.25*\n0.1* 0.2 0.3*\n").unwrap();
    train(&place, "sentiment", &[]).success();
    let texts = |arguments: &[&str]| {
        let all = [&["predict", "run", "--json"], arguments].concat();
        let answers =
            place.rekindle(&all).write_stdin("from the pipe\n").assert().success().get_output().stdout.clone();
        let answers: serde_json::Value = serde_json::from_slice(&answers).unwrap();
        let texts = answers.as_array().unwrap().iter().map(|answer| answer["text"].as_str().unwrap().to_owned());
        texts.collect::<Vec<_>>()
    };
    let lines = ["0.5* 0.25*", "0.1* 0.2 0.3*"];
    assert_eq!(texts(&["lines.txt", "a text"]), [&lines[..], &["a text"]].concat());
    assert_eq!(texts(&["-", "lines.txt"]), [&["from the pipe"], &lines[..]].concat());
    assert_eq!(texts(&["-"]), ["from the pipe"]);
    assert_eq!(texts(&["--text", "lines.txt", "-"]), ["lines.txt", "-"]);
    // Of every task that takes texts.
    place.rekindle(&["train", "adding", "--steps", "1", "--hidden", "4", "--out", "adding"]).assert().success();
    place.rekindle(&["predict", "adding", "lines.txt"]).assert().success().stdout(contains("\t0.4000\t0.1* 0.2 0.3*"));
    place.rekindle(&["predict", "adding", "--text", "lines.txt"]).assert().code(1).stderr(contains("lines.txt"));
    train(&place, "translate", &[]).success();
    let all = place.rekindle(&["predict", "run", "lines.txt"]).assert().success().get_output().stdout.clone();
    assert_eq!(String::from_utf8(all).unwrap().lines().count(), 2);
}

#[test]
fn an_input_that_looks_like_a_file_that_is_not_there_is_no_text() {
    let place = Workplace::new();
    fs::create_dir(place.path("texts")).unwrap();
    for task in ["sentiment", "translate"] {
        train(&place, task, &[]).success();
        for input in ["reviews.txt", "reviews.TSV", "texts/reviews", "./reviews", "/no/where", "a.jsonl", "b.csv.gz"] {
            place.failure(&["predict", "run", input], 1, &[input, "there is no such file", "--text"]);
            place.failure(&["predict", "run", "a text", input], 1, &[input, "--text"]);
        }
        place.failure(&["predict", "run", "texts"], 1, &["texts: this is a folder", "--text"]);
        place.rekindle(&["predict", "run", "--text", "reviews.txt", "texts", "/no/where"]).assert().success();
        for input in ["good", "and/or", "1/2/1999", "I read reviews.txt", "etc.", "..."] {
            place.rekindle(&["predict", "run", input]).assert().success();
        }
    }
    train(&place, "caption", &[]).success();
    place.failure(&["predict", "run", ""], 1, &["an input is empty: give images"]);
}

#[test]
fn a_folder_has_its_parts_and_labels_have_other_names() {
    let place = Workplace::new();
    fs::create_dir(place.path("set")).unwrap();
    table(&place, "set/train.tsv", ["0", "1"]);
    table(&place, "set/val.tsv", ["0", "1"]);
    table(&place, "set/test.tsv", ["0", "1"]);
    table(&place, "named.tsv", ["neg", "pos"]);
    train(&place, "sentiment", &["--data", "set", "--min-count", "1"])
        .success()
        .stderr(contains("8 texts to train on: 0 50.0 %, 1 50.0 %").and(contains("8 texts for validation: 0 50.0 %")));
    place.rekindle(&["eval", "run", "--split", "test"]).assert().success().stdout(contains("set/test.tsv"));
    let other = ["eval", "run", "--data", "named.tsv"];
    place.rekindle(&other).assert().code(1).stderr(contains("`neg`").and(contains("--alias neg=")));
    let aliases = ["--alias", "neg=0", "--alias", "pos=1"];
    place.rekindle(&[&other[..], &aliases].concat()).assert().success().stdout(contains("count            8"));
    // In training too, and then in every evaluation.
    train(&place, "sentiment", &[&["--data", "set", "--dev", "named.tsv", "--min-count", "1"], &aliases[..]].concat())
        .success();
    place.rekindle(&other).assert().success();
}

#[test]
fn files_of_other_data_are_pointed_at() {
    let place = Workplace::new();
    for (name, line) in [("train.de", "ein Hund"), ("train.en", "a dog"), ("val.de", "zwei"), ("val.en", "two")] {
        fs::write(place.path(name), format!("{line}\n").repeat(20)).unwrap();
    }
    train(&place, "sentiment", &["--data", "."]).success().stderr(contains("de, en look like languages"));
    train(&place, "sentiment", &["--data", "x.train,x.dev"]).code(1).stderr(contains("x.train"));
    train(&place, "translate", &["--data", "."])
        .code(1)
        .stderr(contains("train.source: no such file; there are the languages de, en").and(contains("--source-lang")));
    fs::write(place.path("none.de"), "").unwrap();
    fs::write(place.path("none.en"), "").unwrap();
    train(&place, "translate", &["--data", ".", "--source-lang", "de", "--target-lang", "en"]).success();
    place.rekindle(&["eval", "run", "--data", "none"]).assert().code(1).stderr(contains("none: there is no pair"));
}

#[test]
fn a_run_without_held_out_clips_advises_what_works() {
    let place = Workplace::new();
    let rows: String = (0..40).map(|row| format!("{row},{}\n", row % 2)).collect();
    fs::write(place.path("clip.csv"), format!("x,label\n{rows}")).unwrap();
    let options =
        ["train", "frames", "--data", "clip.csv", "--hidden", "4", "--encoder", "4", "--steps", "1", "--out", "run"];
    place.rekindle(&options).assert().success().stderr(
        contains("1 clip of 40 frames to train on")
            .and(contains("done: 1 step\n"))
            .and(contains("rekindle predict run"))
            .and(contains("rekindle eval").not()),
    );
}

#[test]
fn absurd_numbers_are_refused_with_what_is_wanted() {
    let place = Workplace::new();
    for (arguments, code, wanted) in [
        (&["frames", "--workers", "100000"][..], 1, "--workers 100000: must be at least 0 and at most 64"),
        (&["caption", "--workers", "9000000000000000000"], 1, "at most 64"),
        (&["sentiment", "--max-length", "18446744073709551615"], 2, "a whole number of at most 18 digits"),
        (&["translate", "--max-length", "9000000000000000000"], 1, "at most 100000"),
        (&["caption", "--max-length", "100001"], 1, "at most 100000"),
        (&["chars", "--hidden", "-5"], 1, "--hidden -5: must be at least 1"),
        (&["chars", "--learning-rate", "-1e-3"], 1, "--learning-rate -0.001: must be greater than 0"),
        (&["chars", "--threads", "-2"], 2, "-2 is not in 1..=65535"),
        (&["chars", "--gzip-ratio", "0"], 2, "--gzip-ratio"),
        (
            &["chars", "--data", ".", "--pattern", &"{".repeat(20_000)],
            1,
            "--pattern: 20000 bytes, and 4096 is the most",
        ),
    ] {
        let all = [&["train"], arguments, &["--steps", "1", "--out", "run"]].concat();
        place.rekindle(&all).assert().code(code).stderr(contains(wanted));
    }
    train(&place, "translate", &[]).success();
    for option in ["--max-length", "--beam", "--n-best", "--min-length"] {
        let absurd = ["predict", "run", "x", option, "9000000000000000000"];
        place.rekindle(&absurd).assert().code(1).stderr(contains("at most"));
    }
    place.rekindle(&["eval", "run", "--batch-size", "-3"]).assert().code(2).stderr(contains("at least 1"));
}

#[test]
fn weights_of_another_model_are_told_in_a_few_lines() {
    let place = Workplace::new();
    train(&place, "chars", &["--data", "text.txt", "--sequence-length", "8"]).success();
    place.rekindle(&["export", "run", "--out", "weights"]).assert().success().stderr(contains("tensors of step 2"));
    let options = ["--encoder", "efficientnet-lite0", "--encoder-weights", "weights/model.safetensors"];
    let all = [&["train", "caption", "--steps", "1", "--out", "caption"], &options[..]].concat();
    let error =
        place.rekindle(&all).assert().code(1).stderr(contains("weights/model.safetensors")).get_output().clone();
    let error = String::from_utf8(error.stderr).unwrap();
    assert!(error.contains("245 missing") && error.contains("and 240 more") && error.lines().count() < 20, "{error}");
}

/// What a terminal shows, made by `script`: the command believes that its outputs are one.
#[cfg(target_os = "linux")]
#[test]
fn text_from_data_does_not_command_a_terminal() {
    let place = Workplace::new();
    if std::process::Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `script` here to make a terminal");
        return;
    }
    table(&place, "set.tsv", ["\x1b[2Jgone", "\x1b]0;title\x07"]);
    train(&place, "sentiment", &["--data", "set.tsv", "--min-count", "1"]).success();
    let on_terminal = |arguments: &str| {
        let binary = place.process(&[]).get_program().to_str().unwrap().to_owned();
        let output = place.path("typescript");
        let mut script = std::process::Command::new("script");
        script.current_dir(place.path("")).env_remove("NO_COLOR").args(["-q", "-e", "-c"]);
        script.arg(format!("{binary} {arguments}")).arg(&output);
        assert!(script.output().unwrap().status.success(), "{arguments}");
        // Behind the line in which `script` repeats the command.
        fs::read_to_string(output).unwrap().split_once('\n').unwrap().1.to_owned()
    };
    for arguments in ["eval run", "eval run --data set.tsv", "predict run 'a \x1b[31mfilm'", "inspect run"] {
        let shown = on_terminal(arguments);
        assert!(!shown.contains(['\x1b', '\x07']), "{arguments}: {shown:?}");
    }
    // The colours of an explanation stay.
    let shown = on_terminal("predict run 'the \x1b[2J film' --explain");
    assert!(
        shown.contains("\x1b[38;2;0;0;0;48;2;") && !shown.contains("\x1b[2J") && shown.contains("\\u{1b}[2J"),
        "{shown:?}"
    );
    // A file has what the data has.
    place.rekindle(&["predict", "run", "a \x1b[31mfilm"]).assert().success().stdout(contains("a \x1b[31mfilm"));
}
