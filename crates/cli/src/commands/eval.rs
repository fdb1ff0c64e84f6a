//! `rekindle eval`, a file for each task.

mod chars;

use anyhow::{Result, bail};
use rekindle_train::run::{RunFolder, RunSettings};
use rekindle_train::tasks::chars::CharsSettings;

use crate::options::Eval;

pub fn run(options: &Eval) -> Result<()> {
    let run = RunFolder::open(&options.run)?;
    match run.head()?.task.as_str() {
        CharsSettings::TASK => chars::eval(&run, options),
        other => bail!("{}: {}", run.path().display(), super::no_such_task(other)),
    }
}
