//! Runs that answer together, and means of checkpoints.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use serde_json::Value;

/// Runs of two seeds with the same data.
fn two_runs(place: &Workplace, task: &str) {
    for seed in ["1", "2"] {
        let steps = ["--steps", "3", "--hidden", "8", "--seed", seed, "--checkpoint-every", "1", "--keep", "3"];
        place.rekindle(&[&["train", task, "--out", &format!("{task}-{seed}")][..], &steps].concat()).assert().success();
    }
}

fn json(place: &Workplace, arguments: &[&str]) -> Value {
    let output = place.rekindle(&[arguments, &["--json"]].concat()).assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

/// The figures of a report without the facts that name the models.
fn figures(report: &Value) -> Vec<(String, f64)> {
    let report = report.as_object().unwrap().iter().filter(|(name, _)| *name != "models");
    report.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect()
}

#[test]
fn runs_of_every_task_with_probabilities_answer_together() {
    let place = Workplace::new();
    for task in ["adding", "caption", "chars", "frames", "sentiment", "translate"] {
        two_runs(&place, task);
        let [one, two] = ["1", "2"].map(|seed| format!("{task}-{seed}"));
        let alone = json(&place, &["eval", &one]);
        let with_itself = json(&place, &["eval", &one, "--with", &one]);
        assert_eq!(with_itself["models"], 2, "{task}");
        for ((name, found), (_, wanted)) in figures(&with_itself).into_iter().zip(figures(&alone)) {
            assert!((found - wanted).abs() < 1e-4 * wanted.abs().max(1.0), "{task}: {name}: {found} and {wanted}");
        }
        let both = json(&place, &["eval", &one, "--with", &two]);
        let other = json(&place, &["eval", &two]);
        // The mean of probabilities has a loss below the mean of the losses: the logarithm is concave, the square
        // convex.
        let loss = |report: &Value| {
            figures(report)
                .into_iter()
                .find(|(name, _)| name.ends_with("loss_nats") || name == "loss" || name.starts_with("mean_squared"))
                .unwrap_or_else(|| panic!("{report}"))
                .1
        };
        assert!(loss(&both) < (loss(&alone) + loss(&other)) / 2.0 + 1e-9, "{task}: {both} {alone} {other}");
    }
    let sample =
        |with: &[&str]| json(&place, &[&["sample", "chars-1", "--seed", "3", "--length", "60"][..], with].concat());
    assert_eq!(sample(&["--with", "chars-1"]), sample(&[]));
    assert_ne!(sample(&["--with", "chars-2"]), sample(&[]));
    let predicted = |with: &[&str]| json(&place, &[&["predict", "sentiment-1", "a good film"][..], with].concat());
    assert_ne!(predicted(&["--with", "sentiment-2"]), predicted(&[]));
    place.rekindle(&["predict", "translate-1", "a", "--with", "translate-2"]).assert().success();
    place
        .rekindle(&["predict", "sentiment-1", "good", "--explain", "--with", "sentiment-2"])
        .assert()
        .code(1)
        .stderr(contains("--explain and --html: they explain the answer of one run"));
}

#[test]
fn runs_that_do_not_fit_are_named() {
    let place = Workplace::new();
    let small = ["--steps", "1", "--hidden", "8"];
    let train = |arguments: &[&str]| place.rekindle(&[&["train"][..], arguments, &small].concat()).assert().success();
    train(&["chars", "--out", "source"]);
    train(&["chars", "--out", "text", "--data", "text.txt", "--batch-size", "4", "--sequence-length", "8"]);
    let other = "the vocabulary, the labels, the columns or their normalisation in text are not those in source";
    for command in [&["eval", "source", "--with", "text"][..], &["average", "source", "text", "--out", "other"]] {
        place.rekindle(command).assert().code(1).stderr(contains(other));
    }
    train(&["draw", "--out", "draw"]);
    let alone = contains("--with: runs of `draw` do not answer together");
    place.rekindle(&["eval", "draw", "--with", "draw"]).assert().code(1).stderr(alone);
    let of_other_task = contains("draw is a run of `draw`, not of `chars`");
    place.rekindle(&["eval", "source", "--with", "draw"]).assert().code(1).stderr(of_other_task.clone());
    place.rekindle(&["average", "source", "draw", "--out", "other"]).assert().code(1).stderr(of_other_task);
    place.rekindle(&["train", "chars", "--out", "wide", "--steps", "1", "--hidden", "9"]).assert().success();
    let shapes = contains("wide: ").and(contains("in source it is")).and(contains("[36, 9]").or(contains("9")));
    place.rekindle(&["average", "source", "wide", "--out", "other"]).assert().code(1).stderr(shapes);
    for pooling in ["max", "mean"] {
        train(&["sentiment", "--out", pooling, "--pooling", pooling]);
    }
    let words = ["mean: --pooling is mean, and in max it is max", "compute other things"];
    place.failure(&["average", "max", "mean", "--out", "both"], 1, &words);
    place
        .rekindle(&["average", "source", "--out", "other"])
        .assert()
        .code(1)
        .stderr(contains("at least two checkpoints"));
    let too_many = contains("--last 9: source has 1 checkpoint");
    place.rekindle(&["average", "source", "--last", "9", "--out", "other"]).assert().code(1).stderr(too_many);
    assert!(!place.path("other").exists() && !place.path("both").exists());
}

#[test]
fn a_mean_of_checkpoints_is_a_run() {
    let place = Workplace::new();
    two_runs(&place, "chars");
    let weights = |run: &str, checkpoint: &str| -> Value {
        let out = format!("{run}-{checkpoint}");
        let export = ["export", run, "--checkpoint", checkpoint, "--format", "json", "--out", &out];
        place.rekindle(&export).assert().success();
        serde_json::from_slice(&fs::read(place.path(&out).join("model.json")).unwrap()).unwrap()
    };
    // The numbers of a file of weights, in its order.
    fn numbers(value: &Value, all: &mut Vec<f64>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| numbers(value, all)),
            Value::Object(values) => values.values().for_each(|value| numbers(value, all)),
            other => all.extend(other.as_f64()),
        }
    }
    let of = |run: &str, checkpoint: &str| {
        let mut all = Vec::new();
        numbers(&weights(run, checkpoint), &mut all);
        all
    };
    place.rekindle(&["average", "chars-1", "--last", "3", "--out", "mean"]).assert().success().stdout(contains("mean"));
    let [one, two, three] = ["1", "2", "3"].map(|step| of("chars-1", step));
    let mean = of("mean", "last");
    assert!(mean.len() > 10_000 && mean.len() == one.len());
    for (i, found) in mean.iter().enumerate() {
        let wanted = (one[i] + two[i] + three[i]) / 3.0;
        assert!((found - wanted).abs() <= 1e-6 * wanted.abs().max(1e-2), "{i}: {found} and {wanted}");
    }
    place.rekindle(&["average", "chars-1", "chars-2", "--out", "mean"]).assert().code(1).stderr(contains("mean"));
    place.rekindle(&["average", "chars-1", "chars-2", "--out", "mean", "--force"]).assert().success();
    place.rekindle(&["eval", "mean"]).assert().success();
    place.rekindle(&["train", "--resume", "mean", "--steps", "5"]).assert().success();
    place
        .rekindle(&["train", "chars", "--init-from", "mean", "--hidden", "8", "--steps", "1", "--out", "next"])
        .assert()
        .success();
}

