//! `rekindle eval`, a file for each task.

mod chars;
mod sentiment;
mod translate;

use anyhow::{Result, bail};
use clap::ArgMatches;
use rekindle_train::run::{RunFolder, RunSettings};
use rekindle_train::tasks::chars::CharsSettings;
use rekindle_train::tasks::sentiment::SentimentSettings;
use rekindle_train::tasks::translate::TranslateSettings;

use crate::options::Eval;

pub fn run(options: &Eval, matches: &ArgMatches) -> Result<()> {
    let run = RunFolder::open(&options.run)?;
    let task = run.head()?.task;
    super::refuse_options_of_other_tasks(&task, matches)?;
    match task.as_str() {
        CharsSettings::TASK => chars::eval(&run, options),
        SentimentSettings::TASK => sentiment::eval(&run, options),
        TranslateSettings::TASK => translate::eval(&run, options),
        other => bail!("{}: {}", run.path().display(), super::no_such_task(other)),
    }
}
