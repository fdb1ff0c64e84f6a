//! `rekindle train`: the same for every task, but for its name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{ArgMatches, Args};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_train::run::{RunFolder, RunSettings};
use rekindle_train::task::Task;
use rekindle_train::tasks::caption::{CaptionSettings, CaptionTask};
use rekindle_train::tasks::chars::{CharsSettings, CharsTask};
use rekindle_train::tasks::draw::{DrawSettings, DrawTask};
use rekindle_train::tasks::frames::{FramesSettings, FramesTask};
use rekindle_train::tasks::sentiment::{SentimentSettings, SentimentTask};
use rekindle_train::tasks::translate::{TranslateSettings, TranslateTask};
use rekindle_train::trainer::{EndReason, Outcome, StopSignal, Trainer};
use serde_json::json;

use crate::backend;
use crate::config_file;
use crate::options::{NewTask, Output, Train, TrainTask};
use crate::progress::Progress;

pub fn run(mut train: Train, matches: &ArgMatches) -> Result<()> {
    match (train.task.take(), &train.resume) {
        (Some(task), _) => {
            let (_, matches) = matches.subcommand().expect("the task was parsed from these matches");
            match task {
                TrainTask::Caption(options) => start::<CaptionTask>(*options, matches),
                TrainTask::Chars(options) => start::<CharsTask>(*options, matches),
                TrainTask::Draw(options) => start::<DrawTask>(*options, matches),
                TrainTask::Frames(options) => start::<FramesTask>(*options, matches),
                TrainTask::Sentiment(options) => start::<SentimentTask>(*options, matches),
                TrainTask::Translate(options) => start::<TranslateTask>(*options, matches),
            }
        }
        (None, Some(run)) => {
            let run = RunFolder::open(run)?;
            match run.head()?.task.as_str() {
                CaptionSettings::TASK => resume::<CaptionTask>(run, &train),
                CharsSettings::TASK => resume::<CharsTask>(run, &train),
                DrawSettings::TASK => resume::<DrawTask>(run, &train),
                FramesSettings::TASK => resume::<FramesTask>(run, &train),
                SentimentSettings::TASK => resume::<SentimentTask>(run, &train),
                TranslateSettings::TASK => resume::<TranslateTask>(run, &train),
                other => bail!("{}: {}", run.path().display(), super::no_such_task(other)),
            }
        }
        (None, None) => unreachable!("clap asks for --resume when there is no task"),
    }
}

fn start<T: Task>(options: NewTask<T::Settings>, matches: &ArgMatches) -> Result<()>
where
    T::Settings: Args,
{
    let mut settings = options.settings;
    if let Some(file) = &options.run.config {
        settings = config_file::overlay(&settings, matches, T::Settings::TASK, file)?;
    }
    let chosen = backend::choose(&options.device)?;
    let task = T::open(&settings, &chosen.device)?;
    let training = settings.training().clone();
    // Before the folder is made: a run to start from that does not fit must not leave an empty one.
    let model = match &options.run.init_from {
        Some(source) => {
            let source = RunFolder::open(source)?;
            let device = chosen.device.clone().autodiff();
            let fresh = task.init_model(&mut ChaCha8Rng::seed_from_u64(training.seed), &device);
            let (model, found) = task.start_from(fresh, &source)?;
            eprintln!("{found}");
            Some(model)
        }
        None => None,
    };
    let run = RunFolder::create(out_folder(options.run.out.as_ref(), T::Settings::TASK), &settings, options.run.force)?;
    task.save(&run)?;
    describe(&task, chosen.name, &run);
    let out = run.path().to_owned();
    let trainer = match model {
        Some(model) => Trainer::with_model(task, training, run, chosen.device, model)?,
        None => Trainer::new(task, training, run, chosen.device)?,
    };
    train(trainer, &out, &options.output)
}

fn resume<T: Task>(run: RunFolder, options: &Train) -> Result<()> {
    let mut settings: T::Settings = run.settings()?;
    let training = settings.training();
    if let Some(epochs) = options.epochs {
        (training.epochs, training.steps) = (epochs, None);
    }
    training.steps = options.steps.or(training.steps);
    let training = training.clone();
    let chosen = backend::choose(&options.device)?;
    let task = T::reopen(&settings, &run, &chosen.device)?;
    run.write_settings(&settings)?;
    describe(&task, chosen.name, &run);
    let out = run.path().to_owned();
    let trainer = Trainer::resume(task, training, run, chosen.device)?;
    train(trainer, &out, &options.output)
}

fn describe<T: Task>(task: &T, backend: &str, run: &RunFolder) {
    eprintln!("run {}, backend {backend}", run.path().display());
    eprintln!("{}", task.describe());
}

fn train<T: Task>(trainer: Trainer<T>, out: &Path, output: &Output) -> Result<()> {
    let stop = StopSignal::default();
    let signal = stop.clone();
    // A second Ctrl-C must not wait for the step to end.
    ctrlc::set_handler(move || if signal.stopped() { std::process::exit(130) } else { signal.stop() })
        .context("cannot listen for Ctrl-C")?;
    let mut progress = Progress::new();
    let outcome = trainer.train(&mut progress, &stop)?;
    drop(progress);
    report(&outcome, T::Settings::TASK, out, output)
}

fn report(outcome: &Outcome, task: &str, out: &Path, output: &Output) -> Result<()> {
    let run = out.display();
    match outcome.reason {
        EndReason::Finished => eprintln!("done: {} steps", outcome.steps),
        EndReason::OutOfPatience => eprintln!("stopped after {} steps: no better evaluation came", outcome.steps),
        EndReason::Stopped => {
            eprintln!("stopped after {} steps; go on with: rekindle train --resume {run}", outcome.steps);
        }
    }
    if let Some(best) = outcome.best {
        eprintln!("the best checkpoint is that of step {}", best.step);
    }
    let next = match task {
        CharsSettings::TASK => "let it write with: rekindle sample",
        DrawSettings::TASK => "let it draw with: rekindle sample",
        _ => "judge it with: rekindle eval",
    };
    eprintln!("{next} {run}");
    if output.json {
        super::print_json(&json!({
            "run": out,
            "steps": outcome.steps,
            "finished": outcome.reason != EndReason::Stopped,
            "best": outcome.best,
            "loss": outcome.evaluation.as_ref().map(|evaluation| evaluation.loss),
        }))?;
    }
    Ok(())
}

/// Where the run goes: as asked for, or to the first free name.
pub fn out_folder(out: Option<&PathBuf>, task: &str) -> PathBuf {
    out.cloned().unwrap_or_else(|| {
        let numbered = (2..).map(|number| PathBuf::from(format!("runs/{task}-{number}")));
        let mut names = std::iter::once(PathBuf::from(format!("runs/{task}"))).chain(numbered);
        names.find(|name| !name.exists()).expect("the names never end")
    })
}