/// Every file of a run but its lock, by name and content.
fn files_of(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => waiting.push(path),
                false if path.ends_with("lock") => {}
                false => files.push((path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_new_run_does_not_replace_the_runs_that_it_is_made_from() {
    let place = Workplace::new();
    two_runs(&place, "chars");
    place.rekindle(&["export", "chars-1"]).assert().success();
    let before = files_of(&place.path("chars-1"));
    let init = ["train", "chars", "--hidden", "8", "--steps", "1", "--init-from", "chars-1"];
    let sweep = ["train", "chars", "--hidden", "8", "--steps", "1,2", "--init-from", "chars-1"];
    let file = "chars-1/export/model.safetensors";
    for (command, out, relation) in [
        (&["average", "chars-1", "chars-2"][..], "chars-1", "is chars-1"),
        (&["average", "chars-2", "chars-1"], "./chars-2/../chars-1", "is chars-1"),
        (&["average", "chars-1", "--last", "3"], "chars-1/mean", "is inside of chars-1"),
        (&["import", "chars-1/export"], "chars-1", "contains chars-1/export"),
        (&["import", file], "chars-1", "contains chars-1/export/model.safetensors"),
        (&init, "chars-1", "is chars-1"),
        (&sweep, "chars-1", "is inside of chars-1"),
    ] {
        for force in [&[][..], &["--force"]] {
            let arguments = [command, &["--out", out], force].concat();
            place.failure(&arguments, 1, &[&format!("--out {out}"), relation, "give another --out"]);
        }
        assert_eq!(files_of(&place.path("chars-1")), before, "{command:?}");
    }
    // Beside them a run is made.
    place.rekindle(&[&init[..], &["--out", "chars-1-more"]].concat()).assert().success();
}

#[test]
fn a_damaged_checkpoint_is_not_averaged_silently() {
    let place = Workplace::new();
    two_runs(&place, "chars");
    let average = ["average", "chars-1", "chars-2", "--checkpoint", "last", "--force"];
    place
        .rekindle(&[&average[..], &["--out", "mean"]].concat())
        .assert()
        .success()
        .stderr(contains("2 checkpoints: step 3 of chars-1; step 3 of chars-2").and(contains("warning").not()));
    for run in ["chars-1", "chars-2"] {
        fs::write(place.path(run).join("checkpoints/step-00000003/model.bpk"), "damaged").unwrap();
        let skipped = contains("warning: skipped an unusable checkpoint").and(contains("step-00000003"));
        place.rekindle(&[&average[..], &["--out", "mean"]].concat()).assert().success().stderr(skipped);
    }
    let averaged = json(&place, &[&average[..], &["--out", "mean"]].concat());
    let wanted = serde_json::json!([{"run": "chars-1", "step": 2}, {"run": "chars-2", "step": 2}]);
    assert_eq!(averaged["averaged"], wanted, "{averaged}");
    let named = contains("steps 1, 2 of chars-1; steps 1, 2 of chars-2");
    for run in ["chars-1", "chars-2"] {
        fs::remove_dir_all(place.path(run).join("checkpoints/step-00000003")).unwrap();
    }
    let last = ["average", "chars-1", "chars-2", "--last", "2", "--out", "mean", "--force"];
    place.rekindle(&last).assert().success().stderr(named);
}
