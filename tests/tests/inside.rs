//! What happens inside a model: its units while it reads.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use serde_json::Value;

/// A run of `chars` that takes a second.
fn train(place: &Workplace, run: &str, more: &[&str]) {
    let options = ["train", "chars", "--data", "text.txt", "--hidden", "12", "--embedding", "8", "--out", run];
    let sizes = ["--batch-size", "4", "--sequence-length", "16", "--sample-length", "0"];
    place.rekindle(&[&options[..], &sizes, more].concat()).assert().success();
}

fn json(place: &Workplace, arguments: &[&str]) -> Value {
    let output = place.rekindle(arguments).assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

fn failure(place: &Workplace, arguments: &[&str], code: i32, words: &[&str]) {
    let assert = place.rekindle(arguments).assert().code(code).stdout("");
    let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    for word in words {
        assert!(error.contains(word), "{arguments:?}: no {word:?} in {error}");
    }
    assert!(!error.contains("panicked"), "{error}");
}

#[test]
fn the_units_of_every_cell_are_ranked_by_what_they_follow() {
    let place = Workplace::new();
    let help = place.rekindle(&["train", "chars", "--help"]).assert().success().get_output().stdout.clone();
    let help = String::from_utf8(help).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let cells = help.split_once("--cell <NAME>").unwrap().1.split_once("[possible values: ").unwrap().1;
    let cells: Vec<&str> = cells.split_once(']').unwrap().0.split(", ").collect();
    assert!(cells.len() > 10, "{cells:?}");
    for cell in cells {
        train(&place, cell, &["--cell", cell, "--layers", "2", "--steps", "2"]);
        let found = json(&place, &["inspect", cell, "--neurons", "--data", "text.txt", "--length", "700", "--json"]);
        assert_eq!(found["time_steps"], 700, "{cell}");
        let units = found["units"].as_array().unwrap();
        let states = if units.len() == 48 { "hc" } else { "h" };
        assert_eq!(units.len(), 24 * states.len(), "{cell}");
        let features: Vec<&str> =
            found["features"].as_array().unwrap().iter().map(|f| f["feature"].as_str().unwrap()).collect();
        for feature in ["inside ( )", "inside { }", "position in the line", "in the indentation"] {
            assert!(features.contains(&feature), "{cell}: {features:?}");
        }
        let shares = found["gates"].as_array().unwrap().iter().flat_map(|gate| gate["left"].as_array().unwrap().iter());
        assert!(shares.map(|share| share.as_f64().unwrap()).all(|share| (0.0..=1.0).contains(&share)), "{cell}");
    }
}

#[test]
fn a_trained_model_has_a_unit_that_is_inside_of_brackets() {
    let place = Workplace::new();
    train(&place, "run", &["--epochs", "30", "--learning-rate", "0.01"]);
    let found = json(&place, &["inspect", "run", "--neurons", "--data", "text.txt", "--json"]);
    let ranking = found["features"].as_array().unwrap().iter().find(|f| f["feature"] == "inside ( )").unwrap();
    let best = &ranking["units"][0];
    let auc = best["auc"].as_f64().unwrap();
    assert!(auc.max(1.0 - auc) > 0.9, "{ranking}");
    let page = ["inspect", "run", "--neurons", "--html", "page.html", "--length", "200", "--data", "text.txt"];
    place
        .rekindle(&page)
        .assert()
        .success()
        .stdout(contains(best["name"].as_str().unwrap()).or(contains("inside ( )")));
    let page = fs::read_to_string(place.path("page.html")).unwrap();
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.contains("fn add(a: u32") && !page.contains("http://localhost")
    );
}

