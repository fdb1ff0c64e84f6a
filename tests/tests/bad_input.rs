//! Bad input gets an error that says what is wrong, and loses nothing. Exit status: 1 failed, 2 wrong usage.

use std::fs;
use std::path::Path;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;

const TINY: [&str; 8] = ["--hidden", "8", "--embedding", "4", "--batch-size", "4", "--sequence-length", "8"];

fn train<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let task = ["train", "chars", "--steps", "4"];
    let data: &[&str] = if more.contains(&"--data") { &[] } else { &["--data", "text.txt"] };
    // Options that are given twice are wrong usage.
    let tiny: Vec<&str> = TINY.chunks(2).filter(|pair| !more.contains(&pair[0])).flatten().copied().collect();
    [&task[..], data, &tiny[..], more].concat()
}

#[test]
fn texts_that_cannot_be_learnt_from_are_named() {
    let place = Workplace::new();
    fs::write(place.path("empty.txt"), "").unwrap();
    fs::write(place.path("short.txt"), "too short").unwrap();
    fs::write(place.path("one.txt"), "a".repeat(1000)).unwrap();
    fs::write(place.path("latin.txt"), [b"line one\ncaf".to_vec(), vec![0xE9], b"\n".repeat(500)].concat()).unwrap();
    fs::create_dir(place.path("folder")).unwrap();
    let data = |data: &'static str, words: &[&str]| place.failure(&train(&["--data", data]), 1, words);
    data("missing.txt", &["missing.txt"]);
    data("folder", &["folder"]);
    data("empty.txt", &["empty.txt", "empty"]);
    data("short.txt", &["33"]);
    data("one.txt", &["one.txt", "1 symbol"]);
    data("latin.txt", &["latin.txt", "line 2", "12", "--units byte"]);
    data("builtin:nothing", &["nothing", "source"]);
    place.failure(&train(&["--data", "folder", "--pattern", "*.c"]), 1, &["folder", "*.c"]);
    assert!(!place.path("runs").exists(), "a run that could not start leaves nothing behind");
}

#[test]
fn settings_without_meaning_are_named() {
    let place = Workplace::new();
    for (option, value, words) in [
        ("--sequence-length", "0", ["sequence", "0"]),
        ("--batch-size", "0", ["batch", "0"]),
        ("--layers", "0", ["--layers 0", "at least 1"]),
        ("--hidden", "0", ["--hidden 0", "at least 1"]),
        ("--hidden", "-8", ["--hidden -8", "at least 1"]),
        ("--dropout", "1.5", ["--dropout 1.5", "less than 1"]),
        ("--learning-rate", "0", ["--learning-rate 0", "greater than 0"]),
        ("--sample-temperature", "NaN", ["--sample-temperature", "NaN"]),
    ] {
        place.failure(&train(&[option, value]), 1, &words);
    }
    for (options, words) in [
        (&["--momentum", "0.5"][..], "--momentum 0.5: must be given with --optimizer sgd, or left out"),
        (&["--schedule", "cosine", "--decay-after", "3"], "--decay-after 3: must be given with --schedule decay"),
        (&["--clip", "none", "--clip-at", "3"], "must be given with --clip value, tensor-norm or global-norm, or left"),
        (&["--average-every", "3"], "must be given with --average-from or --average-wait, or left out"),
    ] {
        place.failure(&train(options), 1, &[words]);
    }
}

#[test]
fn wrong_usage_has_a_status_of_its_own() {
    let place = Workplace::new();
    place.failure(&["frobnicate"], 2, &["frobnicate"]);
    place.failure(&["train"], 2, &["chars"]);
    place.failure(&train(&["--cell", "transformer"]), 2, &["transformer", "lstm"]);
    place.failure(&train(&["--optimizer", "lion"]), 2, &["lion", "adam"]);
    place.failure(&train(&["--hidden", "many"]), 2, &["many"]);
    place.failure(&["sample"], 2, &["RUN"]);
    place.rekindle(&["--help"]).assert().success().stdout(contains("train").and(contains("sample")));
}

#[test]
fn backends_that_are_not_there_are_named_with_their_flag() {
    let place = Workplace::new();
    place.failure(&train(&["--backend", "cuda"]), 1, &["cuda", "--features cuda"]);
    place.failure(&train(&["--backend", "abacus"]), 1, &["abacus", "flex", "ndarray"]);
    place.failure(&train(&["--backend", "flex:7"]), 1, &["flex:7"]);
    place.failure(&train(&["--backend", "flex:x"]), 1, &["flex:x"]);
}

