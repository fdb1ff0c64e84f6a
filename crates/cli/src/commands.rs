//! The commands, a file each.

pub mod bench;
pub mod data;
pub mod devices;
pub mod eval;
pub mod export;
pub mod import;
pub mod inspect;
pub mod predict;
pub mod sample;
pub mod train;
mod weights;

use anyhow::{Result, bail};
use clap::{ArgMatches, Id};
use rekindle_models::decode::Search;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::run::{RunFolder, RunSettings};
use rekindle_train::tasks::caption::{CaptionSettings, TrainedCaptioner};
use rekindle_train::tasks::chars::{CharsSettings, TrainedChars};
use rekindle_train::tasks::draw::{DrawSettings, TrainedDraw};
use rekindle_train::tasks::frames::{FramesSettings, TrainedFrames};
use rekindle_train::tasks::sentiment::{SentimentSettings, TrainedSentiment};
use rekindle_train::tasks::translate::{TrainedTranslator, TranslateSettings};
use serde::Serialize;

use crate::backend::{self, Chosen};
use crate::options::{DeviceOptions, SearchOptions};

/// Prints a result as JSON on standard output.
fn print_json(result: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(result)?);
    Ok(())
}

/// The groups of options, each with the tasks that it is for. What is for one task has its name.
const GROUPS: [(&str, &[&str]); 8] = [
    (CaptionSettings::TASK, &[CaptionSettings::TASK]),
    (CharsSettings::TASK, &[CharsSettings::TASK]),
    (DrawSettings::TASK, &[DrawSettings::TASK]),
    (FramesSettings::TASK, &[FramesSettings::TASK]),
    (SentimentSettings::TASK, &[SentimentSettings::TASK]),
    (TranslateSettings::TASK, &[TranslateSettings::TASK]),
    ("search", &[CaptionSettings::TASK, TranslateSettings::TASK]),
    ("written", &[CaptionSettings::TASK, TranslateSettings::TASK]),
];

/// An option that only runs of another task take must not be passed over in silence.
fn refuse_options_of_other_tasks(task: &str, matches: &ArgMatches) -> Result<()> {
    for (group, tasks) in GROUPS.into_iter().filter(|(_, tasks)| !tasks.contains(&task)) {
        // The parser knows a group only where the command has options of it.
        let given = matches.try_get_many::<Id>(group).ok().flatten().and_then(|mut options| options.next());
        if let Some(option) = given {
            let option = option.as_str().replace('_', "-");
            bail!("--{option} is for runs of `{}`, and this is a run of `{task}`", tasks.join("` and `"));
        }
    }
    Ok(())
}

/// Opens the model of a run, naming the checkpoints that had to be passed over.
fn open_chars(run: &RunFolder, which: Which, device: &DeviceOptions) -> Result<(TrainedChars, Chosen)> {
    let chosen = backend::choose(device)?;
    let trained = TrainedChars::open(run, which, &chosen.device)?;
    warn_of_rejected(&trained.rejected);
    Ok((trained, chosen))
}

/// The same of a run of `draw`.
fn open_draw(run: &RunFolder, which: Which, device: &DeviceOptions) -> Result<TrainedDraw> {
    let trained = TrainedDraw::open(run, which, &backend::choose(device)?.device)?;
    warn_of_rejected(&trained.rejected);
    Ok(trained)
}

/// As [`open_chars`], for runs of `frames`.
fn open_frames(run: &RunFolder, which: Which, device: &DeviceOptions) -> Result<(TrainedFrames, Chosen)> {
    let chosen = backend::choose(device)?;
    let trained = TrainedFrames::open(run, which, &chosen.device)?;
    warn_of_rejected(&trained.rejected);
    Ok((trained, chosen))
}

/// As [`open_chars`], for runs of `sentiment`.
fn open_sentiment(run: &RunFolder, which: Which, device: &DeviceOptions) -> Result<(TrainedSentiment, Chosen)> {
    let chosen = backend::choose(device)?;
    let trained = TrainedSentiment::open(run, which, &chosen.device)?;
    warn_of_rejected(&trained.rejected);
    Ok((trained, chosen))
}

/// As [`open_chars`], for runs of `translate`.
fn open_translator(run: &RunFolder, which: Which, device: &DeviceOptions) -> Result<TrainedTranslator> {
    let chosen = backend::choose(device)?;
    let trained = TrainedTranslator::open(run, which, &chosen.device)?;
    warn_of_rejected(&trained.rejected);
    Ok(trained)
}

/// As [`open_chars`], for runs of `caption`.
fn open_captioner(run: &RunFolder, which: Which, device: &DeviceOptions) -> Result<TrainedCaptioner> {
    let chosen = backend::choose(device)?;
    let trained = TrainedCaptioner::open(run, which, &chosen.device)?;
    warn_of_rejected(&trained.rejected);
    Ok(trained)
}

/// The search that the options ask for, and the `usual` one where they say nothing.
fn search_of(options: &SearchOptions, usual: Search) -> Search {
    Search {
        beam: options.beam.unwrap_or(usual.beam),
        length_normalization: options.length_normalization.unwrap_or(usual.length_normalization),
        coverage: options.coverage.unwrap_or(usual.coverage),
        min_length: options.min_length.unwrap_or(usual.min_length),
        max_length: options.longest.unwrap_or(usual.max_length),
        no_repeat: options.no_repeat.unwrap_or(usual.no_repeat),
    }
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
