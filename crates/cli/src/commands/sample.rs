//! `rekindle sample`, a file for each task.

mod chars;
mod draw;

use anyhow::{Result, bail};
use clap::ArgMatches;
use rekindle_train::run::{RunFolder, RunSettings};
use rekindle_train::tasks::chars::CharsSettings;
use rekindle_train::tasks::draw::DrawSettings;
use rekindle_train::tasks::sentiment::SentimentSettings;

use crate::options::Sample;

pub fn run(options: &Sample, matches: &ArgMatches) -> Result<()> {
    let run = RunFolder::open(&options.run)?;
    let task = run.head()?.task;
    super::refuse_options_of_other_tasks(&task, matches)?;
    match task.as_str() {
        CharsSettings::TASK => chars::sample(&run, options),
        DrawSettings::TASK => draw::sample(&run, options),
        SentimentSettings::TASK => {
            bail!("{0}: a run of `{task}` classifies: rekindle predict {0}", run.path().display())
        }
        other => bail!("{}: {}", run.path().display(), super::no_such_task(other)),
    }
}