#[test]
fn a_run_that_is_there_is_not_lost() {
    let place = Workplace::new();
    place.rekindle(&train(&["--out", "run"])).assert().success();
    let before = fs::read(place.path("run/metrics.jsonl")).unwrap();
    place.failure(&train(&["--out", "run"]), 1, &["--force", "--resume"]);
    assert_eq!(fs::read(place.path("run/metrics.jsonl")).unwrap(), before);
    // A new run that cannot start must not have deleted the old one.
    place.failure(&train(&["--out", "run", "--force", "--data", "missing.txt"]), 1, &["missing.txt"]);
    assert_eq!(fs::read(place.path("run/metrics.jsonl")).unwrap(), before);
    place.rekindle(&train(&["--out", "run", "--force"])).assert().success();
}

#[test]
fn a_run_that_is_not_whole_says_what_is_missing() {
    let place = Workplace::new();
    place.failure(&["sample", "nowhere"], 1, &["nowhere", "config.toml"]);
    place.failure(&["train", "--resume", "nowhere"], 1, &["nowhere", "config.toml"]);
    place.rekindle(&train(&["--out", "run", "--checkpoint-every", "2", "--eval-every", "2"])).assert().success();
    let hide = |name: &str| fs::rename(place.path("run").join(name), place.path("hidden")).unwrap();
    let show = |name: &str| fs::rename(place.path("hidden"), place.path("run").join(name)).unwrap();
    hide("vocab.json");
    place.failure(&["sample", "run"], 1, &["vocab.json"]);
    show("vocab.json");
    hide("checkpoints");
    place.failure(&["sample", "run"], 1, &["no usable checkpoint"]);
    show("checkpoints");

    let model = |step: u64| place.path(&format!("run/checkpoints/step-{step:08}/model.bpk"));
    cut(&model(4));
    place
        .rekindle(&["sample", "run", "--checkpoint", "last", "--length", "5"])
        .assert()
        .success()
        .stderr(contains("step-00000004").and(contains("skipped an unusable checkpoint")));
    cut(&model(2));
    place.failure(&["sample", "run", "--checkpoint", "last"], 1, &["step-00000004", "step-00000002"]);
    place.failure(&["sample", "run", "--checkpoint", "99"], 1, &["99"]);

    let config = fs::read_to_string(place.path("run/config.toml")).unwrap();
    fs::write(place.path("run/config.toml"), config.replace("format = 3", "format = 9")).unwrap();
    place.failure(&["sample", "run"], 1, &["format 9", "newer"]);
    // In the middle of a line.
    let middle = config.rfind(" = ").expect("the last setting has a value") + 1;
    fs::write(place.path("run/config.toml"), &config[..middle]).unwrap();
    place.failure(&["sample", "run"], 1, &["config.toml"]);
}

