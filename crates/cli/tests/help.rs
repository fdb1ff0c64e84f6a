//! What the command says of itself. That a test of this package runs the command also makes Cargo build it, for the
//! end-to-end tests of the workspace.

use std::process::Command;

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rekindle")).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The tasks, as the command lists them.
fn tasks() -> Vec<String> {
    let help = help(&["train"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| line.split_whitespace().next().map(str::to_owned));
    names.filter(|name| name != "help").collect()
}

#[test]
fn every_command_and_option_is_explained_within_the_width_of_a_page() {
    let commands = [
        "",
        "train",
        "sample",
        "eval",
        "predict",
        "inspect",
        "compare",
        "import",
        "export",
        "settings",
        "data",
        "data show",
        "data get",
        "devices",
        "bench",
    ];
    let commands =
        commands.map(str::to_owned).into_iter().chain(tasks().into_iter().map(|task| format!("train {task}")));
    for command in commands {
        let help = help(&command.split_whitespace().collect::<Vec<_>>());
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        for (line, next) in help.lines().zip(help.lines().skip(1)) {
            // An option is indented by six columns; a help text that is broken before one is by more.
            let option = line.starts_with("      --");
            let explained = line.trim_start().contains("  ") || next.starts_with("          ");
            assert!(!option || explained, "{command:?}: {line}");
        }
    }
}

#[test]
fn the_main_options_of_training_show_their_defaults() {
    let help = help(&["train", "chars"]);
    for default in
        ["[default: builtin:source]", "[default: lstm]", "[default: 128]", "[default: 0.002]", "[default: 5]"]
    {
        // Long lines are broken between words.
        assert!(help.split_whitespace().collect::<Vec<_>>().join(" ").contains(default), "{default}");
    }
}

#[test]
fn every_task_stands_in_the_readme() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let tasks = tasks();
    assert!(tasks.len() >= 6, "{tasks:?}");
    let rows: Vec<_> = readme.lines().filter_map(|line| line.strip_prefix("| [`")?.split_once("`](docs/")).collect();
    let listed: Vec<_> = rows.iter().map(|(task, _)| *task).collect();
    for task in &tasks {
        assert!(listed.contains(&task.as_str()), "the table of tasks in README.md has no row for {task}");
    }
    assert_eq!(listed.len(), tasks.len(), "the table of tasks in README.md has rows for tasks that do not exist");
    for (task, rest) in rows {
        let page = rest.split_once(')').unwrap().0;
        let path = format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"));
        assert!(std::fs::exists(&path).unwrap(), "{task}: there is no docs/{page}");
    }
}

#[test]
fn the_settings_of_every_task_can_be_listed_as_text_and_as_json() {
    for task in tasks() {
        let output = Command::new(env!("CARGO_BIN_EXE_rekindle")).args(["settings", &task, "--json"]).output().unwrap();
        let sections: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let help = help(&["train", &task]);
        for field in sections.as_array().unwrap().iter().flat_map(|section| section["settings"].as_array().unwrap()) {
            let option = format!("--{}", field["option"].as_str().unwrap());
            assert!(help.contains(&option), "{task}: {option}");
            assert!(!field["help"].as_str().unwrap().is_empty(), "{task}: {option}");
        }
        // As text it is a TOML file.
        let output = Command::new(env!("CARGO_BIN_EXE_rekindle")).args(["settings", &task]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let table: toml::Table = text.parse().unwrap();
        assert!(table.contains_key("training"), "{text}");
    }
}
