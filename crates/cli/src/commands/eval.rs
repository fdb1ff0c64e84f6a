//! `rekindle eval`, a file for each task.

mod chars;
mod draw;
mod sentiment;

use anyhow::{Result, bail};
use clap::ArgMatches;
use rekindle_train::run::{RunFolder, RunSettings};
use rekindle_train::tasks::chars::CharsSettings;
use rekindle_train::tasks::draw::DrawSettings;
use rekindle_train::tasks::sentiment::SentimentSettings;

use crate::options::Eval;

pub fn run(options: &Eval, matches: &ArgMatches) -> Result<()> {
    let run = RunFolder::open(&options.run)?;
    let task = run.head()?.task;
    super::refuse_options_of_other_tasks(&task, matches)?;
    match task.as_str() {
        CharsSettings::TASK => chars::eval(&run, options),
        DrawSettings::TASK => draw::eval(&run, options),
        SentimentSettings::TASK => sentiment::eval(&run, options),
        other => bail!("{}: {}", run.path().display(), super::no_such_task(other)),
    }
}