#[test]
fn a_task_whose_units_are_not_shown_states_what_is() {
    let place = Workplace::new();
    for (task, words) in [("translate", "--attention"), ("draw", "rekindle sample")] {
        let options = ["train", task, "--steps", "1", "--hidden", "8", "--out", task];
        place.rekindle(&options).assert().success();
        failure(&place, &["inspect", task, "--neurons"], 1, &["--neurons", task, words]);
    }
    for task in ["sentiment", "frames"] {
        let options = ["train", task, "--steps", "1", "--hidden", "8", "--out", task];
        place.rekindle(&options).assert().success();
        let found = json(&place, &["inspect", task, "--neurons", "--json"]);
        let features: Vec<&str> =
            found["features"].as_array().unwrap().iter().map(|f| f["feature"].as_str().unwrap()).collect();
        assert!(features.iter().any(|name| name.starts_with("text is ") || name.starts_with("label ")), "{features:?}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let place = Workplace::new();
    train(&place, "run", &["--steps", "2"]);
    fs::write(place.path("empty.txt"), "").unwrap();
    fs::write(place.path("foreign.txt"), "fn ☃\n").unwrap();
    let read = |data: &'static str, words: &[&str]| {
        failure(&place, &["inspect", "run", "--neurons", "--data", data], 1, words);
    };
    read("empty.txt", &["empty.txt", "empty"]);
    read("foreign.txt", &["foreign.txt", "☃"]);
    read("missing.txt", &["missing.txt"]);
    failure(&place, &["inspect", "nowhere", "--neurons"], 1, &["nowhere", "config.toml"]);
    failure(&place, &["inspect", "run", "--neurons", "--length", "0"], 2, &["--length", "at least 1"]);
    failure(&place, &["inspect", "run", "--html", "page.html"], 2, &["--neurons"]);
    for entry in fs::read_dir(place.path("run/checkpoints")).unwrap() {
        fs::write(entry.unwrap().path().join("model.bpk"), "damaged").unwrap();
    }
    failure(&place, &["inspect", "run", "--neurons"], 1, &["no usable checkpoint", "damaged"]);
}

#[test]
fn the_gradients_of_runs_are_compared() {
    let place = Workplace::new();
    train(&place, "rnn", &["--cell", "rnn", "--layers", "1", "--steps", "2"]);
    train(&place, "lstm", &["--cell", "lstm", "--layers", "2", "--steps", "2"]);
    let options = ["--gradients", "--distance", "12", "--data", "text.txt"];
    let found = json(&place, &[&["inspect", "rnn", "lstm", "--json"], &options[..]].concat());
    let runs = found.as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for (run, states) in runs.iter().zip([vec!["h"], vec!["h", "c", "h", "c"]]) {
        for flow in [&run["flow"]["start"], &run["flow"]["trained"]] {
            let reach = flow["reach"].as_array().unwrap();
            assert_eq!(reach.iter().map(|reach| reach["state"].as_str().unwrap()).collect::<Vec<_>>(), states);
            for reach in reach {
                let norms: Vec<f64> = reach["norms"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
                assert!(norms.len() == 13 && norms.iter().all(|norm| *norm > 0.0), "{norms:?}");
            }
        }
    }
    // A vanilla network with small weights forgets within a few steps.
    let half_life = runs[0]["flow"]["start"]["reach"][0]["half_life"].as_f64().unwrap();
    assert!(half_life > 0.2 && half_life < 5.0, "{half_life}");
    let weights = runs[1]["flow"]["start"]["weights"].as_array().unwrap();
    let blocks: Vec<&str> = weights.iter().map(|weights| weights["block"].as_str().unwrap()).collect();
    assert_eq!(blocks, ["i", "f", "g", "o", "i", "f", "g", "o"]);
    for weights in weights {
        let figure = |name: &str| weights[name].as_f64().unwrap();
        assert!(figure("spectral_radius") <= figure("largest_singular_value") + 1e-9, "{weights}");
    }
    let drawn = [&["inspect", "rnn", "lstm", "--svg", "reach.svg"], &options[..]].concat();
    place.rekindle(&drawn).assert().success().stdout(contains("half-life").and(contains("layer 1 c")));
    let svg = fs::read_to_string(place.path("reach.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("lstm, 2 x 12, forget bias 0"), "{svg}");
}

#[test]
fn gradients_that_cannot_be_shown_are_refused_with_the_reason() {
    let place = Workplace::new();
    train(&place, "run", &["--steps", "1"]);
    failure(&place, &["inspect", "run", "--gradients", "--distance", "99999"], 1, &["--distance 99999", "shorter"]);
    failure(&place, &["inspect", "run", "run"], 1, &["--gradients"]);
    failure(&place, &["inspect", "run", "--svg", "x.svg"], 2, &["--gradients"]);
    failure(&place, &["inspect", "run", "--gradients", "--neurons"], 2, &["--neurons"]);
    for task in ["sentiment", "adding"] {
        place.rekindle(&["train", task, "--steps", "1", "--hidden", "8", "--out", task]).assert().success();
        place.rekindle(&["inspect", task, "--gradients"]).assert().success().stdout(contains("half-life"));
    }
    place.rekindle(&["train", "draw", "--steps", "1", "--hidden", "8", "--out", "draw"]).assert().success();
    failure(&place, &["inspect", "draw", "--gradients"], 1, &["--gradients", "draw"]);
}
