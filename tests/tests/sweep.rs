//! A sweep over settings: runs side by side in one folder, and a table. And presets, and the time of a dry run.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;

/// A training of a moment.
fn train<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let tiny =
        ["train", "chars", "--data", "text.txt", "--embedding", "4", "--batch-size", "4", "--sequence-length", "8"];
    [&tiny[..], &["--steps", "4"], more].concat()
}

#[test]
fn every_choice_of_values_is_a_run_and_the_best_comes_first() {
    let place = Workplace::new();
    let sweep = train(&["--lr", "0.0001,0.03", "--hidden", "8,16", "--out", "sweep", "--json"]);
    let report = place.json(&sweep);
    let rows = report.as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["run"].as_str().unwrap()).collect();
    assert_eq!(rows.len(), 4);
    for (name, rate, hidden) in [
        ("hidden=8,learning-rate=0.0001", 0.0001, 8),
        ("hidden=16,learning-rate=0.0001", 0.0001, 16),
        ("hidden=8,learning-rate=0.03", 0.03, 8),
        ("hidden=16,learning-rate=0.03", 0.03, 16),
    ] {
        let path = format!("sweep/{name}");
        let row =
            rows.iter().find(|row| row["run"] == path.as_str()).unwrap_or_else(|| panic!("no {name} in {names:?}"));
        assert_eq!(
            (row["settings"]["learning-rate"].as_f64(), row["settings"]["hidden"].as_i64()),
            (Some(rate), Some(hidden))
        );
        assert_eq!(row["steps"], 4);
        let config: toml::Table = fs::read_to_string(place.path(&path).join("config.toml")).unwrap().parse().unwrap();
        assert_eq!(config["training"]["learning_rate"].as_float(), Some(rate));
        assert_eq!(config["model"]["hidden"].as_integer(), Some(hidden));
        // A run like any other.
        place.rekindle(&["sample", &path, "--length", "3"]).assert().success();
    }
    let losses: Vec<f64> = rows.iter().map(|row| row["best"]["figures"]["loss"].as_f64().unwrap()).collect();
    assert!(losses.is_sorted() && names[0].contains("rate=0.03"), "{losses:?} {names:?}");
    assert_eq!(place.json(&["runs", "sweep", "--json"]).as_array().unwrap().len(), 4);

    place.failure(&sweep, 1, &["--force"]);
    let quick = ["--lr", "0.01,0.02", "--quiet"];
    let table = place.rekindle(&train(&quick)).assert().success().stderr("").get_output().stdout.clone();
    let table = String::from_utf8(table).unwrap();
    assert!(table.starts_with("learning-rate  loss") && table.lines().count() == 3, "{table}");
    assert!(place.path("runs/chars-sweep/learning-rate=0.02/config.toml").exists());
    place.rekindle(&train(&quick)).assert().success();
    assert!(place.path("runs/chars-sweep-2").exists());
}

#[test]
fn the_same_options_alone_give_the_same_run() {
    let place = Workplace::new();
    place.rekindle(&train(&["--cell", "gru,rnn", "--hidden", "8", "--out", "sweep"])).assert().success();
    place.rekindle(&train(&["--cell", "gru", "--hidden", "8", "--out", "alone"])).assert().success();
    assert_eq!(place.step_losses("sweep/cell=gru"), place.step_losses("alone"));
}

#[test]
fn what_is_wrong_with_a_sweep_is_said_before_its_first_run() {
    let place = Workplace::new();
    place.failure(&train(&["--dropout", "0.1,1.5", "--out", "sweep"]), 1, &["--dropout 1.5", "less than 1"]);
    place.failure(&train(&["--hidden", "8,many", "--out", "sweep"]), 2, &["many"]);
    place.failure(&train(&["--cell", "lstm,transformer", "--out", "sweep"]), 2, &["transformer"]);
    let many = (1..60).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    place.failure(&train(&["--hidden", &many, "--layers", &many, "--out", "sweep"]), 1, &["1000 runs"]);
    assert!(!place.path("sweep").exists());
    // Options of other commands take one value.
    place.rekindle(&train(&["--hidden", "8", "--out", "run"])).assert().success();
    place.failure(&["sample", "run", "--temperature", "0.5,0.8"], 2, &["0.5,0.8"]);
    place.failure(&["train", "--resume", "run", "--lr", "0.1,0.2"], 2, &["0.1,0.2"]);
}

#[test]
fn a_run_that_fails_does_not_stop_the_others() {
    let place = Workplace::new();
    let sweep =
        train(&["--hidden", "8", "--optimizer", "sgd", "--lr", "1e30,0.01", "--clip", "none", "--out", "sweep"]);
    let failed = place.rekindle(&sweep).assert().code(1);
    failed.stderr(contains("1 run of 2 failed")).stdout(contains("failed").and(contains("0.01")));
    place.rekindle(&["sample", "sweep/learning-rate=0.01", "--length", "3"]).assert().success();
}

#[test]
fn values_and_folders_are_checked_before_the_first_run() {
    let place = Workplace::new();
    let twice = train(&["--hidden", "8", "--lr", "0.001,1e-3", "--out", "sweep"]);
    place.failure(&twice, 1, &["learning-rate=0.001 is given twice", "sweep/learning-rate=0.001"]);
    place.failure(&[&twice[..], &["--dry-run"]].concat(), 1, &["given twice"]);
    assert!(!place.path("sweep").exists());

    let second = "sweep/learning-rate=0.002";
    place.rekindle(&train(&["--hidden", "8", "--out", second])).assert().success();
    let sweep = train(&["--hidden", "8", "--lr", "0.001,0.002", "--out", "sweep"]);
    place.failure(&sweep, 1, &[second, "--force"]);
    assert!(!place.path("sweep/learning-rate=0.001").exists());
    place.rekindle(&[&sweep[..], &["--force"]].concat()).assert().success();
    assert_eq!(place.step_losses(second).len(), place.step_losses("sweep/learning-rate=0.001").len());
}

