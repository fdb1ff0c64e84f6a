//! `rekindle predict`, a file for each task.

mod caption;
mod draw;
mod frames;
mod sentiment;
mod translate;

use anyhow::{Result, bail};
use clap::ArgMatches;
use rekindle_train::run::{RunFolder, RunSettings};
use rekindle_train::tasks::caption::CaptionSettings;
use rekindle_train::tasks::chars::CharsSettings;
use rekindle_train::tasks::draw::DrawSettings;
use rekindle_train::tasks::frames::FramesSettings;
use rekindle_train::tasks::sentiment::SentimentSettings;
use rekindle_train::tasks::translate::TranslateSettings;

use crate::options::Predict;

pub fn run(options: &Predict, matches: &ArgMatches) -> Result<()> {
    let run = RunFolder::open(&options.run)?;
    let task = run.head()?.task;
    super::refuse_options_of_other_tasks(&task, matches)?;
    if options.file.is_some() && ![SentimentSettings::TASK, TranslateSettings::TASK].contains(&task.as_str()) {
        bail!("--file is for runs of `sentiment` and `translate`, and this is a run of `{task}`");
    }
    match task.as_str() {
        CaptionSettings::TASK => caption::predict(&run, options),
        CharsSettings::TASK => bail!("{0}: a run of `{task}` writes: rekindle sample {0}", run.path().display()),
        DrawSettings::TASK => draw::predict(&run, options),
        FramesSettings::TASK => frames::predict(&run, options),
        SentimentSettings::TASK => sentiment::predict(&run, options),
        TranslateSettings::TASK => translate::predict(&run, options),
        other => bail!("{}: {}", run.path().display(), super::no_such_task(other)),
    }
}
