//! How much memory a run takes is known before any of it is taken.

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use serde_json::Value;

#[test]
fn a_dry_run_of_every_task_makes_nothing_and_counts_what_a_run_has() {
    for task in ["chars", "sentiment", "frames", "translate", "caption", "draw", "adding"] {
        let place = Workplace::new();
        let small = ["--hidden", "8", "--batch-size", "2", "--steps", "1", "--threads", "1", "--out", "run"];
        let train = [&["train", task][..], &small].concat();
        let dry = place.rekindle(&[&train[..], &["--dry-run", "--json"]].concat()).assert().success();
        let plan: Value = serde_json::from_slice(&dry.get_output().stdout).unwrap();
        assert!(!place.path("run").exists(), "{task}");
        assert_eq!(plan["steps"], 1);
        for part in ["weights", "optimizer", "activations"] {
            assert!(plan["memory"][part].as_f64().unwrap() > 0.0, "{task}: {plan}");
        }
        let parameters = plan["memory"]["parameters"].as_u64().unwrap();
        let run = place.rekindle(&train).assert().success();
        let said = String::from_utf8_lossy(&run.get_output().stderr).replace(',', "");
        assert!(said.contains(&format!("{parameters} parameters")), "{task}, {parameters}: {said}");
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_made() {
    let place = Workplace::new();
    for task in ["chars", "frames", "caption", "draw", "adding"] {
        let train = ["train", task, "--hidden", "200000000", "--out", "run"];
        place.rekindle(&train).assert().code(1).stderr(contains(" are free: make the model").and(contains("TB")));
        assert!(!place.path("run").exists(), "{task}");
    }
    for absurd in ["9223372036854775807", "300000000"] {
        let refused = format!("--hidden {absurd}: must be at most 268435456");
        place.rekindle(&["train", "chars", "--hidden", absurd]).assert().failure().stderr(contains(refused));
    }
}
