//! An export that lies away from its run has the settings by which the run reads its data.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use rstest::rstest;
use serde_json::{Value, json};

/// Settings that name files, or are the machine's: no export has them.
const LEFT_OUT: [&str; 8] = ["cache", "data", "dev", "embeddings", "images", "labels", "pattern", "workers"];

const DEFAULTS: &str = "settings of the data are the defaults";

/// A folder with clips, texts and pictures.
fn place() -> Workplace {
    let place = Workplace::new();
    let phase = |frame: usize| ["rise", "fall"][frame / 10 % 2];
    let frame = |frame: usize| {
        let level = (frame * 7 % 10) as f64 / 10.0 + (frame / 10 % 2) as f64;
        format!("{},x{},{level},{},{frame}\n", phase(frame), frame % 3, frame * 3 % 7)
    };
    let clip = "phase,label,a,b,c\n".to_owned() + &(0..60).map(frame).collect::<String>();
    for name in ["clip.csv", "second.csv", "held-out.csv"] {
        fs::write(place.path(name), &clip).unwrap();
    }
    let text = |number: usize| format!("\"The {w} cat {w}.\",{number}\n", w = ["good", "bad", "dull"][number % 3]);
    let texts = "text,label\n".to_owned() + &(0..16).map(text).collect::<String>();
    fs::write(place.path("texts.csv"), texts).unwrap();
    fs::create_dir(place.path("pictures")).unwrap();
    for number in 0..20 {
        let colours = (0..192).map(|at| ((37 * number + 11 * at + at * at) % 256) as u8);
        let picture: Vec<u8> = b"P6 8 8 255\n".iter().copied().chain(colours).collect();
        fs::write(place.path(&format!("pictures/{number:02}.ppm")), picture).unwrap();
    }
    place
}

/// Trains the run `run` and writes its export to the folder `away`.
fn export(place: &Workplace, task: &str, options: &[&str]) {
    let train = ["train", task, "--out", "run", "--steps", "1", "--hidden", "4"];
    place.rekindle(&[&train[..], options].concat()).assert().success();
    place.rekindle(&["export", "run", "--out", "away"]).assert().success();
}

/// The settings of a run's data.
fn data(place: &Workplace, run: &str) -> toml::Table {
    let config = fs::read_to_string(place.path(run).join("config.toml")).unwrap();
    config.parse::<toml::Table>().unwrap()["data"].as_table().unwrap().clone()
}

/// What a command with the run `run` prints, but for the step of its checkpoint.
fn answer(place: &Workplace, run: &str, command: &[&str]) -> String {
    let (command, options) = command.split_first().unwrap();
    let answered = place.rekindle(&[&[*command, run][..], options].concat()).assert().success();
    let text = String::from_utf8(answered.get_output().stdout.clone()).unwrap();
    text.lines().filter(|line| !line.contains("checkpoint_step")).map(|line| format!("{line}\n")).collect()
}

/// The description of the export.
fn description(place: &Workplace) -> Value {
    serde_json::from_slice(&fs::read(place.path("away/config.json")).unwrap()).unwrap()
}

fn describe(place: &Workplace, description: &Value) {
    fs::write(place.path("away/config.json"), description.to_string()).unwrap();
}

#[rstest]
#[case::long_texts(
    "sentiment",
    &["--max-length", "6", "--alias", "good=positive"],
    &["predict", "a lovely film and the story was good but the seat was cold and the popcorn was terrible", "--json"]
)]
#[case::long_translations("translate", &["--max-length", "7"], &["predict", "12 March 1999"])]
#[case::long_captions("caption", &["--max-length", "5"], &["predict", "pictures/00.ppm"])]
#[case::binarised(
    "draw",
    &["--binarize", "threshold", "--glimpses", "2"],
    &["eval", "--data", "builtin:strokes", "--json"]
)]
#[case::colours(
    "draw",
    &[
        "--data", "pictures", "--colour", "--image-size", "8", "--gaussian", "0.5", "--binarize", "none", "--glimpses",
        "2", "--batch-size", "4",
    ],
    &["eval", "--data", "pictures", "--json"]
)]
#[case::columns(
    "frames",
    &[
        "--data", "clip.csv,second.csv", "--dev", "held-out.csv", "--label-column", "phase", "--ignore", "label,c",
        "--normalization", "running", "--clip-features", "2",
    ],
    &["eval", "--data", "clip.csv", "--json"]
)]
#[case::long_sequences("adding", &["--length", "20"], &["eval", "--json"])]
#[case::tables_of_texts(
    "chars",
    &[
        "--data", "texts.csv", "--format", "texts", "--train-share", "0.8", "--validation-share", "0.2",
        "--batch-size", "2", "--sequence-length", "4",
    ],
    &["eval", "--data", "texts.csv", "--json"]
)]
fn an_export_away_from_its_run_reads_data_as_the_run_does(
    #[case] task: &str,
    #[case] options: &[&str],
    #[case] command: &[&str],
) {
    let place = place();
    export(&place, task, options);
    let imported = place.json(&["import", "away", "--out", "again", "--json"]);
    assert_eq!(imported["notes"], json!([]), "{imported}");
    let (before, after) = (data(&place, "run"), data(&place, "again"));
    for (key, value) in before.iter().filter(|(key, _)| !LEFT_OUT.contains(&&key[..])) {
        assert_eq!(after.get(key), Some(value), "{key}");
    }
    assert_eq!(answer(&place, "again", command), answer(&place, "run", command));
    let described = description(&place)["data"].clone();
    let described = described.as_object().unwrap();
    assert!(described.keys().all(|key| !LEFT_OUT.contains(&&key[..])), "{described:?}");
}

