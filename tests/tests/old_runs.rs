//! Runs of version 0.1.0 open, give the same answers and resume.
//!
//! `tests/fixtures/runs-0.1.0` has a folder for each task: a run, its inputs and `expected.json`, the answers of
//! version 0.1.0. The script `make.sh` there made them with the commands below. Since then an evaluation of a text
//! counts every prediction; the figures of `chars` that this changes (three losses and what follows from them) were
//! made anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rekindle_tests::Workplace;
use rstest::rstest;
use serde_json::Value;

/// The answers were computed on this backend with one thread.
const MACHINE: [&str; 4] = ["--backend", "flex", "--threads", "1"];

/// Largest difference of two numbers, relative to the larger one. Processors have vectors of
/// different widths, so they add in another order. This changes the last digits of an `f32`, which
/// has seven, and training steps enlarge the difference.
const RELATIVE_TOLERANCE: f64 = 1e-4;

/// The task's folder of fixtures.
fn fixture(task: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/runs-0.1.0").join(task)
}

/// A place to work in that holds a copy of the task's fixture. Paths in the run's `config.toml` are
/// relative to it.
fn place(task: &str) -> Workplace {
    let place = Workplace::new();
    copy_folder(&fixture(task), &place.path(""));
    place
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copy = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &copy);
        } else {
            fs::copy(entry.path(), copy).unwrap();
        }
    }
}

/// The answer of version 0.1.0 under a key of `expected.json`.
fn expected(task: &str, key: &str) -> Value {
    let text = fs::read_to_string(fixture(task).join("expected.json")).unwrap();
    let mut answers: Value = serde_json::from_str(&text).unwrap();
    answers[key].take()
}

/// The command's answer as JSON.
fn json(place: &Workplace, arguments: &[&str]) -> Value {
    place.json(&[arguments, &["--json"]].concat())
}

/// Asserts that `found` has all of `expected`. Later versions may add keys to an object. Whole
/// numbers, texts and lengths of lists must be equal; other numbers must be close. `path` is the
/// place of the two values in the answer.
fn assert_has(found: &Value, expected: &Value, path: &str) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (key, expected) in expected {
                let found = found.get(key).unwrap_or_else(|| panic!("{path}.{key} is missing"));
                assert_has(found, expected, &format!("{path}.{key}"));
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "length of {path}");
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert_has(found, expected, &format!("{path}[{index}]"));
            }
        }
        (Value::Number(found), Value::Number(expected)) if found.is_f64() || expected.is_f64() => {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            let tolerance = RELATIVE_TOLERANCE * found.abs().max(expected.abs());
            assert!((found - expected).abs() <= tolerance, "{path} is {found}, not {expected}");
        }
        _ => assert_eq!(found, expected, "{path}"),
    }
}

#[rstest]
fn an_old_run_has_its_evaluation(#[values("caption", "chars", "draw", "frames", "sentiment", "translate")] task: &str) {
    let place = place(task);
    let found = json(&place, &[&["eval", "run"], &MACHINE[..]].concat());
    assert_has(&found, &expected(task, "eval"), "eval");
}

#[rstest]
#[case::caption("caption", &["predict", "run", "picture.ppm"])]
#[case::chars("chars", &["sample", "run", "--seed", "5", "--length", "40", "--temperature", "0"])]
#[case::draw("draw", &["predict", "run", "picture.pgm"])]
#[case::frames("frames", &["predict", "run", "builtin:moving-shapes/7"])]
#[case::sentiment(
    "sentiment",
    &["predict", "run", "the film was not dull and the popcorn was good", "a very awful story"]
)]
#[case::translate(
    "translate",
    &["predict", "run", "the third of march nineteen ninety", "june the eleventh , twenty fifty"]
)]
fn an_old_run_gives_its_answers(#[case] task: &str, #[case] question: &[&str]) {
    let place = place(task);
    let found = json(&place, &[question, &MACHINE].concat());
    assert_has(&found, &expected(task, question[0]), question[0]);
}

#[test]
fn an_old_run_draws_images() {
    let place = place("draw");
    let sample = ["sample", "run", "--seed", "5", "--count", "2", "--out", "drawn"];
    place.rekindle(&[&sample[..], &MACHINE].concat()).assert().success();
    assert!(fs::read_dir(place.path("drawn")).unwrap().next().is_some());
}

#[rstest]
fn an_old_run_has_its_weights(#[values("caption", "chars", "draw", "frames", "sentiment", "translate")] task: &str) {
    let place = place(task);
    let inspected = json(&place, &["inspect", "run"]);
    let tensors = inspected["tensors"].as_array().unwrap();
    let shape = |tensor: &Value| (tensor["name"].as_str().unwrap().to_owned(), tensor["shape"].clone());
    let found: BTreeMap<String, Value> = tensors.iter().map(shape).collect();
    let expected: BTreeMap<String, Value> = serde_json::from_value(expected(task, "weights")).unwrap();
    assert_eq!(found, expected);
}

/// Compares the losses of the steps and of the evaluation at the end.
#[rstest]
fn an_old_run_goes_on_with_its_losses(
    #[values("caption", "chars", "draw", "frames", "sentiment", "translate")] task: &str,
) {
    let place = place(task);
    let before = place.losses("run").len();
    let resume = ["train", "--resume", "run", "--steps", "16"];
    let result = json(&place, &[&resume[..], &MACHINE].concat());
    let expected = expected(task, "resumed");
    let losses = place.losses("run").split_off(before);
    let losses = losses.into_iter().map(|(step, loss)| serde_json::json!([step, loss.parse::<f64>().unwrap()]));
    assert_has(&Value::Array(losses.collect()), &expected["losses"], "losses");
    assert_has(&result, &expected["result"], "result");
}

#[test]
fn an_old_run_that_has_counted_no_labels_says_so() {
    let place = place("frames");
    for arguments in [&["eval", "run"][..], &["predict", "run", "builtin:moving-shapes/7"]] {
        let arguments = [arguments, &["--smoothing", "viterbi"], &MACHINE].concat();
        place.failure(&arguments, 1, &["earlier version", "train it again"]);
    }
}