#[test]
fn a_run_that_cannot_begin_does_not_stop_the_others() {
    let place = Workplace::new();
    // The first one needs terabytes.
    let sweep = train(&["--hidden", "2000000,8", "--out", "sweep"]);
    let failed = place.rekindle(&sweep).assert().code(1);
    failed.stderr(contains("1 run of 2 failed").and(contains("are free"))).stdout(contains("failed"));
    place.rekindle(&["sample", "sweep/hidden=8", "--length", "3"]).assert().success();
    let rows = place.rekindle(&[&sweep[..], &["--force", "--json"]].concat()).assert().code(1);
    let rows: serde_json::Value = serde_json::from_slice(&rows.get_output().stdout).unwrap();
    assert_eq!((&rows[0]["settings"]["hidden"], &rows[1]["best"]), (&8.into(), &serde_json::Value::Null), "{rows}");
    assert!(rows[1]["failed"].as_str().unwrap().contains("are free"), "{rows}");
}

#[test]
fn a_preset_has_the_settings_and_the_weights_of_its_program() {
    let place = Workplace::new();
    for (preset, optimizer, hidden) in
        [("char-rnn", "rmsprop", 128), ("torch-rnn", "adam", 128), ("min-char-rnn", "adagrad", 100)]
    {
        let train = ["train", "chars", "--data", "text.txt", "--preset", preset, "--steps", "1", "--batch-size", "1"];
        place.rekindle(&[&train[..], &["--lr", "1e-9", "--out", preset]].concat()).assert().success();
        let config: toml::Table = fs::read_to_string(place.path(preset).join("config.toml")).unwrap().parse().unwrap();
        assert_eq!(config["training"]["optimizer"].as_str(), Some(optimizer), "{preset}");
        assert_eq!(config["model"]["hidden"].as_integer(), Some(hidden));
        assert_eq!(config["model"]["init"].as_str(), Some(preset));
        assert_eq!(config["training"]["learning_rate"].as_float(), Some(1e-9), "options win");
        // Such a step leaves the weights as they were drawn.
        let tensors = place.json(&["inspect", preset, "--checkpoint", "last", "--json"]);
        let deviation = |name: &str| {
            let tensors = tensors["tensors"].as_array().unwrap();
            let found = tensors.iter().find(|tensor| tensor["name"].as_str().unwrap().ends_with(name));
            let tensor = found.unwrap_or_else(|| panic!("no {name} in {tensors:?}"));
            tensor["norm"].as_f64().unwrap() / tensor["count"].as_f64().unwrap().sqrt()
        };
        // Those of the output layer too: Torch's are uniform within one over the root of the width.
        let (recurrent, output) = match preset {
            "char-rnn" => (0.08 / 3_f64.sqrt(), 0.08 / 3_f64.sqrt()),
            "torch-rnn" => (1.0 / (64.0 + 128.0_f64).sqrt(), 1.0 / (3.0 * 128.0_f64).sqrt()),
            _ => (0.01, 0.01),
        };
        // Of at least 10,000 numbers, and of at least 1,700.
        for (name, wanted, within) in [("weight_hh_l0", recurrent, 0.03), ("output.weight", output, 0.08)] {
            let found = deviation(name);
            assert!((found / wanted - 1.0).abs() < within, "{preset}, {name}: {found} for {wanted}");
        }
    }
    place.failure(&["train", "chars", "--preset", "gpt"], 2, &["gpt", "char-rnn", "min-char-rnn"]);
    place.failure(&["train", "draw", "--preset", "char-rnn"], 2, &["--preset"]);
    fs::write(place.path("own.toml"), "[model]\nhidden = 9\n").unwrap();
    let dry = ["train", "chars", "--data", "text.txt", "--preset", "min-char-rnn", "--config", "own.toml"];
    place.rekindle(&[&dry[..], &["--steps", "1", "--batch-size", "1", "--out", "own"]].concat()).assert().success();
    let config: toml::Table = fs::read_to_string(place.path("own/config.toml")).unwrap().parse().unwrap();
    assert_eq!((config["model"]["hidden"].as_integer(), config["model"]["cell"].as_str()), (Some(9), Some("rnn")));
}

#[test]
fn a_dry_run_times_its_steps() {
    let place = Workplace::new();
    let plan = place.json(&train(&["--hidden", "8", "--dry-run", "--json"]));
    let each = plan["pace"]["seconds_per_step"].as_f64().unwrap();
    assert!(each > 0.0 && plan["pace"]["timed_steps"] == 5, "{plan}");
    assert!((plan["seconds"].as_f64().unwrap() - 4.0 * each).abs() < 1e-9);
    let said = place.rekindle(&train(&["--hidden", "8", "--dry-run"])).assert().success();
    said.stdout(contains("time: about ").and(contains("(5 steps timed)")));
    let dry = place.json(&train(&["--hidden", "8,16", "--dry-run", "--json"]));
    assert_eq!(dry[1]["settings"]["hidden"], 16);
    assert!(dry[1]["plan"]["memory"]["parameters"].as_u64() > dry[0]["plan"]["memory"]["parameters"].as_u64());
    assert!(!place.path("runs").exists());
}
