//! What holds for every task of the registry, whichever these are: a new task is tested here without a line of its own.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;

#[test]
fn every_task_trains_on_built_in_data_resumes_evaluates_and_is_inspected_and_exported() {
    let place = Workplace::new();
    for task in place.tasks() {
        let train = ["train", &task, "--out", &task, "--steps", "2", "--hidden", "8", "--print-every", "1"];
        // Evaluations and samples come at the end of a run; here there is one of two steps.
        place.rekindle(&train).assert().success().stderr(contains("done: 2 steps"));
        for file in ["config.toml", "assets.json", "metrics.jsonl", "checkpoints"] {
            assert!(place.path(&task).join(file).exists(), "{task}: {file}");
        }
        place.rekindle(&["train", "--resume", &task, "--steps", "3"]).assert().success();
        assert_eq!(place.losses(&task).last().unwrap().0, 3, "{task}");
        let eval = place.rekindle(&["eval", &task, "--json"]).assert().success().get_output().stdout.clone();
        let eval: serde_json::Value = serde_json::from_slice(&eval).unwrap();
        assert!(eval["checkpoint_step"].as_u64().is_some(), "{task}: {eval}");
        place.rekindle(&["inspect", &task]).assert().success().stdout(contains(task.as_str()));
        place.rekindle(&["export", &task]).assert().success();
        assert!(place.path(&task).join("export/model.safetensors").exists(), "{task}");
        // The run's own file of settings makes a like run.
        let config = format!("{task}/config.toml");
        let like = ["train", &task, "--out", "like", "--force", "--config", &config, "--steps", "1"];
        place.rekindle(&like).assert().success();
        let lines = |run: &str| fs::read_to_string(place.path(run).join("config.toml")).unwrap().lines().count();
        assert_eq!(lines("like"), lines(&task), "{task}");
    }
}

#[test]
fn every_setting_of_every_task_refuses_what_is_out_of_its_range() {
    let place = Workplace::new();
    for task in place.tasks() {
        let output = place.rekindle(&["settings", &task, "--json"]).assert().success().get_output().stdout.clone();
        let sections: serde_json::Value = serde_json::from_slice(&output).unwrap();
        for field in sections.as_array().unwrap().iter().flat_map(|section| section["settings"].as_array().unwrap()) {
            let option = format!("--{}", field["option"].as_str().unwrap());
            let Some(from) = field["range"]["from"]["at"].as_f64() else { continue };
            let below = (from - 1.0).to_string();
            let refused = place.rekindle(&["train", &task, "--out", "x", &option, &below]).assert().code(1);
            let quoted = format!("{option} {below}: must be ");
            refused.stderr(contains(quoted.as_str()).and(contains("panicked").not()));
            assert!(!place.path("x").exists(), "{task} {option}");
        }
    }
}

#[test]
fn every_command_says_in_its_help_what_the_list_of_commands_says() {
    let place = Workplace::new();
    let help = place.rekindle(&["--help"]).assert().success().get_output().stdout.clone();
    let help = String::from_utf8(help).unwrap();
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<_> = lines.filter_map(|line| line.trim().split_once(' ')).collect();
    assert!(commands.len() > 8, "{help}");
    for (command, about) in commands.into_iter().filter(|(command, _)| *command != "help") {
        let own = place.rekindle(&[command, "--help"]).assert().success().get_output().stdout.clone();
        let own = String::from_utf8(own).unwrap();
        assert_eq!(own.lines().next().unwrap(), about.trim(), "{command}");
    }
}
