//! Every task on every backend that the command holds: a run is the same on all, and goes on on any other.
//!
//! A command with one backend has nothing to compare, and the tests say so; with `REKINDLE_BACKENDS=required` they
//! fail.

use std::fmt::Write as _;
use std::fs;

use rekindle_testing::there;
use rekindle_tests::Workplace;
use rstest::rstest;

/// What the trainings read: a few lines each.
fn write_data(place: &Workplace) {
    let mut reviews = String::from("sentence\tlabel\n");
    let mut frames = String::from("x,y,label\n");
    let (mut german, mut english) = (String::new(), String::new());
    for i in 0..12 {
        let good = i % 3 == 0;
        writeln!(reviews, "the film was {}\t{}", ["good", "dull", "long"][i % 3], if good { 1 } else { 0 }).unwrap();
        writeln!(frames, "{},{},{}", (i * 7) % 5, (i * 3) % 4, if i % 2 == 0 { "up" } else { "down" }).unwrap();
        writeln!(german, "ein {}", ["hund rennt", "vogel singt", "kind"][i % 3]).unwrap();
        writeln!(english, "a {}", ["dog runs", "bird sings", "child"][i % 3]).unwrap();
    }
    for part in ["train", "val"] {
        fs::write(place.path(&format!("{part}.de")), &german).unwrap();
        fs::write(place.path(&format!("{part}.en")), &english).unwrap();
    }
    fs::write(place.path("reviews.tsv"), reviews).unwrap();
    for name in ["frames.csv", "held-out.csv"] {
        fs::write(place.path(name), &frames).unwrap();
    }
}

/// The losses of the training steps of a run.
fn losses(place: &Workplace, run: &str) -> Vec<f64> {
    let metrics = fs::read_to_string(place.path(run).join("metrics.jsonl")).unwrap();
    let lines = metrics.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter(|line| line["kind"] == "step").map(|line| line["loss"].as_f64().unwrap()).collect()
}

fn numbers(place: &Workplace, arguments: &[&str], keys: &[&str]) -> Vec<f64> {
    let value = place.json(arguments);
    keys.iter().map(|key| value[key].as_f64().unwrap_or_else(|| panic!("no {key} in {value}"))).collect()
}

#[track_caller]
fn assert_close(seen: &[f64], wanted: &[f64], what: &str) {
    assert_eq!(seen.len(), wanted.len(), "{what}");
    for (seen, wanted) in seen.iter().zip(wanted) {
        // Sums of f32 in another order, through the few steps that were taken.
        assert!((seen - wanted).abs() <= 2e-4 * wanted.abs().max(1.0), "{what}: {seen} and {wanted}");
    }
}

#[rstest]
#[case::chars("chars", &["--data", "text.txt", "--hidden", "8", "--embedding", "4", "--layers", "1",
    "--sequence-length", "6", "--batch-size", "2", "--train-share", "0.95", "--validation-share", "0.05", "--sample-length", "4"], &["loss_nats"])]
#[case::sentiment("sentiment", &["--data", "reviews.tsv", "--dev", "reviews.tsv", "--hidden", "4", "--embedding", "4",
    "--batch-size", "4", "--dropout", "0", "--word-dropout", "0", "--embedding-dropout", "0"], &["loss_nats", "accuracy"])]
#[case::frames("frames", &["--data", "frames.csv", "--dev", "held-out.csv", "--hidden", "4", "--encoder", "4",
    "--batch-size", "2", "--sequence-length", "4"], &["loss_nats", "accuracy"])]
#[case::draw("draw", &["--image-size", "6", "--glimpses", "2", "--hidden", "4", "--latent", "2", "--read", "2",
    "--write", "3", "--batch-size", "2", "--validation-share", "0.005"], &["bound_nats"])]
#[case::caption("caption", &["--hidden", "4", "--embedding", "4", "--pillar", "4", "--image-size", "16",
    "--validation-share", "0.002", "--batch-size", "2", "--max-length", "4"], &["loss_nats"])]
#[case::translate("translate", &["--data", ".", "--source-lang", "de", "--target-lang", "en", "--hidden", "4",
    "--embedding", "4", "--batch-size", "4", "--max-length", "4", "--dropout", "0"],
    &["loss_nats", "chrf"])]
// Without dropout: each backend draws its masks from a generator of its own.
fn a_task_is_the_same_on_every_backend(#[case] task: &str, #[case] options: &[&str], #[case] figures: &[&str]) {
    let place = Workplace::new();
    write_data(&place);
    let backends = place.backends();
    if !there(
        "REKINDLE_BACKENDS",
        backends.len() > 1,
        "the command has one backend: build it with `--features ndarray`",
    ) {
        return;
    }
    let train = |out: &str, backend: &str, steps: &str| {
        let run = ["--print-every", "1", "--steps", steps, "--out", out, "--backend", backend];
        place.rekindle(&[&["train", task], options, &run].concat()).assert().success();
    };
    let first = &backends[0];
    train("unbroken", first, "4");
    let wanted = losses(&place, "unbroken");
    assert_eq!(wanted.len(), 4, "{task}");
    let judge = |backend: &str| numbers(&place, &["eval", "unbroken", "--json", "--backend", backend], figures);
    let judged = judge(first);
    for backend in &backends[1..] {
        // The same seed: the first losses tell that weights and batches are the same.
        train(backend, backend, "2");
        assert_close(&losses(&place, backend), &wanted[..2], &format!("{task} begins on {backend}"));
        // What one began, another goes on with.
        let resume = ["train", "--resume", backend, "--steps", "4", "--backend", first];
        place.rekindle(&resume).assert().success();
        assert_close(&losses(&place, backend), &wanted, &format!("{task} goes on from {backend} on {first}"));
        assert_close(&judge(backend), &judged, &format!("{task} is judged on {backend}"));
    }
}

#[test]
fn a_batch_that_the_device_has_no_memory_for_is_named() {
    let place = Workplace::new();
    let devices = place.json(&["devices", "--json"]);
    // A software GPU takes no buffer as large as this; a real one may.
    let software = devices["devices"].as_array().unwrap().iter().find(|device| device["kind"] == "software GPU");
    let Some(software) = software else {
        return eprintln!("there is no software GPU here: nothing is tested");
    };
    let backend = software["backend"].as_str().unwrap();
    let size = ["--batch-size", "2000", "--sequence-length", "500", "--hidden", "1024", "--steps", "1"];
    let train = place.rekindle(&[&["train", "chars", "--backend", backend], &size[..]].concat()).assert().code(1);
    let message = String::from_utf8_lossy(&train.get_output().stderr).into_owned();
    let wanted =
        "step 1: the device has not enough memory for a batch of 1000000 characters: give a smaller --batch-size";
    assert!(message.contains(wanted), "{message}");
    assert!(!message.contains("panicked"), "{message}");

    // The same of an evaluation.
    let small = ["--hidden", "1024", "--steps", "1", "--out", "small"];
    place.rekindle(&[&["train", "chars", "--backend", "flex"], &small[..]].concat()).assert().success();
    let windows = ["--batch-size", "2000", "--sequence-length", "500", "--window-stride", "1"];
    let judged = place.rekindle(&[&["eval", "small", "--backend", backend], &windows[..]].concat()).assert().code(1);
    let message = String::from_utf8_lossy(&judged.get_output().stderr).into_owned();
    assert!(message.contains("the device has not enough memory for this batch: give a smaller one"), "{message}");
    assert!(!message.contains("panicked"), "{message}");
}
