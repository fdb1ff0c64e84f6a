//! Commands to start with, for someone who gives none.

use std::ffi::OsString;

use rekindle_train::tasks;

/// What to start with, if `arguments` are `rekindle` or `rekindle train` alone.
pub fn words(arguments: &[OsString]) -> Option<String> {
    match arguments {
        [_] => Some(start().to_owned()),
        [_, train] if train == "train" => Some(train_start()),
        _ => None,
    }
}

fn start() -> &'static str {
    "\
Rekindle trains recurrent networks, and runs them. To start:

  rekindle train chars      train a language model on text that comes with it
  rekindle sample latest    let it write
  rekindle view             show runs and their curves in the browser

All commands: rekindle --help"
}

fn train_start() -> String {
    let names: Vec<_> = tasks::ALL.iter().map(|task| task.name()).collect();
    format!(
        "\
Train a model. To start:

  rekindle train chars                   a task, here with its built-in data
  rekindle train --config settings.toml  a recipe, or another run's settings
  rekindle train --resume latest         the run that was trained last, further

Tasks: {}
Options of a task: rekindle train chars -h, and all of them with --help",
        names.join(", ")
    )
}
