//! The `rekindle` command: parses the options, calls the registry of tasks, prints.
//!
//! It is a library so that it can be compiled with settings of its own: a profile has none for the program alone that
//! Cargo strips (see `Cargo.toml` of the workspace).
#![deny(unsafe_code)]
// A closed pipe would make them panic: see `console`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod backend;
mod commands;
mod config_file;
mod console;
mod hub;
mod options;
mod presets;
mod progress;
mod ranks;
mod runs;
mod signals;

use std::process::ExitCode;

use clap::FromArgMatches;
use rekindle_train::TrainError;

use crate::arguments::Help;
use crate::console::alert;
use crate::options::{Command, Rekindle};

/// The exit status of wrong usage, as that of clap.
const WRONG_USAGE: u8 = 2;

/// Runs the command with the arguments of this process, and gives its exit status: 0 when it did its work, 1 after an
/// error, which is printed.
///
/// Help and wrong usage end the process, as with clap: 0 and 2.
pub fn run() -> ExitCode {
    ranks::run(command)
}

fn command() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(words) = commands::start::words(&arguments) {
        alert!("{words}");
        return ExitCode::from(WRONG_USAGE);
    }
    let matches = match config_file::with_task(arguments) {
        Ok(arguments) => {
            let help = if arguments::asks_briefly(&arguments) { Help::Brief } else { Help::Whole };
            arguments::command(help).try_get_matches_from(arguments).unwrap_or_else(|e| exit(&e))
        }
        Err(e) => {
            ranks::report(&e);
            return ExitCode::FAILURE;
        }
    };
    let options = Rekindle::from_arg_matches(&matches).unwrap_or_else(|e| exit(&e));
    let (name, given) = matches.subcommand().expect("the command was parsed from these matches");
    if let Err(e) = ranks::check(&options.command, name) {
        ranks::report(&e);
        return ExitCode::FAILURE;
    }
    if options.quiet {
        console::be_quiet();
    }
    let done = match options.command {
        Command::Train(train) => commands::train::run(train, given),
        Command::Sample(sample) => commands::operations::sample(&sample, given),
        Command::Eval(eval) => commands::operations::eval(&eval, given),
        Command::Predict(predict) => commands::operations::predict(&predict, given),
        Command::Score(score) => commands::score::run(&score),
        Command::Runs(runs) => commands::runs::run(&runs),
        Command::Inspect(inspect) => commands::inspect::run(&inspect),
        Command::Compare(compare) => commands::compare::run(&compare),
        #[cfg(feature = "view")]
        Command::View(view) => commands::view::run(&view),
        #[cfg(not(feature = "view"))]
        Command::View(_) => Err(anyhow::anyhow!("this program has no page: build it with `--features view`")),
        Command::Average(average) => commands::average::run(&average),
        Command::Import(import) => commands::operations::import(&import, given),
        Command::Export(export) => commands::export::run(&export),
        Command::Settings(settings) => commands::settings::run(&settings),
        Command::Data(data) => commands::data::run(data),
        Command::Devices(devices) => commands::devices::run(&devices),
        Command::Bench(bench) => commands::bench::run(&bench),
        Command::Completions(completions) => commands::completions::write(&completions),
        Command::Man(man) => commands::completions::manual(&man),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has stopped: `rekindle sample ... | head` is not a failure.
        Err(e) if is_broken_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            ranks::report(&e);
            ExitCode::FAILURE
        }
    }
}

/// Ends the program with an error of its arguments or with help, which one of several processes prints.
fn exit(error: &clap::Error) -> ! {
    if ranks::is_first() { error.exit() } else { std::process::exit(error.exit_code()) }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    // A task's error is not a separate cause: its message is that of the error.
    let of_task = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref() {
        Some(TrainError::Task(source)) => source.downcast_ref().is_some_and(broken),
        _ => false,
    };
    error.chain().any(|cause| cause.downcast_ref().is_some_and(broken) || of_task(cause))
}
