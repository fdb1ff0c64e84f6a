//! `frames` from training to answers for live frames.

use std::fmt::Write;
use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use rstest::rstest;

/// A clip of 200 frames whose label tells the frame before: by itself a frame says nothing.
fn write_clip(place: &Workplace, name: &str, mut seed: u32) {
    let mut text = String::from("x,time,label\n");
    let mut before = "down";
    for time in 0..200 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let up = seed >> 31 == 1;
        writeln!(text, "{},{time},{before}", if up { 1.5 } else { -0.5 }).unwrap();
        before = if up { "up" } else { "down" };
    }
    fs::write(place.path(name), text).unwrap();
}

/// A training of a second or two.
fn train(place: &Workplace, out: &str, more: &[&str]) -> assert_cmd::assert::Assert {
    let data = ["train", "frames", "--data", "a.csv", "--dev", "b.csv", "--ignore", "time", "--out", out];
    let shape = ["--hidden", "16", "--encoder", "16", "--batch-size", "4", "--sequence-length", "20"];
    place.rekindle(&[&data[..], &shape, more].concat()).assert()
}

fn clips() -> Workplace {
    let place = Workplace::new();
    write_clip(&place, "a.csv", 1);
    write_clip(&place, "b.csv", 2);
    place
}

fn macro_f1(place: &Workplace, run: &str) -> f64 {
    let output = place.rekindle(&["eval", run, "--json"]).assert().success().get_output().stdout.clone();
    let eval: serde_json::Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(eval["frames"], 200);
    eval["macro_f1"].as_f64().unwrap()
}

#[rstest]
#[case::state(&[])]
#[case::feedback(&["--feedback", "--scheduled-sampling", "0.2"])]
fn the_past_is_learnt_and_answers_are_the_same_live(#[case] more: &[&str]) {
    let place = clips();
    let options = ["--epochs", "40", "--learning-rate", "0.02"];
    train(&place, "run", &[&options[..], more].concat()).success().stderr(contains("down").and(contains("macro f1")));
    train(&place, "blind", &[&options[..], &["--cell", "none"]].concat()).success();
    let (seeing, blind) = (macro_f1(&place, "run"), macro_f1(&place, "blind"));
    assert!(seeing > 0.98 && blind < 0.65, "{seeing} and {blind}");
    assert!(place.path("run/pictures/confusion.svg").exists());
    place.rekindle(&["eval", "run"]).assert().success().stdout(contains("edit score").and(contains("predicted")));

    let tagged = place.rekindle(&["predict", "run", "b.csv", "--timeline", "time.svg"]).assert().success();
    let tagged = String::from_utf8(tagged.get_output().stdout.clone()).unwrap();
    let mut rows = tagged.lines();
    assert_eq!(rows.next(), Some("frame,label,probability,truth"));
    assert_eq!(rows.clone().count(), 200);
    assert!(fs::read_to_string(place.path("time.svg")).unwrap().contains("<svg"));

    let clip = fs::read_to_string(place.path("b.csv")).unwrap();
    let frames: String = clip.lines().skip(1).map(|row| row.split(',').next().unwrap().to_owned() + "\n").collect();
    let live = place.rekindle(&["predict", "run"]).write_stdin(frames).assert().success();
    let live = String::from_utf8(live.get_output().stdout.clone()).unwrap();
    let label = |row: &str| row.split(',').nth(1).unwrap().to_owned();
    assert_eq!(live.lines().map(label).collect::<Vec<_>>(), rows.map(label).collect::<Vec<_>>());
}

#[rstest]
#[case::state(&[])]
#[case::feedback(&["--feedback", "--scheduled-sampling", "0.2"])]
fn a_resumed_run_has_the_losses_of_an_unbroken_one(#[case] more: &[&str]) {
    let place = clips();
    let often = ["--eval-every", "4", "--checkpoint-every", "3", "--print-every", "1", "--dropout", "0.2"];
    let often = [&often[..], more].concat();
    train(&place, "whole", &[&often[..], &["--steps", "12"]].concat()).success();
    train(&place, "broken", &[&often[..], &["--steps", "8"]].concat()).success();
    place.rekindle(&["train", "--resume", "broken", "--steps", "12"]).assert().success();
    assert_eq!(place.losses("whole"), place.losses("broken"));
}

#[test]
fn a_clip_that_does_not_fit_is_refused_with_what_to_do() {
    let place = clips();
    train(&place, "run", &["--steps", "2"]).success();
    fs::write(place.path("narrow.csv"), "y,time,label\n1,0,up\n").unwrap();
    fs::write(place.path("strange.csv"), "x,time,label\n1,0,sideways\n").unwrap();
    for (arguments, wanted) in [
        (&["train", "frames", "--data", "a.csv", "--label-column", "phase", "--out", "x"][..], "no column `phase`"),
        (&["train", "frames", "--data", "no.csv", "--out", "x"], "no such file"),
        (&["train", "frames", "--data", "a.csv", "--hidden", "0", "--out", "x"], "hidden 0"),
        (
            &["train", "frames", "--data", "a.csv", "--feedback", "--cell", "none", "--out", "x"],
            "--feedback: must be used with a cell",
        ),
        (&["train", "frames", "--data", "a.csv", "--scheduled-sampling", "0.5", "--out", "x"], "with --feedback"),
        (&["eval", "run", "--data", "narrow.csv"], "no column `x`"),
        (&["eval", "run", "--data", "strange.csv"], "--alias"),
        (&["eval", "run", "--part", "test"], "no test split"),
        (&["eval", "run", "--sequence-length", "3"], "runs of `chars`"),
        (&["predict", "run", "a.csv", "b.csv"], "one clip at a time"),
    ] {
        place.rekindle(arguments).assert().code(1).stderr(contains(wanted));
    }
    place.rekindle(&["predict", "run"]).write_stdin("1,2\n").assert().code(1).stderr(contains("line 1: 2 features"));
}

#[test]
fn shapes_behind_a_bar_are_trained_on_evaluated_and_predicted() {
    let place = Workplace::new();
    let tiny = ["--hidden", "4", "--encoder", "4", "--batch-size", "4", "--steps", "2"];
    let train = [&["train", "frames", "--data", "builtin:occluded-shapes"][..], &tiny].concat();
    place.rekindle(&train).assert().success().stderr(contains("4000 clips of 160000 frames"));
    place.rekindle(&["eval", "runs/frames", "--split", "test"]).assert().success().stdout(contains("corner"));
    let predict = ["predict", "runs/frames", "builtin:occluded-shapes/7"];
    let rows = place.rekindle(&predict).assert().success().get_output().stdout.clone();
    let rows = String::from_utf8(rows).unwrap();
    assert_eq!(rows.lines().count(), 41, "{rows}");
    assert!(rows.lines().nth(1).unwrap().ends_with(",nothing"), "{rows}");
    // A model of these clips has no labels for those.
    let other = place.rekindle(&["predict", "runs/frames", "builtin:moving-shapes/7"]).assert().code(1);
    other.stderr(contains("still").and(contains("nothing, square")));
}