#[rstest]
#[case::long_texts("sentiment", &["--max-length", "6"])]
#[case::deviations("draw", &["--data", "pictures", "--gaussian", "0.5", "--binarize", "none", "--batch-size", "4"])]
fn an_export_of_an_earlier_version_has_the_defaults_and_says_so(#[case] task: &str, #[case] options: &[&str]) {
    let place = place();
    export(&place, task, options);
    let mut description = description(&place);
    description.as_object_mut().unwrap().remove("data");
    describe(&place, &description);
    place.rekindle(&["import", "away", "--out", "again"]).assert().success().stdout(contains(DEFAULTS));
    assert_eq!(data(&place, "again").get("max_length").and_then(toml::Value::as_integer).unwrap_or(400), 400);
    // Beside the run's settings it needs none.
    fs::copy(place.path("run/config.toml"), place.path("away/config.toml")).unwrap();
    let again = ["import", "away", "--out", "again", "--force"];
    let known = contains("config.toml").and(contains(DEFAULTS).not());
    place.rekindle(&again).assert().success().stdout(known);
    assert_eq!(data(&place, "again"), data(&place, "run"));
}

#[test]
fn settings_of_the_data_that_do_not_belong_in_an_export_are_refused() {
    let place = place();
    export(&place, "sentiment", &[]);
    let description = description(&place);
    let refused = |key: &str, value: Value, words: &[&str]| {
        let mut changed = description.clone();
        changed["data"][key] = value;
        describe(&place, &changed);
        place.failure(&["import", "away", "--out", "x"], 1, &[words, &["away/config.json"]].concat());
    };
    refused("max_lenth", json!(5), &["there is no setting `max_lenth`", "max_length"]);
    refused("max_length", json!(0), &["--max-length 0: must be at least 1"]);
    refused("data", json!("/etc/passwd"), &["`data` in `data`", "no paths"]);
    refused("dev", json!("x.csv"), &["`dev` in `data`", "no paths"]);
    let mut changed = description.clone();
    changed["data"] = json!([1]);
    describe(&place, &changed);
    place.failure(&["import", "away", "--out", "x"], 1, &["away/config.json", "the settings of the data"]);
    assert!(!place.path("x").exists());
}

#[test]
fn options_of_import_win_over_the_settings_of_an_export() {
    let place = place();
    let options = ["--format", "texts", "--train-share", "0.8", "--validation-share", "0.2"];
    let small = ["--data", "texts.csv", "--batch-size", "2", "--sequence-length", "4"];
    export(&place, "chars", &[&options[..], &small].concat());
    let import = ["import", "away", "--out", "again", "--data", "texts.csv", "--train-share", "0.5"];
    place.rekindle(&import).assert().success();
    let data = data(&place, "again");
    assert_eq!([&data["format"], &data["data"]].map(toml::Value::as_str), [Some("texts"), Some("texts.csv")]);
    let shares = [&data["train_share"], &data["validation_share"]].map(toml::Value::as_float);
    assert_eq!(shares, [Some(0.5), Some(0.2)]);
}

#[test]
fn other_data_is_read_without_the_paths_of_the_runs_own() {
    let place = place();
    fs::create_dir(place.path("texts")).unwrap();
    fs::copy(place.path("text.txt"), place.path("texts/text.rs")).unwrap();
    let train = ["train", "chars", "--data", "texts", "--pattern", "*.rs", "--out", "run", "--steps", "1"];
    let small = ["--hidden", "4", "--batch-size", "2", "--sequence-length", "4"];
    place.rekindle(&[&train[..], &small].concat()).assert().success();
    place.rekindle(&["export", "run"]).assert().success();
    place.rekindle(&["import", "run/export", "--out", "again", "--data", "text.txt"]).assert().success();
    let data = data(&place, "again");
    assert_eq!((data.get("pattern"), data["sequence_length"].as_integer()), (None, Some(4)));
    place.rekindle(&["eval", "again"]).assert().success().stdout(contains("text.txt"));
}

#[test]
fn the_classes_of_an_exported_classifier_are_named_anew() {
    let place = place();
    export(&place, "sentiment", &["--max-length", "6", "--pooling", "last"]);
    let text = ["predict", "a lovely film but the seat was cold and the popcorn was terrible"];
    let named = ["import", "away", "--out", "again", "--labels", "bad,good"];
    place.rekindle(&named).assert().success().stdout(contains("bad, good"));
    let wanted = answer(&place, "run", &text).replace("negative", "bad").replace("positive", "good");
    assert_eq!(answer(&place, "again", &text), wanted);
    assert_eq!(data(&place, "again")["max_length"].as_integer(), Some(6));
    // The vocabulary of a run names the classes too, and may be given for weights alone.
    fs::rename(place.path("away/model.safetensors"), place.path("weights.safetensors")).unwrap();
    let weights = ["import", "weights.safetensors", "--task", "sentiment", "--out", "other"];
    place.failure(&weights, 1, &["--vocab FILE"]);
    let weights = [&weights[..], &["--vocab", "run/vocab.json"]].concat();
    place.rekindle(&weights).assert().success().stdout(contains("negative, positive"));
    let damaged = r#"{"format": "rekindle-words", "version": 1, "classes": ["a"], "words": []}"#;
    fs::write(place.path("damaged.json"), damaged).unwrap();
    let weights = [&weights[..7], &["damaged.json", "--force"]].concat();
    place.failure(&weights, 1, &["damaged.json"]);
}
