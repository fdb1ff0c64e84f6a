//! `draw` from training to pictures.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;

/// A training that takes a second or two, with a window to read and one to write through.
const SMALL: [&str; 21] = [
    "train",
    "draw",
    "--image-size",
    "10",
    "--glimpses",
    "3",
    "--hidden",
    "12",
    "--latent",
    "4",
    "--read",
    "3",
    "--write",
    "4",
    "--batch-size",
    "20",
    "--print-every",
    "1",
    "--learning-rate",
    "0.01",
    "--validation-share=0.02",
];

fn small<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SMALL, more].concat()
}

#[test]
fn images_are_learnt_judged_drawn_and_drawn_again() {
    let place = Workplace::new();
    let train =
        ["train", "draw", "--image-size", "10", "--glimpses", "3", "--hidden", "24", "--latent", "6", "--read", "5"];
    let train = [&train[..], &["--write", "5", "--batch-size", "40", "--learning-rate", "0.005"]].concat();
    // The mean image.
    place.rekindle(&[&train[..], &["--steps", "1", "--out", "mean"]].concat()).assert().success();
    place.rekindle(&[&train[..], &["--steps", "400"]].concat()).assert().success().stdout("").stderr(
        contains("held-out loss")
            .and(contains("binarisation: stochastic"))
            .and(contains("--- sample after step"))
            .and(contains("rekindle sample runs/draw")),
    );
    let eval = |run| place.json(&["eval", run, "--part", "test", "--importance-samples", "4", "--json"]);
    let mean = eval("mean")["bound_nats"].as_f64().unwrap();
    let eval = eval("runs/draw");
    let number = |name: &str| eval[name].as_f64().unwrap();
    assert_eq!((&eval["count"], &eval["binarisation"]), (&300.into(), &"stochastic".into()));
    // 24.8 to 25.2 nats with three seeds, and 29.0 for the mean image.
    assert!(number("bound_nats") < 0.92 * mean && number("kl_nats") > 1.0, "{eval}, the mean image {mean}");
    assert!((number("bound_nats") - number("reconstruction_nats") - number("kl_nats")).abs() < 1e-6, "{eval}");
    assert!(number("importance_weighted_nats") < number("bound_nats"), "{eval}");
    assert_eq!(eval["kl_by_step_nats"].as_array().unwrap().len(), 3);

    let sample = ["sample", "runs/draw", "--count", "10", "--seed", "4", "--out"];
    for out in ["once", "again"] {
        place.rekindle(&[&sample[..], &[out]].concat()).assert().success().stdout(contains("10 new images, seed 4"));
    }
    for (file, magic) in [("samples.png", &b"\x89PNG"[..]), ("steps.png", b"\x89PNG"), ("steps.gif", b"GIF89a")] {
        let [once, again] = ["once", "again"].map(|out| fs::read(place.path(out).join(file)).unwrap());
        assert!(once.starts_with(magic) && once == again, "{file}");
    }

    let steps = place.path("once/steps.png");
    let predict = place.json(&["predict", "runs/draw", steps.to_str().unwrap(), "--json"]);
    assert!(predict["images"][0]["bound_nats"].as_f64().unwrap() > 0.0, "{predict}");
    assert!(place.path("runs/draw/samples/reconstruction.png").exists());
}

