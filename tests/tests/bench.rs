//! `rekindle bench`, at shapes so small that a test can wait for them.

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use serde_json::Value;

/// Nothing but Burn and Rekindle, two short rounds.
const TINY: [&str; 9] =
    ["bench", "--python", "/nonexistent/python", "--rounds", "2", "--steps", "1", "--backend", "flex"];

#[test]
fn without_pytorch_it_says_so_and_compares_with_burn() {
    let place = Workplace::new();
    let shapes = ["--shapes", "train-lstm-1x4-b2-t3,train-gru-2x4-b2-t3,sample-rnn-1x4"];
    let told = contains("PyTorch is not compared").and(contains("/nonexistent/python"));
    let table = contains("x Burn").and(contains("train-gru-2x4-b2-t3")).and(contains("sample-rnn-1x4"));
    place.rekindle(&[&TINY[..], &shapes].concat()).assert().success().stderr(told).stdout(table);
}

#[test]
fn the_json_has_the_figures_of_every_shape() {
    let place = Workplace::new();
    let options = ["--shapes", "train-rnn-1x4-b2-t3,sample-lstm-2x4", "--json"];
    let output = place.rekindle(&[&TINY[..], &options].concat()).assert().success().get_output().stdout.clone();
    let result: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(result["pytorch"], Value::Null);
    let rows = result["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| &row["shape"]).collect::<Vec<_>>(), ["train-rnn-1x4-b2-t3", "sample-lstm-2x4"]);
    for row in rows {
        assert_eq!(row["to_pytorch"], Value::Null);
        for figure in ["symbols_per_second", "to_burn"] {
            let [min, median, max] = ["min", "median", "max"].map(|name| row[figure][name].as_f64().unwrap());
            assert!(0.0 < min && min <= median && median <= max, "{row}");
        }
    }
    if cfg!(target_os = "linux") {
        assert!(rows[0]["peak_bytes"]["rekindle"].as_u64().unwrap() > 1 << 20, "{}", rows[0]);
    }
}

#[test]
fn burn_can_be_left_out() {
    let place = Workplace::new();
    let options = ["--shapes", "sample-gru-1x4", "--no-burn", "--json"];
    let output = place.rekindle(&[&TINY[..], &options].concat()).assert().success().get_output().stdout.clone();
    let result: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(result["rows"][0]["to_burn"], Value::Null);
}

#[test]
fn a_translator_is_timed_in_training_and_in_decoding() {
    let place = Workplace::new();
    let options = ["--shapes", "translate-gru-1x4-b2-t3,decode-lstm-2x4-b2-t3", "--json"];
    let output = place.rekindle(&[&TINY[..], &options].concat()).assert().success().get_output().stdout.clone();
    let result: Value = serde_json::from_slice(&output).unwrap();
    for row in result["rows"].as_array().unwrap() {
        assert!(row["symbols_per_second"]["min"].as_f64().unwrap() > 0.0, "{row}");
        assert_eq!(row["to_burn"], Value::Null, "Burn has no translator");
    }
}

#[test]
fn a_captioner_is_timed_in_training() {
    let place = Workplace::new();
    let options = ["--shapes", "caption-lstm-1x4-b2-t3,caption-gru-2x4-b1-t1", "--json"];
    let output = place.rekindle(&[&TINY[..], &options].concat()).assert().success().get_output().stdout.clone();
    let result: Value = serde_json::from_slice(&output).unwrap();
    for row in result["rows"].as_array().unwrap() {
        assert!(row["symbols_per_second"]["min"].as_f64().unwrap() > 0.0, "{row}");
    }
}

#[test]
fn the_models_of_the_other_tasks_are_timed_in_training_with_their_memory() {
    let place = Workplace::new();
    let shapes = "sentiment-lstm-1x4-b3-t9,frames-gru-1x4-b2-t3,draw-lstm-1x4-b2-t2,draw-lstm-1x4-b2-t2-r2-w3";
    let options = ["--shapes", shapes, "--json"];
    let output = place.rekindle(&[&TINY[..], &options].concat()).assert().success().get_output().stdout.clone();
    let result: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(result["rows"].as_array().unwrap().len(), 4);
    for row in result["rows"].as_array().unwrap() {
        assert!(row["symbols_per_second"]["min"].as_f64().unwrap() > 0.0, "{row}");
        if cfg!(target_os = "linux") {
            assert!(row["peak_bytes"]["rekindle"].as_u64().unwrap() > 1 << 20, "{row}");
        }
    }
}

#[test]
fn matrix_products_are_timed_alone() {
    let place = Workplace::new();
    let options = ["bench", "--python", "/nonexistent/python", "--rounds", "1", "--steps", "1", "--products", "8,16"];
    let told = contains("PyTorch is not compared").and(contains("square 8x8x8"));
    let table = contains("square 16x16x16").and(contains("gradient 1024x4096x256")).and(contains("share of the peak"));
    place.rekindle(&options).assert().success().stderr(told).stdout(table);
    let output = place.rekindle(&[&options[..], &["--json"]].concat()).assert().success().get_output().stdout.clone();
    let result: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(result["rows"][1]["size"], serde_json::json!([16, 16, 16]));
    assert!(result["rows"][1]["contestants"][0]["of_best"]["median"].as_f64().unwrap() > 0.0, "{result}");
    assert_eq!(result["processor"].is_string(), cfg!(target_os = "linux"));
    place.rekindle(&["bench", "--products", "0"]).assert().failure().stderr(contains("at least 1"));
    place.rekindle(&["bench", "--products", "--growth"]).assert().failure().stderr(contains("--growth"));
}

#[test]
fn every_task_is_timed_on_every_backend() {
    let place = Workplace::new();
    let options = ["bench", "--backends", "--rounds", "1", "--steps", "1"];
    let output = place.rekindle(&[&options[..], &["--json"]].concat()).assert().success().get_output().stdout.clone();
    let result: Value = serde_json::from_slice(&output).unwrap();
    let backends = result["backends"].as_array().unwrap();
    let rows = result["rows"].as_array().unwrap();
    let tasks: Vec<_> = rows.iter().map(|row| &row["task"]).collect();
    assert!(tasks.len() >= 6 && tasks.is_sorted_by_key(|task| task.as_str()), "{tasks:?}");
    for row in rows {
        let medians = |name: &str| -> Vec<f64> {
            row[name].as_array().unwrap().iter().map(|spread| spread["median"].as_f64().unwrap()).collect()
        };
        let (speeds, ratios) = (medians("per_second"), medians("to_first"));
        assert_eq!(speeds.len(), backends.len());
        // One round each: its ratio is that of the speeds.
        for (speed, ratio) in speeds.iter().zip(ratios) {
            assert!(*speed > 0.0 && (speed / speeds[0] / ratio - 1.0).abs() < 1e-9, "{row}");
        }
    }
    place.rekindle(&["bench", "--backends", "--backend", "flex"]).assert().failure().stderr(contains("--backend"));
}

#[test]
fn a_shape_that_is_none_is_named() {
    let place = Workplace::new();
    let told = contains("train-elman-1x2: invalid shape").and(contains("rnn, lstm or gru"));
    place.rekindle(&["bench", "--shapes", "train-elman-1x2"]).assert().failure().stderr(told);
    place.rekindle(&["bench", "--rounds", "0"]).assert().failure().stderr(contains("at least 1"));
}
