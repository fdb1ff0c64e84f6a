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
    place.failure(&["predict", "run", "b.csv", "--timeline", "time.png"], 2, &["time.png", "ends in .svg"]);

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
#[case::robust(&["--normalization", "robust", "--clip-features", "2"])]
#[case::recording(&["--normalization", "recording", "--bidirectional"])]
fn a_resumed_run_has_the_losses_of_an_unbroken_one(#[case] more: &[&str]) {
    let place = clips();
    let often = ["--eval-every", "4", "--checkpoint-every", "3", "--print-every", "1", "--dropout", "0.2"];
    let often = [&often[..], more].concat();
    train(&place, "whole", &[&often[..], &["--steps", "12"]].concat()).success();
    train(&place, "broken", &[&often[..], &["--steps", "8"]].concat()).success();
    place.rekindle(&["train", "--resume", "broken", "--steps", "12"]).assert().success();
    assert_eq!(place.losses("whole"), place.losses("broken"));
}

/// The rows of a table of predictions: label and probability.
fn rows(table: &[u8]) -> Vec<(String, f64)> {
    let rows = std::str::from_utf8(table).unwrap().lines().map(|row| row.split(',').collect::<Vec<_>>());
    let rows = rows.filter(|row| row[0] != "frame").enumerate();
    rows.map(|(number, row)| {
        assert_eq!(row[0], number.to_string());
        (row[1].to_owned(), row[2].parse().unwrap())
    })
    .collect()
}

/// Predictions for the features of a clip in a file and on standard input, with these options.
#[track_caller]
fn assert_same_live(place: &Workplace, run: &str, clip: &str, columns: usize, options: &[&str]) -> Vec<(String, f64)> {
    let in_file = place.rekindle(&[&["predict", run, clip][..], options].concat()).assert().success();
    let in_file = rows(&in_file.get_output().stdout);
    let text = fs::read_to_string(place.path(clip)).unwrap();
    let frame = |row: &str| row.split(',').take(columns).collect::<Vec<_>>().join(",") + "\n";
    let frames: String = text.lines().skip(1).map(frame).collect();
    let live = place.rekindle(&[&["predict", run][..], options].concat()).write_stdin(frames).assert().success();
    let live = rows(&live.get_output().stdout);
    assert_eq!(live.len(), in_file.len());
    for (frame, ((label, probability), (wanted, of))) in live.iter().zip(&in_file).enumerate() {
        // A sequence and single steps add in another order.
        assert!(
            label == wanted && (probability - of).abs() < 2e-3,
            "frame {frame}: {label} {probability}, {wanted} {of}"
        );
    }
    in_file
}

/// A clip of 300 frames whose label stays for about 15 frames; `x` is higher in one of them, by less than its noise.
/// Features are in the unit `scale`, and some frames have an outlier.
fn write_segments(place: &Workplace, name: &str, mut seed: u32, scale: f32, outliers: bool) {
    let mut draw = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 24) as f32
    };
    let (mut text, mut up) = (String::from("x,y,label\n"), false);
    for frame in 0..300 {
        up ^= draw() < 1.0 / 15.0;
        let noise = 2.0 * (draw() + draw() + draw() - 1.5);
        let x = scale * (if up { 1.0 } else { 0.0 } + noise) + 10.0 * scale;
        let x = if outliers && frame % 50 == 17 { 1e6 * scale } else { x };
        writeln!(text, "{x},{},{}", scale * draw(), if up { "up" } else { "down" }).unwrap();
    }
    fs::write(place.path(name), text).unwrap();
}

fn segments() -> Workplace {
    let place = Workplace::new();
    write_segments(&place, "a.csv", 1, 1.0, false);
    write_segments(&place, "b.csv", 2, 1.0, false);
    write_segments(&place, "far.csv", 2, 1000.0, true);
    place
}

/// A training of a second or two on these clips.
fn train_segments(place: &Workplace, out: &str, more: &[&str]) {
    let data = ["train", "frames", "--data", "a.csv", "--dev", "b.csv", "--out", out, "--epochs", "30"];
    let shape =
        ["--hidden", "8", "--encoder", "8", "--batch-size", "4", "--sequence-length", "25", "--learning-rate", "0.01"];
    place.rekindle(&[&data[..], &shape, more].concat()).assert().success();
}

fn eval(place: &Workplace, arguments: &[&str]) -> serde_json::Value {
    place.json(&[&["eval"][..], arguments, &["--json"]].concat())
}