#[test]
fn a_run_killed_at_any_moment_goes_on_with_the_losses_of_an_unbroken_one() {
    for backend in Workplace::new().cpu_backends() {
        let place = Workplace::new();
        let options = small(&["--steps", "300", "--checkpoint-every", "7", "--eval-every", "1000"]);
        let options = [&options[..], &["--backend", backend, "--threads", "1"]].concat();
        place.rekindle(&[&options[..], &["--out", "unbroken"]].concat()).assert().success();
        let broken = [&options[..], &["--out", "broken"]].concat();
        let mut process = place.process(&broken).stderr(Stdio::null()).spawn().unwrap();
        let metrics = place.path("broken/metrics.jsonl");
        while fs::read_to_string(&metrics).map_or(0, |lines| lines.lines().count()) < 20 {
            assert!(process.try_wait().unwrap().is_none(), "the run ended before it could be killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(place.losses("broken").len() < 300, "killed too late to show anything");
        place.rekindle(&["train", "--resume", "broken", "--backend", backend, "--threads", "1"]).assert().success();
        assert_eq!(place.losses("broken"), place.losses("unbroken"), "{backend}");
    }
}

#[test]
fn the_weight_of_the_kl_rises_from_0_in_an_unbroken_run_as_in_a_resumed_one() {
    let place = Workplace::new();
    let train = |out: &str, steps: &str, warmup: &str| {
        let more = ["--out", out, "--steps", steps, "--kl-warmup", warmup, "--eval-every", "3"];
        place.rekindle(&small(&more)).assert().success();
    };
    train("usual", "6", "0");
    train("unbroken", "6", "6");
    train("broken", "3", "6");
    place.rekindle(&["train", "--resume", "broken", "--steps", "6"]).assert().success();
    let [usual, unbroken, broken] = ["usual", "unbroken", "broken"].map(|run| place.losses(run));
    assert_eq!(unbroken, broken);
    let [first, usual] = [unbroken, usual].map(|losses| losses[0].1.parse::<f64>().unwrap());
    assert!(first < usual, "{first} and {usual}");
}

#[test]
fn grey_levels_are_drawn_with_a_normal_density() {
    let place = Workplace::new();
    place.rekindle(&small(&["--steps", "5", "--binarize", "none", "--gaussian", "0.2"])).assert().success();
    place.rekindle(&["eval", "runs/draw"]).assert().success().stdout(contains("binarisation     none"));
}

#[test]
fn weights_of_another_run_are_a_start() {
    let place = Workplace::new();
    place.rekindle(&small(&["--steps", "60", "--out", "old"])).assert().success();
    place.rekindle(&small(&["--steps", "1", "--out", "cold"])).assert().success();
    place.rekindle(&small(&["--steps", "1", "--out", "warm", "--init-from", "old"])).assert().success();
    let first = |run| place.losses(run)[0].1.parse::<f64>().unwrap();
    assert!(first("warm") < first("cold"));
}

#[test]
fn settings_without_meaning_are_refused_by_name() {
    let place = Workplace::new();
    for (options, wanted) in [
        (&["--glimpses", "0"][..], "glimpses 0"),
        (&["--latent", "0"], "latent 0"),
        (&["--hidden", "0"], "hidden 0"),
        (&["--batch-size", "0"], "batch-size 0"),
        (&["--read", "29"], "read 29"),
        (&["--write", "29"], "write 29"),
        (&["--gaussian", "0.1"], "none with --gaussian"),
        (&["--binarize", "none"], "give --gaussian"),
        (&["--binarize", "none", "--gaussian", "nan"], "--gaussian NaN"),
        (&["--colour"], "grey"),
        (&["--data", "builtin:nothing"], "strokes, shapes"),
        (&["--data", "text.txt"], "text.txt"),
    ] {
        let command = [&["train", "draw", "--out", "run"], options].concat();
        place.rekindle(&command).assert().failure().stderr(contains(wanted));
        assert!(!place.path("run").exists(), "{wanted}");
    }
}

#[test]
fn what_does_not_fit_a_run_is_refused() {
    let place = Workplace::new();
    place.rekindle(&small(&["--steps", "1", "--out", "run"])).assert().success();
    for (command, wanted) in [
        (&["sample", "run", "--temperature", "0.5"][..], "--temperature is for runs of `chars`"),
        (&["predict", "run"], "the images to reconstruct"),
        (&["predict", "run", "no-such.png"], "no such file"),
        (&["predict", "run", "text.txt"], "text.txt"),
        (&["eval", "run", "--data", "text.txt"], "text.txt"),
        (&["train", "draw", "--init-from", "run", "--hidden", "8", "--out", "other"], "run"),
    ] {
        place.rekindle(command).assert().failure().stderr(contains(wanted));
    }
    fs::remove_file(place.path("run/images.json")).unwrap();
    place.rekindle(&["sample", "run"]).assert().failure().stderr(contains("images.json"));
}

#[test]
fn small_batches_do_not_throw_the_canvas_off() {
    let place = Workplace::new();
    let small =
        ["--batch-size", "16", "--glimpses", "6", "--read", "5", "--write", "5", "--steps", "90", "--seed", "14"];
    let quiet = ["--print-every", "1", "--eval-every", "1000", "--checkpoint-every", "1000", "--out", "run"];
    place.rekindle(&[&["train", "draw"][..], &small, &quiet].concat()).assert().success();
    let losses: Vec<f64> = place.losses("run").iter().map(|(_, loss)| loss.parse().unwrap()).collect();
    let worst = losses.iter().copied().fold(0.0, f64::max);
    // It is 1.18 times the first loss. From a canvas of zeros, with twice the rate from the first step on, it was 1.57
    // times.
    assert!(worst < 1.4 * losses[0], "{losses:?}");
    let last = &losses[80..];
    assert!(last.iter().sum::<f64>() / (last.len() as f64) < 1.1 * losses[0], "{losses:?}");
}
