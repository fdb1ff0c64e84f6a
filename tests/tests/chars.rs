//! `chars` from training to text.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;

/// A training that takes a second or two.
const SMALL: [&str; 20] = [
    "train",
    "chars",
    "--data",
    "text.txt",
    "--hidden",
    "16",
    "--embedding",
    "8",
    "--layers",
    "1",
    "--batch-size",
    "4",
    "--sequence-length",
    "16",
    "--print-every",
    "1",
    "--sample-length",
    "40",
    "--learning-rate",
    "0.01",
];

fn small(more: &[&'static str]) -> Vec<&'static str> {
    [&SMALL, more].concat()
}

#[test]
fn a_text_is_learnt_continued_and_judged() {
    let place = Workplace::new();
    place.rekindle(&small(&["--epochs", "8"])).assert().success().stdout("").stderr(
        contains("held-out loss").and(contains("--- sample after step")).and(contains("rekindle sample runs/chars")),
    );
    for file in ["config.toml", "vocab.json", "metrics.jsonl", "checkpoints", "samples"] {
        assert!(place.path("runs/chars").join(file).exists(), "{file}");
    }

    let sample = ["sample", "runs/chars", "--length", "60", "--prime", "fn ", "--temperature", "0.5", "--seed", "3"];
    let first = place.rekindle(&sample).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(first.clone()).unwrap();
    assert!(text.starts_with("fn ") && text.chars().count() == 64, "{text:?}");
    place.rekindle(&sample).assert().success().stdout(first);

    let eval = place.rekindle(&["eval", "runs/chars", "--json"]).assert().success().get_output().stdout.clone();
    let eval: serde_json::Value = serde_json::from_slice(&eval).unwrap();
    let last = place.losses("runs/chars").pop().unwrap().1.parse::<f64>().unwrap();
    // `best` is the checkpoint that is judged; on this text it is the last one.
    assert!((eval["loss_nats"].as_f64().unwrap() - last).abs() < 1e-6, "{eval} and {last}");

    place.rekindle(&["eval", "runs/chars", "--data", "text.txt"]).assert().success().stdout(contains("nats"));
}

#[test]
fn a_stop_text_ends_the_sample_and_is_not_shown() {
    let place = Workplace::new();
    place.rekindle(&small(&["--epochs", "8"])).assert().success();
    let options = ["sample", "runs/chars", "--prime", "fn ", "--temperature", "0", "--stop", "}", "--length", "400"];
    let output = place.rekindle(&[&options[..], &["--json"]].concat()).assert().success().get_output().stdout.clone();
    let output: serde_json::Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(output["stopped"], true, "{output}");
    assert!(!output["text"].as_str().unwrap().contains('}'));
}

#[test]
fn a_run_killed_at_any_moment_goes_on_with_the_losses_of_an_unbroken_one() {
    for backend in Workplace::new().cpu_backends() {
        let place = Workplace::new();
        let options = small(&["--steps", "400", "--checkpoint-every", "7", "--dropout", "0.2"]);
        let options = [&options[..], &["--backend", backend, "--threads", "1"]].concat();
        place.rekindle(&[&options[..], &["--out", "unbroken"]].concat()).assert().success();
        let broken = [&options[..], &["--out", "broken"]].concat();
        let mut process = place.process(&broken).stderr(Stdio::null()).spawn().unwrap();
        // Wherever it is after it has begun: the moment differs from run to run of this test, and must not matter.
        let metrics = place.path("broken/metrics.jsonl");
        while fs::read_to_string(&metrics).map_or(0, |lines| lines.lines().count()) < 40 {
            assert!(process.try_wait().unwrap().is_none(), "the run ended before it could be killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        let before = place.losses("broken").len();
        assert!(before < 400, "killed too late to show anything");
        let resume = ["train", "--resume", "broken", "--backend", backend, "--threads", "1"];
        place.rekindle(&resume).assert().success();
        assert_eq!(place.losses("broken"), place.losses("unbroken"), "{backend}");
    }
}

#[test]
fn a_finished_run_goes_on_for_more_epochs() {
    let place = Workplace::new();
    place.rekindle(&small(&["--epochs", "2", "--out", "run"])).assert().success();
    let before = place.losses("run");
    place.rekindle(&["train", "--resume", "run", "--epochs", "3"]).assert().success();
    let after = place.losses("run");
    assert_eq!(after[..before.len()], before);
    assert!(after.len() > before.len());
}

#[test]
fn weights_of_another_text_are_a_better_start_than_chance() {
    let place = Workplace::new();
    place.rekindle(&small(&["--epochs", "8", "--out", "old"])).assert().success();
    fs::write(place.path("text.txt"), "fn add(b: u64, a: u64) -> u64 {\n    b + a\n}\n\n".repeat(60)).unwrap();
    place.rekindle(&small(&["--steps", "1", "--out", "cold"])).assert().success();
    place
        .rekindle(&small(&["--steps", "1", "--out", "warm", "--init-from", "old"]))
        .assert()
        .success()
        .stderr(contains("symbols have weights in the --init-from run"));
    let first = |run: &str| place.losses(run)[0].1.parse::<f64>().unwrap();
    assert!(first("warm") < first("cold") - 0.5, "{} and {}", first("warm"), first("cold"));
}

#[test]
fn a_file_sets_options_and_an_option_wins_over_it() {
    let place = Workplace::new();
    fs::write(place.path("small.toml"), "[model]\nhidden = 12\ncell = \"gru\"\n\n[training]\nsteps = 2\n").unwrap();
    let options = ["train", "chars", "--data", "text.txt", "--config", "small.toml", "--hidden", "10", "--out", "run"];
    let sizes = ["--batch-size", "4", "--sequence-length", "8"];
    place.rekindle(&[&options[..], &sizes].concat()).assert().success();
    let config = fs::read_to_string(place.path("run/config.toml")).unwrap();
    for line in ["hidden = 10", "cell = \"gru\"", "steps = 2", "learning_rate = 0.002", "task = \"chars\""] {
        assert!(config.contains(line), "{line} in {config}");
    }
    // A run's own config.toml can be given back.
    let again = ["train", "chars", "--config", "run/config.toml", "--out", "again"];
    place.rekindle(&again).assert().success();
    assert_eq!(fs::read_to_string(place.path("again/config.toml")).unwrap(), config);
}

#[test]
fn a_folder_is_read_by_pattern_and_bytes_need_no_text() {
    let place = Workplace::new();
    fs::create_dir_all(place.path("tree/deep")).unwrap();
    fs::write(place.path("tree/a.c"), "int a;\n".repeat(100)).unwrap();
    fs::write(place.path("tree/deep/b.c"), [b"int b;\n".repeat(100), vec![0xFF, 0xFE]].concat()).unwrap();
    fs::write(place.path("tree/c.txt"), "left out").unwrap();
    let options = ["train", "chars", "--data", "tree", "--pattern", "**/*.c", "--steps", "2", "--out", "run"];
    let sizes = ["--batch-size", "4", "--sequence-length", "8", "--hidden", "8"];
    place
        .rekindle(&[&options[..], &sizes].concat())
        .assert()
        .code(1)
        .stderr(contains("b.c").and(contains("--units byte")).and(contains("line 101")));
    place.rekindle(&[&options[..], &sizes, &["--units", "byte"]].concat()).assert().success();
    let options = ["train", "chars", "--data", "text.txt", "--units", "word", "--steps", "2", "--out", "words"];
    place.rekindle(&[&options[..], &sizes].concat()).assert().success();
    place.rekindle(&["sample", "words", "--length", "5"]).assert().success();
}

/// Ctrl-C saves and leaves; a resumed run has the losses of an unbroken one.
#[cfg(unix)]
#[test]
fn an_interrupted_run_saves_and_leaves() {
    let place = Workplace::new();
    let options = small(&["--steps", "2000", "--eval-every", "2000", "--sample-every", "2000", "--out", "run"]);
    let process = place.process(&options).stderr(Stdio::piped()).spawn().unwrap();
    let metrics = place.path("run/metrics.jsonl");
    while fs::read_to_string(&metrics).map_or(0, |lines| lines.lines().count()) < 20 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let interrupt = std::process::Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = process.wait_with_output().unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(130) && shown.contains("rekindle train --resume run"), "{shown}");
    let before = place.losses("run").len() as u64;
    assert!(before < 2000);
    let more = (before + 3).to_string();
    let resume = ["train", "--resume", "run", "--steps", &more];
    place.rekindle(&resume).assert().success().stderr(contains(format!("resuming after step {before}")));
}

#[test]
fn a_run_whose_text_has_moved_goes_on_with_the_losses_of_an_unbroken_one() {
    let place = Workplace::new();
    place.rekindle(&small(&["--steps", "16", "--out", "unbroken"])).assert().success();
    place.rekindle(&small(&["--steps", "8", "--out", "moved"])).assert().success();
    fs::rename(place.path("text.txt"), place.path("elsewhere.txt")).unwrap();
    let resumed = ["train", "--resume", "moved", "--data", "elsewhere.txt", "--steps", "16"];
    place.rekindle(&resumed).assert().success().stderr(contains("hidden states").not());
    assert_eq!(place.step_losses("moved"), place.step_losses("unbroken"));
}

#[test]
fn a_model_that_has_diverged_writes_nothing_and_says_why() {
    let place = Workplace::new();
    let steep = small(&["--steps", "1", "--cell", "rnn-relu", "--sample-every", "1"]);
    let steep: Vec<_> = steep.into_iter().map(|word| if word == "0.01" { "1e9" } else { word }).collect();
    place.rekindle(&steep).assert().success().stderr(contains("NaN").and(contains("panicked").not()));
    // A few tokens may come before the hidden state overflows.
    let why = contains("no token can be drawn").and(contains("diverged")).and(contains("panicked").not());
    place.rekindle(&["sample", "runs/chars"]).assert().code(1).stderr(why);
}

#[test]
fn a_split_that_the_text_does_not_have_is_named_with_the_options_that_make_one() {
    let place = Workplace::new();
    place.rekindle(&small(&["--steps", "1"])).assert().success();
    let words = ["--split test", "no test split", "--data", "--train-share", "--validation-share"];
    for dynamic in [&[][..], &["--dynamic"]] {
        place.failure(&[&["eval", "runs/chars", "--split", "test"][..], dynamic].concat(), 1, &words);
    }
    let shares = ["--train-share", "0.8", "--validation-share", "0.1"];
    place.rekindle(&small(&[&["--steps", "1", "--out", "three"][..], &shares].concat())).assert().success();
    place.rekindle(&["eval", "three", "--split", "test"]).assert().success();
    fs::write(place.path("one.txt"), "a").unwrap();
    place.failure(&["eval", "three", "--data", "one.txt"], 1, &["fewer than two tokens"]);
}

#[test]
fn an_export_of_texts_is_imported_as_a_model_of_texts() {
    let place = Workplace::new();
    let lines: String = (0..200).map(|line| format!("{}\ta good film, number {line}\n", line % 2)).collect();
    fs::write(place.path("texts.tsv"), lines).unwrap();
    let texts = ["--data", "texts.tsv", "--format", "texts", "--units", "bpe", "--merges", "10", "--steps", "4"];
    let train: Vec<_> = SMALL.iter().filter(|word| !["--data", "text.txt"].contains(word)).copied().collect();
    place.rekindle(&[&train[..], &texts].concat()).assert().success();
    place.rekindle(&["export", "runs/chars"]).assert().success();
    place.rekindle(&["import", "runs/chars/export", "--data", "texts.tsv", "--out", "imported"]).assert().success();
    let [own, imported] = ["runs/chars", "imported"].map(|run| place.json(&["eval", run, "--json"]));
    assert_eq!(own["predicted"], imported["predicted"]);
}