#[test]
fn settings_that_were_cut_short_at_the_end_of_a_line_are_refused() {
    let place = Workplace::new();
    place.rekindle(&train(&["--out", "run"])).assert().success();
    let config = fs::read_to_string(place.path("run/config.toml")).unwrap();
    let ends: Vec<usize> = config.match_indices('\n').map(|(at, _)| at + 1).collect();
    for &end in &ends[..ends.len() - 1] {
        fs::write(place.path("run/config.toml"), &config[..end]).unwrap();
        place.failure(&["eval", "run"], 1, &["config.toml"]);
    }
    place.failure(&["train", "chars", "--config", "run/config.toml"], 1, &["config.toml", "cut short"]);
    // Before format 3 there was no last line.
    let old = config[..ends[ends.len() - 2]].replace("format = 3", "format = 2");
    fs::write(place.path("run/config.toml"), old).unwrap();
    place.rekindle(&["eval", "run"]).assert().success();
    // A line in the middle may be deleted.
    let line = config.lines().find(|line| line.starts_with("print_every")).expect("a setting with a default");
    fs::write(place.path("run/config.toml"), config.replace(&format!("{line}\n"), "")).unwrap();
    place.rekindle(&["eval", "run"]).assert().success();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn a_run_does_not_go_on_with_another_text() {
    let place = Workplace::new();
    place.rekindle(&train(&["--out", "run"])).assert().success();
    let text = fs::read_to_string(place.path("text.txt")).unwrap();
    let changed = "the data has changed since the run was trained";
    let warnings = |place: &Workplace, command: &[&str]| {
        let output = place.rekindle(command).assert().success().get_output().clone();
        String::from_utf8(output.stderr).unwrap().matches(changed).count()
    };
    let reads_it = [&["eval", "run"][..], &["inspect", "run", "--neurons"], &["inspect", "run", "--gradients"]];
    for command in reads_it {
        assert_eq!(warnings(&place, command), 0, "{command:?}");
    }
    fs::write(place.path("text.txt"), text.repeat(2)).unwrap();
    for command in reads_it {
        assert_eq!(warnings(&place, command), 1, "{command:?}");
    }
    assert_eq!(warnings(&place, &["eval", "run", "--data", "text.txt"]), 0);
    let words = ["the data has changed since the run started", "text.txt", "--init-from", "--other-data"];
    place.failure(&["train", "--resume", "run", "--steps", "8"], 1, &words);
    place.rekindle(&["train", "--resume", "run", "--steps", "8", "--other-data"]).assert().success();
    place.rekindle(&["train", "--resume", "run", "--steps", "9"]).assert().success();
}

#[test]
fn data_that_is_not_where_the_run_has_it_is_named_with_the_file_that_names_it() {
    let place = Workplace::new();
    place.rekindle(&train(&["--out", "run"])).assert().success();
    fs::create_dir(place.path("other")).unwrap();
    let elsewhere = |arguments: &[&str]| {
        let mut command = place.process(arguments);
        command.current_dir(place.path("other"));
        assert_cmd::Command::from_std(command).assert()
    };
    for command in [
        &["eval", "../run"][..],
        &["inspect", "../run", "--neurons"],
        &["inspect", "../run", "--gradients"],
        &["train", "--resume", "../run", "--steps", "5"],
    ] {
        let named = contains("text.txt: no such file or folder. It is named in ../run/config.toml");
        elsewhere(command).code(1).stderr(named.and(contains("train --resume ../run --data PATH")));
    }
    for command in [&["eval", "../run"][..], &["train", "--resume", "../run"]] {
        let given = contains("missing.txt").and(contains("config.toml").not());
        elsewhere(&[command, &["--data", "missing.txt"]].concat()).code(1).stderr(given);
    }
    // As the error says.
    elsewhere(&["train", "--resume", "../run", "--data", "../text.txt"]).success();
    elsewhere(&["eval", "../run"]).success();
}

#[test]
fn samples_that_cannot_be_drawn_are_refused() {
    let place = Workplace::new();
    place.rekindle(&train(&["--out", "run"])).assert().success();
    let sample = |more: &[&str], words: &[&str]| place.failure(&[&["sample", "run"], more].concat(), 1, words);
    sample(&["--prime", "fn 猫"], &["猫", "byte 3"]);
    sample(&["--temperature", "-0.5"], &["temperature -0.5"]);
    sample(&["--top-k", "0"], &["top-k 0"]);
    sample(&["--top-p", "2"], &["top-p 2"]);
}

#[test]
fn a_file_of_settings_with_a_mistake_is_named() {
    let place = Workplace::new();
    for (text, words) in [
        ("[model]\nhiden = 5\n", ["settings.toml", "hiden"]),
        ("[modle]\nhidden = 5\n", ["settings.toml", "[modle]"]),
        ("[model]\nhidden = \"many\"\n", ["settings.toml", "hidden"]),
        ("[model\n", ["settings.toml", "line 1"]),
        ("task = \"frames\"\n", ["settings.toml", "frames"]),
    ] {
        fs::write(place.path("settings.toml"), text).unwrap();
        let arguments: Vec<&str> = ["train", "chars", "--config", "settings.toml", "--data", "text.txt"].to_vec();
        place.failure(&arguments, 1, &words);
    }
}

/// A bit that is flipped, a setting that is edited, a task of another version: each is named, and nothing is changed.
#[test]
fn a_run_that_was_changed_by_hand_is_refused_by_every_command() {
    let place = Workplace::new();
    place.rekindle(&train(&["--out", "run"])).assert().success();
    let commands: [&[&str]; 5] =
        [&["sample", "run"], &["eval", "run"], &["inspect", "run"], &["export", "run"], &["train", "--resume", "run"]];
    for (file, from, to, words) in [
        ("vocab.json", "\"a\"", "\"b\"", ["vocab.json", "damaged"]),
        ("config.toml", "hidden = 8", "hidden = 0", ["config.toml", "--hidden 0"]),
        ("config.toml", "hidden = 8", "hidden = 16", ["config.toml", "--hidden 16: must be 8"]),
        ("config.toml", "hidden = 8", "hidden = 200000000", ["config.toml", "--hidden 200000000: must be 8"]),
        ("assets.json", "\"format\": 1", "\"format\": 2", ["assets.json", "newer"]),
    ] {
        let path = place.path("run").join(file);
        let whole = fs::read_to_string(&path).unwrap();
        assert!(whole.contains(from), "{file}");
        fs::write(&path, whole.replace(from, to)).unwrap();
        for command in commands {
            place.failure(command, 1, &words);
        }
        fs::write(&path, whole).unwrap();
    }
    place.rekindle(&["eval", "run"]).assert().success();
}

/// How the weights were drawn, and how the loss was weighted, does not change what the trained model computes.
#[test]
fn settings_that_only_training_uses_may_be_changed_by_hand() {
    let place = Workplace::new();
    place.rekindle(&train(&["--out", "chars"])).assert().success();
    let small = ["--image-size", "10", "--glimpses", "2", "--hidden", "8", "--latent", "2", "--steps", "1"];
    place.rekindle(&[&["train", "draw", "--out", "draw"][..], &small].concat()).assert().success();
    for (run, from, to) in
        [("chars", "init = \"pytorch\"", "init = \"orthogonal\""), ("draw", "kl_warmup = 0", "kl_warmup = 100")]
    {
        let figures = |place: &Workplace| place.json(&["eval", run, "--json"]);
        let before = figures(&place);
        let path = place.path(run).join("config.toml");
        let config = fs::read_to_string(&path).unwrap();
        assert!(config.contains(from), "{config}");
        fs::write(&path, config.replace(from, to)).unwrap();
        assert_eq!(figures(&place), before, "{run}");
        place.rekindle(&["sample", run]).assert().success();
        place.rekindle(&["train", "--resume", run, "--steps", "5"]).assert().success();
    }
}

#[test]
fn a_run_of_an_unknown_task_can_be_inspected_and_exported_only() {
    let place = Workplace::new();
    place.rekindle(&train(&["--out", "run"])).assert().success();
    let config = fs::read_to_string(place.path("run/config.toml")).unwrap();
    fs::write(place.path("run/config.toml"), config.replace("task = \"chars\"", "task = \"poetry\"")).unwrap();
    for command in ["sample", "eval", "predict"] {
        place.failure(&[command, "run"], 1, &["poetry", "inspect", "export"]);
    }
    place.failure(&["train", "--resume", "run"], 1, &["poetry"]);
    place.rekindle(&["inspect", "run"]).assert().success().stdout(contains("weight_hh").and(contains("poetry")));
    place.rekindle(&["export", "run"]).assert().success();
    assert!(place.path("run/export/vocab.json").exists() && place.path("run/export/model.safetensors").exists());
}

#[test]
fn a_command_that_a_task_does_not_have_names_those_that_it_has() {
    let place = Workplace::new();
    place.rekindle(&train(&["--out", "run"])).assert().success();
    place.failure(&["predict", "run", "text"], 1, &["`chars` does not support `predict`", "rekindle sample"]);
}

/// A limit on the size of files stands for a disk that is full: writing fails in the same way, part of the way through.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_last_good_checkpoint() {
    let place = Workplace::new();
    let options = train(&["--out", "run", "--sample-length", "0"]);
    place.rekindle(&options).assert().success();
    let before = fs::read(place.path("run/checkpoints/step-00000004/model.bpk")).unwrap();
    let rekindle = place.process(&[]).get_program().to_owned();
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"";
    let mut limited = assert_cmd::Command::new("sh");
    limited.current_dir(place.path("")).args(["-c", script]).arg(rekindle);
    limited.args(["train", "--resume", "run", "--steps", "8"]);
    limited.assert().code(1).stderr(contains("cannot write").and(contains("run")));
    assert_eq!(fs::read(place.path("run/checkpoints/step-00000004/model.bpk")).unwrap(), before);
    let left = fs::read_dir(place.path("run/checkpoints")).unwrap().count();
    assert_eq!(left, 1, "what could not be written whole is taken away");
    place.rekindle(&["train", "--resume", "run", "--steps", "8"]).assert().success();
}