#[test]
fn a_recording_in_another_unit_with_outliers_is_read_as_one_in_the_unit_of_training() {
    let place = segments();
    for statistics in ["training", "running", "robust"] {
        train_segments(&place, statistics, &["--normalization", statistics, "--clip-features", "5"]);
        assert_same_live(&place, statistics, "far.csv", 2, &[]);
    }
    let accuracy = |run: &str, clip: &str| eval(&place, &[run, "--data", clip])["accuracy"].as_f64().unwrap();
    train_segments(&place, "recording", &["--normalization", "recording", "--clip-features", "5"]);
    for statistics in ["robust", "recording"] {
        let [near, far] = ["b.csv", "far.csv"].map(|clip| accuracy(statistics, clip));
        assert!(near > 0.7 && far > near - 0.05, "{statistics}: {near} and {far}");
        assert!(accuracy("training", "far.csv") < near - 0.1);
    }
    let live = place.rekindle(&["predict", "recording"]).write_stdin("1,2\n").assert().failure();
    live.stderr(contains("--normalization recording").and(contains("give the clip")));
}

#[test]
fn smoothed_labels_are_the_same_live_and_better() {
    let place = segments();
    train_segments(&place, "run", &["--cell", "none"]);
    train_segments(&place, "other", &["--cell", "none", "--seed", "2"]);
    let plain = eval(&place, &["run"]);
    for options in [
        &["--smoothing", "viterbi", "--score-weight", "0.9"][..],
        &["--smoothing", "filter", "--score-weight", "0.9"],
        &["--smoothing", "filter", "--lag", "5"],
        &["--smoothing", "viterbi", "--with", "other", "--prior-weight", "0.5"],
    ] {
        let smoothed = eval(&place, &[&["run"][..], options].concat());
        for figure in ["accuracy", "edit_score"] {
            let (plain, smoothed) = (plain[figure].as_f64().unwrap(), smoothed[figure].as_f64().unwrap());
            assert!(smoothed > plain, "{options:?}: {figure} {smoothed} and {plain}");
        }
    }
    fs::write(place.path("short.csv"), "x,y,label\n10,0.5,up\n").unwrap();
    let short = |options: &[&str]| assert_same_live(&place, "run", "short.csv", 2, options).len();
    for options in [&["--smoothing", "filter"][..], &["--smoothing", "filter", "--lag", "4"]] {
        assert_same_live(&place, "run", "b.csv", 2, options);
        assert_same_live(&place, "run", "b.csv", 2, &[options, &["--with", "other"]].concat());
        assert_eq!(short(options), 1);
    }
    place.rekindle(&["predict", "run", "short.csv", "--smoothing", "viterbi"]).assert().success();
    let whole = contains("needs the whole clip").and(contains("--smoothing filter"));
    place.rekindle(&["predict", "run", "--smoothing", "viterbi"]).write_stdin("1,2\n").assert().code(1).stderr(whole);
    train_segments(&place, "balanced", &["--cell", "none", "--balanced", "--steps", "2"]);
    for (options, wanted) in [
        (&["--smoothing", "viterbi", "--with", "balanced"][..], "pass --prior-weight"),
        (&["--smoothing", "viterbi", "--lag", "2"], "--lag 2: must be given with --smoothing filter, or left out"),
        (&["--prior-weight", "1"], "--prior-weight 1: must be given with --smoothing viterbi or filter, or left out"),
        (&["--smoothing", "hmm"], "none, viterbi, filter"),
    ] {
        let refused = place.rekindle(&[&["eval", "run"][..], options].concat()).assert().failure();
        refused.stderr(contains(wanted));
    }
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
        (&["train", "frames", "--data", "a.csv", "--fold", "3", "--out", "x"], "--fold 3: must be used with --folds"),
        (
            &["train", "frames", "--data", "a.csv", "--cell", "none", "--layers", "2", "--out", "x"],
            "--layers 2: must be",
        ),
        (&["train", "frames", "--folds", "2", "--out", "x"], "--folds 2: only for clips in files"),
        (&["train", "frames", "--normalization", "robust", "--out", "x"], "--normalization robust: must be left out"),
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
fn weights_of_other_columns_are_refused_and_tables_in_any_order_have_the_same_losses() {
    let place = segments();
    for name in ["a", "b"] {
        let rows = fs::read_to_string(place.path(&format!("{name}.csv"))).unwrap();
        let turned = rows.lines().map(|row| row.split(',').collect::<Vec<_>>());
        let turned: String = turned.map(|row| format!("{},{},{}\n", row[1], row[0], row[2])).collect();
        fs::write(place.path(&format!("{name}-turned.csv")), turned).unwrap();
    }
    let train = |data: &str, out: &str, more: &[&str]| {
        let arguments =
            ["train", "frames", "--data", data, "--out", out, "--hidden", "4", "--encoder", "4", "--steps", "3"];
        place.rekindle(&[&arguments[..], more].concat()).assert()
    };
    train("a.csv,b.csv", "run", &["--print-every", "1"]).success();
    train("a.csv,b-turned.csv", "turned", &["--print-every", "1"]).success();
    assert_eq!(place.losses("run"), place.losses("turned"));
    let refused = train("a-turned.csv", "next", &["--init-from", "run"]).code(1);
    refused.stderr(contains("reads the columns x, y").and(contains("would read y, x")));
    train("a.csv,b-turned.csv", "next", &["--init-from", "run"]).success();
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
