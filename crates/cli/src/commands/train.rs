//! `rekindle train`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ArgMatches;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::Vocabulary;
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::task::Task as _;
use rekindle_train::tasks::chars::{CharsSettings, CharsTask, TrainedChars};
use rekindle_train::trainer::{EndReason, Outcome, StopSignal, Trainer};
use serde_json::json;

use crate::backend::{self, Chosen};
use crate::config_file;
use crate::options::{NewRun, Output, Task, Train, TrainChars};
use crate::progress::Progress;

pub fn run(mut train: Train, matches: &ArgMatches) -> Result<()> {
    match (train.task.take(), &train.resume) {
        (Some(Task::Chars(chars)), _) => {
            let matches = matches.subcommand().and_then(|(_, train)| train.subcommand());
            let (_, matches) = matches.expect("the task was parsed from these matches");
            new_chars(*chars, matches)
        }
        (None, Some(run)) => resume(run, &train),
        (None, None) => unreachable!("clap asks for --resume when there is no task"),
    }
}

fn new_chars(options: TrainChars, matches: &ArgMatches) -> Result<()> {
    let mut settings = options.settings;
    if let Some(file) = &options.run.config {
        settings = config_file::overlay(&settings, matches, CharsSettings::NAME, file)?;
    }
    let chosen = backend::choose(&options.device)?;
    let task = CharsTask::new(&settings, &chosen.device)?;
    let source = match &options.run.init_from {
        Some(run) => Some(TrainedChars::open(&RunFolder::open(run)?, Which::Best, &chosen.device)?),
        None => None,
    };
    let out = out_folder(&options.run, CharsSettings::NAME);
    let run = RunFolder::create(&out, &settings, options.run.force)?;
    task.vocabulary().save(run.vocabulary())?;
    describe(&task, &chosen, &run);
    let training = settings.training.clone();
    let trainer = match source {
        Some(source) => {
            let device = chosen.device.clone().autodiff();
            let blank = task.init_model(&mut ChaCha8Rng::seed_from_u64(training.seed), &device);
            let known = task.vocabulary().map_to(&source.vocabulary);
            let found = known.iter().flatten().count();
            eprintln!("{found} of {} symbols have weights in the run to start from", known.len());
            let model = blank.with_weights_of(&source.model, &known).context("--init-from")?;
            Trainer::with_model(task, training, run, chosen.device, model)?
        }
        None => Trainer::new(task, training, run, chosen.device)?,
    };
    train(trainer, &out, &options.output)
}

fn resume(path: &Path, options: &Train) -> Result<()> {
    let run = RunFolder::open(path)?;
    let mut settings: CharsSettings = run.settings()?;
    if let Some(epochs) = options.epochs {
        (settings.training.epochs, settings.training.steps) = (epochs, None);
    }
    settings.training.steps = options.steps.or(settings.training.steps);
    let chosen = backend::choose(&options.device)?;
    let vocabulary = Vocabulary::load(run.vocabulary())?;
    let task = CharsTask::with_vocabulary(&settings, vocabulary, &chosen.device)?;
    run.write_settings(&settings)?;
    describe(&task, &chosen, &run);
    let trainer = Trainer::resume(task, settings.training, run, chosen.device)?;
    train(trainer, path, &options.output)
}

fn describe(task: &CharsTask, chosen: &Chosen, run: &RunFolder) {
    eprintln!("run {}, backend {}", run.path().display(), chosen.name);
    eprintln!("{} symbols; {}", task.vocabulary().len(), task.split());
}

fn train(trainer: Trainer<CharsTask>, out: &Path, output: &Output) -> Result<()> {
    let stop = StopSignal::default();
    let signal = stop.clone();
    // A second Ctrl-C must not wait for the step to end.
    ctrlc::set_handler(move || if signal.stopped() { std::process::exit(130) } else { signal.stop() })
        .context("cannot listen for Ctrl-C")?;
    let mut progress = Progress::new();
    let outcome = trainer.train(&mut progress, &stop)?;
    drop(progress);
    report(&outcome, out, output)
}

fn report(outcome: &Outcome, out: &Path, output: &Output) -> Result<()> {
    let run = out.display();
    match outcome.reason {
        EndReason::Finished => eprintln!("done: {} steps", outcome.steps),
        EndReason::OutOfPatience => eprintln!("stopped after {} steps: no better evaluation came", outcome.steps),
        EndReason::Stopped => {
            eprintln!("stopped after {} steps; go on with: rekindle train --resume {run}", outcome.steps);
        }
    }
    if let Some(best) = outcome.best {
        eprintln!("best held-out loss {:.4} nats, after step {}", best.objective, best.step);
    }
    eprintln!("let it write with: rekindle sample {run}");
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
fn out_folder(options: &NewRun, task: &str) -> PathBuf {
    options.out.clone().unwrap_or_else(|| {
        let numbered = (2..).map(|number| PathBuf::from(format!("runs/{task}-{number}")));
        let mut names = std::iter::once(PathBuf::from(format!("runs/{task}"))).chain(numbered);
        names.find(|name| !name.exists()).expect("the names never end")
    })
}
