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
        let found = place.json(&["inspect", cell, "--neurons", "--data", "text.txt", "--length", "700", "--json"]);
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
    let found = place.json(&["inspect", "run", "--neurons", "--data", "text.txt", "--json"]);
    let ranking = found["features"].as_array().unwrap().iter().find(|f| f["feature"] == "inside ( )").unwrap();
    let best = &ranking["units"][0];
    let auc = best["auc"].as_f64().unwrap();
    // Chance is 0.5, of 24 units of two layers.
    assert!(auc.max(1.0 - auc) > 0.85, "{ranking}");
    let page = ["inspect", "run", "--neurons", "--html", "page.html", "--length", "200", "--data", "text.txt"];
    place
        .rekindle(&page)
        .assert()
        .success()
        .stdout(contains(best["name"].as_str().unwrap()).or(contains("inside ( )")));
    let page = fs::read_to_string(place.path("page.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains(r#""tokens":["f","n"," ","a","d","d","#));
}

#[test]
fn a_task_whose_units_are_not_shown_states_what_is() {
    let place = Workplace::new();
    for (task, words) in [("translate", "--attention"), ("draw", "rekindle sample")] {
        let options = ["train", task, "--steps", "1", "--hidden", "8", "--out", task];
        place.rekindle(&options).assert().success();
        place.failure(&["inspect", task, "--neurons"], 1, &["--neurons", task, words]);
    }
    for task in ["sentiment", "frames"] {
        let options = ["train", task, "--steps", "1", "--hidden", "8", "--out", task];
        place.rekindle(&options).assert().success();
        let found = place.json(&["inspect", task, "--neurons", "--json"]);
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
        place.failure(&["inspect", "run", "--neurons", "--data", data], 1, words);
    };
    read("empty.txt", &["empty.txt", "empty"]);
    read("foreign.txt", &["foreign.txt", "☃"]);
    read("missing.txt", &["missing.txt"]);
    place.failure(&["inspect", "text.txt", "--neurons"], 1, &["text.txt is not a run"]);
    place.failure(&["inspect", "nowhere", "--neurons"], 1, &["nowhere", "config.toml"]);
    place.failure(&["inspect", "run", "--neurons", "--length", "0"], 2, &["--length", "at least 1"]);
    place.failure(&["inspect", "run", "--html", "page.html"], 2, &["--neurons"]);
    place.failure(&["inspect", "run", "--neurons", "--html", "page.pdf"], 2, &["page.pdf", "ends in .html or .htm"]);
    place.failure(&["inspect", "run", "--length", "5"], 2, &["--neurons"]);
    place.failure(&["inspect", "run", "--distance", "7"], 2, &["--gradients"]);
    for entry in fs::read_dir(place.path("run/checkpoints")).unwrap() {
        fs::write(entry.unwrap().path().join("model.bpk"), "damaged").unwrap();
    }
    place.failure(&["inspect", "run", "--neurons"], 1, &["no usable checkpoint", "damaged"]);
}

#[test]
fn the_gradients_of_runs_are_compared() {
    let place = Workplace::new();
    train(&place, "rnn", &["--cell", "rnn", "--layers", "1", "--steps", "2"]);
    train(&place, "lstm", &["--cell", "lstm", "--layers", "2", "--steps", "2"]);
    let options = ["--gradients", "--distance", "12", "--data", "text.txt"];
    let found = place.json(&[&["inspect", "rnn", "lstm", "--json"], &options[..]].concat());
    let runs = found.as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for (run, states) in runs.iter().zip([vec!["h"], vec!["h", "c", "h", "c"]]) {
        for flow in [&run["flow"]["start"], &run["flow"]["trained"]] {
            let reach = flow["reach"].as_array().unwrap();
            assert_eq!(reach.iter().map(|reach| reach["state"].as_str().unwrap()).collect::<Vec<_>>(), states);
            for reach in reach {
                let norms: Vec<f64> = reach["norms"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
                // The last cell state is read by nothing but the hidden state that was computed from it.
                let first = usize::from(reach["state"] == "c");
                assert!(norms.len() == 13 && norms[first..].iter().all(|norm| *norm > 0.0), "{norms:?}");
                assert!(norms[..first].iter().all(|norm| *norm == 0.0), "{norms:?}");
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
    place.failure(&["inspect", "run", "--gradients", "--distance", "99999"], 1, &["--distance 99999", "shorter"]);
    place.failure(&["inspect", "run", "run"], 1, &["--gradients"]);
    place.failure(&["inspect", "run", "--svg", "x.svg"], 2, &["--gradients"]);
    place.failure(&["inspect", "run", "--gradients", "--neurons"], 2, &["--neurons"]);
    for task in ["sentiment", "adding"] {
        place.rekindle(&["train", task, "--steps", "1", "--hidden", "8", "--out", task]).assert().success();
        place.rekindle(&["inspect", task, "--gradients"]).assert().success().stdout(contains("half-life"));
    }
    place.rekindle(&["train", "draw", "--steps", "1", "--hidden", "8", "--out", "draw"]).assert().success();
    place.failure(&["inspect", "draw", "--gradients"], 1, &["--gradients", "draw"]);
}

#[test]
fn runs_are_compared_by_their_best_figures_and_their_curves() {
    let place = Workplace::new();
    train(&place, "small", &["--epochs", "3", "--cell", "gru", "--layers", "1"]);
    train(&place, "large", &["--epochs", "2", "--layers", "2"]);
    let found = place.json(&["compare", "small", "large", "--json"]);
    let runs = found.as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for (run, [epochs, model]) in runs.iter().zip([["3", "gru, 1 x 12"], ["2", "lstm, 2 x 12, forget bias 0"]]) {
        assert_eq!((run["task"].as_str(), run["model"].as_str()), (Some("chars"), Some(model)));
        let losses = run["evaluations"]["loss"].as_array().unwrap();
        assert_eq!(losses.len().to_string(), epochs);
        let lowest = losses.iter().map(|point| point[1].as_f64().unwrap()).fold(f64::INFINITY, f64::min);
        assert_eq!(run["best"]["figures"]["loss"].as_f64().unwrap(), lowest);
        assert!(run["seconds"].as_f64().unwrap() > 0.0);
        let inspected = place.json(&["inspect", run["run"].as_str().unwrap(), "--json"]);
        assert_eq!(run["parameters"], inspected["count"]);
    }
    let table = ["compare", "small", "large", "--svg", "curves.svg"];
    place.rekindle(&table).assert().success().stdout(contains("parameters").and(contains("bits per symbol")));
    let svg = fs::read_to_string(place.path("curves.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("small (gru, 1 x 12)"), "{svg}");
    place.failure(&["compare", "small", "nowhere"], 1, &["nowhere", "config.toml"]);
    place.failure(&["compare"], 2, &["RUN"]);
    place.failure(&["compare", "small", "--svg", "curves.png"], 2, &["curves.png", "ends in .svg"]);
    // A run in training may have half a line.
    let metrics = place.path("small/metrics.jsonl");
    fs::write(&metrics, fs::read_to_string(&metrics).unwrap() + "{\"kind\": \"st").unwrap();
    place.rekindle(&["compare", "small"]).assert().success();
}

#[test]
fn the_time_of_a_resumed_run_goes_on() {
    let place = Workplace::new();
    train(&place, "run", &["--epochs", "1"]);
    let seconds = || place.json(&["compare", "run", "--json"])[0]["seconds"].as_f64().unwrap();
    let before = seconds();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    place.rekindle(&["train", "--resume", "run", "--epochs", "2"]).assert().success();
    let after = seconds();
    assert!(after > before && after < before + 60.0, "{before}, {after}");
}

#[test]
fn updates_are_written_when_they_are_watched() {
    let place = Workplace::new();
    train(&place, "run", &["--steps", "6", "--print-every", "2", "--watch-gradients"]);
    let metrics = fs::read_to_string(place.path("run/metrics.jsonl")).unwrap();
    let lines: Vec<Value> = metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let updates: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "updates").collect();
    assert_eq!(updates.iter().map(|line| line["step"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 4, 6]);
    for line in updates {
        let layers = line["layers"].as_array().unwrap();
        assert!(layers.len() >= 3, "{line}");
        for layer in layers {
            let figure = |name: &str| layer[name].as_f64().unwrap();
            assert!(figure("update_norm") > 0.0 && figure("gradient_norm") > 0.0, "{layer}");
            assert!((figure("ratio") * figure("weight_norm") / figure("update_norm") - 1.0).abs() < 1e-6, "{layer}");
        }
    }
    // It changes nothing else.
    train(&place, "unwatched", &["--steps", "6", "--print-every", "2"]);
    assert_eq!(place.step_losses("run"), place.step_losses("unwatched"));
}

#[test]
fn event_files_stand_beside_the_figures_and_go_with_their_run() {
    let place = Workplace::new();
    let board = ["--epochs", "1", "--tensorboard"];
    train(&place, "run", &board);
    let files = || {
        let entries = fs::read_dir(place.path("run")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| name.starts_with("events.out.tfevents."));
        names.sort();
        names
    };
    let first = files();
    assert_eq!(first.len(), 1);
    let bytes = fs::read(place.path("run").join(&first[0])).unwrap();
    for tag in ["train/loss", "validation/bits_per_symbol"] {
        assert!(bytes.windows(tag.len()).any(|window| window == tag.as_bytes()), "{tag}");
    }
    place.rekindle(&["train", "--resume", "run", "--epochs", "2"]).assert().success();
    let both = files();
    assert!(both.len() == 2 && both[0] == first[0], "{both:?}");
    train(&place, "run", &[&board[..], &["--force"]].concat());
    assert_eq!(files().len(), 1);
    assert!(!files().contains(&first[0]));
}
