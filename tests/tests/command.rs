//! The command as people expect it: first words, brief and whole help, completions, manual pages, quiet, `latest`, a
//! list of runs.

use std::fs;
use std::time::Duration;

use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use rekindle_tests::Workplace;
use serde_json::Value;

/// A training of a moment.
fn train<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let tiny = ["train", "chars", "--data", "text.txt", "--hidden", "8", "--embedding", "4", "--batch-size", "4"];
    [&tiny[..], &["--sequence-length", "8", "--steps", "4"], more].concat()
}

fn stdout(place: &Workplace, arguments: &[&str]) -> String {
    let output = place.rekindle(arguments).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

/// The names of the options that a help text lists.
fn options(help: &str) -> Vec<String> {
    let lines =
        help.lines().filter(|line| line.len() - line.trim_start().len() <= 6 && line.trim_start().starts_with('-'));
    let names = lines.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    names.filter(|name| *name != "--help").map(str::to_owned).collect()
}

#[test]
fn whoever_gives_no_command_is_shown_three() {
    let place = Workplace::new();
    for (arguments, words) in [
        (&[][..], ["rekindle train chars", "rekindle sample latest", "rekindle view"]),
        (&["train"][..], ["rekindle train chars", "--config", "--resume latest"]),
    ] {
        place.failure(arguments, 2, &words);
        let shown = place.rekindle(arguments).assert().code(2).get_output().stderr.clone();
        let shown = String::from_utf8(shown).unwrap();
        let commands = shown.lines().filter(|line| line.starts_with("  rekindle ")).count();
        assert_eq!(commands, 3, "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    }
}

#[test]
fn the_brief_help_has_ten_options_and_an_example_and_the_whole_one_has_all() {
    let place = Workplace::new();
    for task in place.tasks() {
        let brief = stdout(&place, &["train", &task, "-h"]);
        let whole = stdout(&place, &["train", &task, "--help"]);
        let (few, all) = (options(&brief), options(&whole));
        assert_eq!(few.len(), 10, "{task}: {few:?}");
        assert!(all.len() > 40 && few.iter().all(|option| all.contains(option)), "{task}: {all:?}");
        assert!(few.contains(&"--out".to_owned()) && all.contains(&"--quiet".to_owned()), "{task}");
        for help in [&brief, &whole] {
            assert_eq!(help.matches("Example:").count(), 1, "{help}");
        }
        let left_out = all.len() - few.len();
        assert!(brief.contains(&format!("options: rekindle train {task} --help")), "{left_out}: {brief}");
        assert!(brief.lines().count() < 45, "{brief}");
    }
    for command in ["sample", "eval", "predict", "score", "runs", "inspect", "compare", "view", "export", "bench"] {
        let brief = stdout(&place, &[command, "-h"]);
        assert!(options(&brief).len() <= 10 && brief.contains("Example:\n  rekindle"), "{brief}");
    }
}

#[test]
fn the_examples_of_tasks_are_valid() {
    let place = Workplace::new();
    // The example is parsed before its last word asks for help.
    for task in place.tasks() {
        let help = stdout(&place, &["train", &task, "-h"]);
        let example = help.lines().skip_while(|line| *line != "Example:").nth(1).unwrap().trim().to_owned();
        let words: Vec<&str> = example.split_whitespace().skip(1).chain(["-h"]).collect();
        place.rekindle(&words).assert().success();
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(options(&stdout(&place, &["train", &task, "--help"])).contains(&(*option).to_owned()), "{example}");
        }
    }
}

#[test]
fn completions_name_the_commands_and_the_tasks() {
    let place = Workplace::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = stdout(&place, &["completions", shell]);
        for word in ["rekindle", "sample", "translate", "learning-rate"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    place.failure(&["completions", "tcsh"], 2, &["tcsh", "bash", "zsh"]);
}

#[test]
fn manual_pages_are_written_for_commands_and_tasks() {
    let place = Workplace::new();
    place.rekindle(&["man", "pages/man1"]).assert().success();
    for (page, word) in
        [("rekindle", "rekindle\\-train"), ("rekindle-train-chars", "hidden"), ("rekindle-score", "refs")]
    {
        let text = fs::read_to_string(place.path(&format!("pages/man1/{page}.1"))).unwrap();
        assert!(text.contains(word) && text.contains(".TH"), "{page}: no {word}");
    }
    let hidden = stdout(&place, &["--help"]);
    assert!(!hidden.lines().any(|line| line.trim_start().starts_with("man ")), "{hidden}");
}

#[test]
fn quiet_leaves_results_warnings_and_errors() {
    let place = Workplace::new();
    place.rekindle(&train(&["--out", "run", "--quiet"])).assert().success().stdout("").stderr("");
    let sampled = place.rekindle(&["-q", "sample", "run", "--length", "5"]).assert().success();
    sampled.stdout(is_empty().not()).stderr("");
    place.rekindle(&["export", "run", "--quiet"]).assert().success().stdout(contains("model.safetensors")).stderr("");
    place.rekindle(&["sample", "nowhere", "--quiet"]).assert().code(1).stderr(contains("error: nowhere"));
    fs::write(place.path("run/checkpoints/step-00000004/model.bpk"), "damaged").unwrap();
    let refused = place.rekindle(&["sample", "run", "--quiet"]).assert();
    refused.stderr(contains("model.bpk").or(contains("step-00000004")));
}

#[test]
fn quiet_leaves_the_warnings_of_the_data() {
    let place = Workplace::new();
    let lines = "good film\tpositive\nbad film\tnegative\n \tpositive\nlovely film\tpositive\nawful film\tnegative\n";
    fs::write(place.path("t.tsv"), lines).unwrap();
    let train =
        ["train", "sentiment", "--data", "t.tsv", "--hidden", "4", "--embedding", "4", "--batch-size", "2", "-q"];
    for more in [&["--lr", "0.1", "--out", "run"][..], &["--lr", "0.1,0.2", "--out", "sweep"]] {
        let trained = place.rekindle(&[&train[..], &["--steps", "1"], more].concat()).assert().success();
        trained.stderr("warning: no word in 1 text, read as one unknown word\n");
    }
}

#[test]
fn a_run_in_the_working_directory_is_refused_and_a_link_to_an_empty_folder_is_filled() {
    let place = Workplace::new();
    for name in ["empty", "real"] {
        fs::create_dir(place.path(name)).unwrap();
    }
    let text = place.path("text.txt");
    let words = train(&["--out", "."]).into_iter();
    let words: Vec<_> = words.map(|word| if word == "text.txt" { text.to_str().unwrap() } else { word }).collect();
    let mut here = place.process(&words);
    let refused = here.current_dir(place.path("empty")).output().unwrap();
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && error.contains("working directory"), "{error}");
    assert_eq!(fs::read_dir(place.path("empty")).unwrap().count(), 0);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("real", place.path("link")).unwrap();
        for force in [&[][..], &["--force"]] {
            place.rekindle(&train(&[&["--out", "link"], force].concat())).assert().success();
            assert!(place.path("link").is_symlink() && place.path("real/config.toml").exists());
        }
        place.rekindle(&["sample", "link", "--length", "3"]).assert().success();
    }
}

#[test]
fn no_colour_is_written_where_none_is_wanted() {
    let place = Workplace::new();
    let coloured = |no_color: bool| {
        let mut command = place.process(&["frobnicate"]);
        command.env("CLICOLOR_FORCE", "1");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let output = command.output().unwrap();
        String::from_utf8(output.stderr).unwrap().contains('\u{1b}')
    };
    assert!(coloured(false) && !coloured(true));
}

#[test]
fn the_latest_run_is_the_one_that_was_trained_last() {
    let place = Workplace::new();
    place.failure(&["sample", "latest"], 1, &["latest", "no run in `runs`"]);
    place.failure(&["runs"], 1, &["`runs`"]);
    place.rekindle(&train(&[])).assert().success();
    // Clocks of file systems are coarse.
    std::thread::sleep(Duration::from_millis(30));
    place.rekindle(&train(&["--seed", "2", "--out", "runs/deep/other"])).assert().success();
    place.rekindle(&train(&["--seed", "3", "--out", "elsewhere"])).assert().success();
    let runs = place.json(&["runs", "--json"]);
    let names = |runs: &Value| -> Vec<String> {
        runs.as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&runs), ["runs/deep/other", "runs/chars"]);
    assert_eq!(
        (&runs[0]["task"], &runs[0]["steps"], &runs[0]["in_training"]),
        (&"chars".into(), &4.into(), &false.into())
    );
    assert_eq!(runs[0]["best_figure"]["name"], "loss");
    assert!(runs[0]["trained_at"].as_u64().unwrap() >= runs[1]["trained_at"].as_u64().unwrap());
    let table = stdout(&place, &["runs"]);
    assert!(table.starts_with("run") && table.lines().count() == 3 && table.contains("loss "), "{table}");
    assert_eq!(names(&place.json(&["runs", "elsewhere", "--json"])), ["elsewhere"]);
    place.failure(&["runs", "nowhere"], 1, &["nowhere"]);

    assert_eq!(names(&place.json(&["runs", "latest", "--json"])), ["runs/deep/other"]);
    let export = stdout(&place, &["export", "latest"]);
    assert!(export.contains("runs/deep/other"), "{export}");
    std::thread::sleep(Duration::from_millis(30));
    place.rekindle(&["train", "--resume", "runs/chars", "--steps", "8"]).assert().success();
    assert_eq!(names(&place.json(&["runs", "--json"]))[0], "runs/chars");
    place.rekindle(&["train", "--resume", "latest", "--steps", "12"]).assert().success().stderr(contains("runs/chars"));
    place.rekindle(&["sample", "latest", "--length", "3"]).assert().success();
    // A folder of that name is what was meant.
    place.rekindle(&train(&["--out", "latest"])).assert().success();
    assert!(stdout(&place, &["export", "latest"]).starts_with("latest"));
}

#[test]
fn runs_are_listed_with_the_figure_that_ranks_them() {
    let place = Workplace::new();
    let small = ["--hidden", "8", "--batch-size", "8", "--steps", "2", "--out", "runs/reviews"];
    place.rekindle(&[&["train", "sentiment"][..], &small].concat()).assert().success();
    let run = &place.json(&["runs", "--json"])[0];
    assert_eq!(run["best_figure"]["name"], "accuracy", "{run}");
    assert_eq!(run["best_figure"]["value"], run["best"]["figures"]["accuracy"]);
}
