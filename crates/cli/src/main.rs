//! The `rekindle` command: reads the options, puts the crates together, prints.
#![deny(unsafe_code)]

mod allocator;
mod backend;
mod commands;
mod config_file;
mod options;
mod progress;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::options::{Command, Rekindle};

fn main() -> ExitCode {
    allocator::keep_pages();
    let matches = Rekindle::command().get_matches();
    let options = Rekindle::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
    let given = || matches.subcommand().expect("the command was parsed from these matches").1;
    let done = match options.command {
        Command::Train(train) => commands::train::run(train, given()),
        Command::Sample(sample) => commands::sample::run(&sample, given()),
        Command::Eval(eval) => commands::eval::run(&eval, given()),
        Command::Predict(predict) => commands::predict::run(&predict, given()),
        Command::Inspect(inspect) => commands::inspect::run(&inspect),
        Command::Import(import) => commands::import::run(&import),
        Command::Export(export) => commands::export::run(&export),
        Command::Data(data) => commands::data::run(data),
        Command::Devices(devices) => commands::devices::run(&devices),
        Command::Bench(bench) => commands::bench::run(&bench),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough: `rekindle sample ... | head` is no failure.
        Err(e) if is_broken_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}
