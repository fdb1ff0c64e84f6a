//! What the command says of itself. That a test of this package runs the command also makes Cargo build it, for the
//! end-to-end tests of the workspace.

use std::process::Command;

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rekindle")).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_and_option_is_explained_within_the_width_of_a_page() {
    let commands: [&[&str]; 10] = [
        &[],
        &["train"],
        &["train", "chars"],
        &["sample"],
        &["eval"],
        &["data"],
        &["data", "show"],
        &["data", "get"],
        &["devices"],
        &["bench"],
    ];
    for command in commands {
        let help = help(command);
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        for (line, next) in help.lines().zip(help.lines().skip(1)) {
            let option = line.trim_start();
            let explained = option.contains("  ") || next.starts_with("          ");
            assert!(!option.starts_with("--") || explained, "{command:?}: {line}");
        }
    }
}

#[test]
fn the_main_options_of_training_show_their_defaults() {
    let help = help(&["train", "chars"]);
    for default in
        ["[default: builtin:source]", "[default: lstm]", "[default: 128]", "[default: 0.002]", "[default: 5]"]
    {
        assert!(help.contains(default), "{default}");
    }
}
