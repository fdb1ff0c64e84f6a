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
fn open_chars(run: &std::path::Path, which: Which, device: &DeviceOptions) -> Result<(TrainedChars, Chosen)> {
    let run = RunFolder::open(run)?;
    let chosen = backend::choose(device)?;
    let trained = TrainedChars::open(&run, which, &chosen.device)?;
    for rejected in &trained.rejected {
        eprintln!("warning: passed over a checkpoint: {rejected}");
    }
    Ok((trained, chosen))
}
