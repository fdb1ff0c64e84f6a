//! The commands, a file each.

pub mod bench;
pub mod data;
pub mod devices;
pub mod eval;
pub mod sample;
pub mod train;

use anyhow::Result;
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::tasks::chars::TrainedChars;
use serde::Serialize;

use crate::backend::{self, Chosen};
use crate::options::DeviceOptions;

/// Prints a result as JSON on standard output.
fn print_json(result: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(result)?);
    Ok(())
}

/// Opens the model of a run, naming the checkpoints that had to be passed over.
fn open_chars(run: &RunFolder, which: Which, device: &DeviceOptions) -> Result<(TrainedChars, Chosen)> {
    let chosen = backend::choose(device)?;
    let trained = TrainedChars::open(run, which, &chosen.device)?;
    warn_of_rejected(&trained.rejected);
    Ok((trained, chosen))
}

/// Names the checkpoints that had to be passed over.
fn warn_of_rejected(rejected: &[String]) {
    for rejected in rejected {
        eprintln!("warning: passed over a checkpoint: {rejected}");
    }
}

/// What is said of a run whose task this version does not have.
fn no_such_task(task: &str) -> String {
    format!("a run of the task `{task}`, which this version of Rekindle does not have")
}
