//! `train --init-from`: a new run starts from another's weights, and has its own settings of training.

use std::fs;

use predicates::str::contains;
use rekindle_tests::Workplace;
use serde_json::Value;

/// What a setting of a share, a probability or a weight is set to.
const OTHER: &str = "0.1";

/// The options of a task's model whose values are not sizes: probabilities, shares, weights. As the check of a run's
/// `config.toml`, this takes every setting that is not a whole number, a name or a flag.
fn shares(place: &Workplace, task: &str) -> Vec<(String, String)> {
    let sections = place.json(&["settings", task, "--json"]);
    let model = sections.as_array().unwrap().iter().find(|section| section["table"] == "model").unwrap();
    let fields = model["settings"].as_array().unwrap().iter().filter(|field| field["kind"] == "number");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    fields.map(|field| (text(&field["key"]), format!("--{}", text(&field["option"])))).collect()
}

/// The tasks, without `draw`, which has no dropout and no choice of cells.
fn tasks() -> Vec<String> {
    let mut tasks = Workplace::new().tasks();
    tasks.retain(|task| task != "draw");
    tasks
}

/// Trains one step, and returns its loss.
fn first_loss(place: &Workplace, task: &str, out: &str, more: &[&str]) -> String {
    let machine = ["--backend", "flex", "--threads", "1"];
    let shape = ["--hidden", "8", "--batch-size", "8", "--steps", "1", "--print-every", "1", "--out", out];
    let train = [&["train", task, "--cell", "lstm"], &machine[..], &shape[..], more].concat();
    place.rekindle(&train).assert().success();
    place.step_losses(out)[0].1.clone()
}

#[test]
fn every_regularising_setting_may_differ_from_that_of_the_other_run() {
    let mut refused = Vec::new();
    for task in tasks() {
        let place = Workplace::new();
        let mut shares = shares(&place, &task);
        shares.retain(|(_, option)| {
            let valid = place.rekindle(&["train", &task, "--dry-run", "--cell", "lstm", option, OTHER]).assert();
            let valid = valid.get_output().status.success();
            refused.extend((!valid).then(|| format!("{task} {option}")));
            valid
        });
        let all: Vec<&str> = shares.iter().flat_map(|(_, option)| [option.as_str(), OTHER]).collect();
        // What is not 0 by default is set to 0, but for what must be greater.
        let none: Vec<&str> = shares
            .iter()
            .filter(|(key, _)| !["encoder_rate", "embedding_deviation"].contains(&key.as_str()))
            .flat_map(|(_, option)| [option.as_str(), "0"])
            .collect();
        first_loss(&place, &task, "source", &none);
        let from = ["--init-from", "source"];
        let plain = first_loss(&place, &task, "plain", &[&from[..], &none].concat());
        let regularised = first_loss(&place, &task, "regularised", &[&from[..], &all].concat());
        assert_ne!(regularised, plain, "{task}: the settings of the new run act");
        let config = fs::read_to_string(place.path("regularised/config.toml")).unwrap();
        for (key, _) in &shares {
            assert!(config.lines().any(|line| line == format!("{key} = {OTHER}")), "{task}: {key}");
        }
        // The other way round, with the same weights: the settings of the other run do not act.
        let path = place.path("source/config.toml");
        let mut config = fs::read_to_string(&path).unwrap();
        for (key, _) in &shares {
            config = config.replace(&format!("\n{key} = 0.0\n"), &format!("\n{key} = {OTHER}\n"));
        }
        assert!(config.contains(&format!("\nzoneout = {OTHER}\n")), "{config}");
        fs::write(&path, config).unwrap();
        assert_eq!(first_loss(&place, &task, "again", &[&from[..], &none].concat()), plain, "{task}");
    }
    assert_eq!(refused, ["frames --scheduled-sampling"]);
}

#[test]
fn another_shape_or_cell_is_named() {
    for task in tasks() {
        let place = Workplace::new();
        first_loss(&place, &task, "source", &[]);
        let train = ["train", &task, "--init-from", "source", "--out", "new", "--steps", "1"];
        // It has as many gates, of the same names.
        let coupled = ["--hidden", "8", "--cell", "relu-lstm"];
        place.failure(&[&train[..], &coupled].concat(), 1, &["cell", "lstm"]);
        place.failure(&[&train[..], &["--hidden", "12", "--cell", "lstm"]].concat(), 1, &["8", "12"]);
        let other = ["--hidden", "8", "--cell", "lstm", "--layers", "3"];
        place.rekindle(&[&train[..], &other].concat()).assert().code(1).stderr(contains("panicked").count(0));
        assert!(!place.path("new").exists(), "{task}");
    }
}

#[test]
fn a_dry_run_opens_the_other_run() {
    let place = Workplace::new();
    first_loss(&place, "chars", "source", &[]);
    for hidden in ["8", "8,16"] {
        let train = ["train", "chars", "--cell", "lstm", "--hidden", hidden, "--steps", "1", "--out", "new"];
        for dry in [&["--dry-run"][..], &[]] {
            place.failure(&[&train[..], &["--init-from", "nosuch"], dry].concat(), 1, &["nosuch is not a run"]);
        }
        fs::create_dir(place.path("empty")).unwrap();
        fs::copy(place.path("source/config.toml"), place.path("empty/config.toml")).unwrap();
        place.failure(&[&train[..], &["--init-from", "empty", "--dry-run"]].concat(), 1, &["empty"]);
        fs::remove_dir_all(place.path("empty")).unwrap();
    }
    let fits = ["train", "chars", "--init-from", "source", "--cell", "lstm", "--steps", "1", "--dry-run"];
    place.rekindle(&[&fits[..], &["--hidden", "8"]].concat()).assert().success().stdout(contains("parameters"));
    place.rekindle(&[&fits[..], &["--hidden", "8", "--lr", "0.1,0.2"]].concat()).assert().success();
    place.failure(&[&fits[..], &["--hidden", "12"]].concat(), 1, &["8", "12"]);
    place.failure(&[&fits[..], &["--hidden", "8,12"]].concat(), 1, &["8", "12"]);
    assert!(!place.path("new").exists() && !place.path("runs").exists());
}
