//! `rekindle train`, for any task.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use clap::{ArgMatches, FromArgMatches};
use rekindle_data::counted;
use rekindle_settings::{Table, Tables};
use rekindle_train::group;
use rekindle_train::operation::Command;
use rekindle_train::registry::{self, Pace, Plan, Registered, Resume, Session};
use rekindle_train::run::RunFolder;
use rekindle_train::trainer::{self, EndReason, Outcome, StopSignal};
use rekindle_train::{TrainError, quoted, tasks};
use serde_json::json;

use super::compare::time;
use super::sweep::Sweep;
use crate::arguments;
use crate::backend;
use crate::config_file::ConfigFile;
use crate::console::{self, alert, answer, note};
use crate::options::{Answer, DeviceOptions, NewRun, Output, Train};
use crate::presets;
use crate::progress::{Progress, thousands};
use crate::ranks;
use crate::runs::{self, RUNS};
use crate::signals;

pub fn run(options: Train, matches: &ArgMatches) -> Result<()> {
    let Some((name, matches)) = matches.subcommand() else { return resume(options, matches) };
    let task = registry::find(tasks::ALL, name).context("the subcommands are made from the registry")?;
    let (run, device) = (NewRun::from_arg_matches(matches)?, DeviceOptions::from_arg_matches(matches)?);
    let output = Output::from_arg_matches(matches)?;
    let config = run.config.as_deref().map(ConfigFile::read).transpose()?;
    let file = config.as_ref().map_or_else(|| Ok(Table::new()), |config| config.settings(task))?;
    let file = arguments::given_preset(matches).map_or_else(|| file.clone(), |preset| presets::under(preset, &file));
    let settings = Tables { file, given: arguments::given_settings(task, matches) };
    let chosen = backend::choose(&device)?;
    let explain = |error: TrainError| match &config {
        Some(config) => config.explain(error),
        None => error.into(),
    };
    let init_from = run.init_from.as_deref().map(runs::folder).transpose()?;
    let swept = arguments::swept_settings(task, matches);
    if !swept.is_empty() {
        if group::present().is_some() {
            bail!(
                "several values of a setting are tried one after the other, in one process: start it without `mpirun`"
            );
        }
        let folder = out_folder(run.out.as_ref(), &format!("{name}-sweep"));
        let sweep = Sweep { task, swept, settings, folder, replace: run.force, init_from, chosen };
        return sweep.run(run.dry_run, explain, output.json);
    }
    if let Some(out) = &run.out {
        runs::check_apart(out, init_from.as_deref())?;
    }
    if run.dry_run {
        if let Some(source) = &init_from {
            check_origin(task, &settings, source, &chosen.device, explain)?;
        }
        return dry_run(task, settings, &chosen.device, output.json).map_err(|error| match error.downcast() {
            Ok(error) => explain(error),
            Err(other) => other,
        });
    }
    let new = trainer::NewRun { out: out_folder(run.out.as_ref(), name), replace: run.force, init_from };
    let session = task.start(settings, &new, &chosen.device).map_err(explain)?;
    train(task, session, chosen.name, output.json)
}

fn resume(options: Train, matches: &ArgMatches) -> Result<()> {
    let run = runs::open(&options.resume.context("clap asks for --resume when there is no task")?)?;
    let answer = Answer::from_arg_matches(matches)?;
    let task = registry::of_run(tasks::ALL, &run)?;
    let chosen = backend::choose(&answer.device)?;
    let change = Resume { given: arguments::given_to_resume(matches), other_data: options.other_data };
    train(task, task.resume(run, change, &chosen.device)?, chosen.name, answer.output.json)
}

/// Checks that a new run can start from the weights of the run `source`: creates it in a temporary folder. `explain`
/// adds to an error the file of settings that it is in.
pub fn check_origin(
    task: &dyn Registered,
    settings: &Tables,
    source: &Path,
    device: &Device,
    explain: impl Fn(TrainError) -> anyhow::Error,
) -> Result<()> {
    let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
    let out = temporary.path().join("run");
    let new = trainer::NewRun { out, replace: false, init_from: Some(source.to_owned()) };
    match task.start(settings.clone(), &new, device) {
        Ok(_) => Ok(()),
        // A model that is too large for this machine can be planned here.
        Err(TrainError::OutOfMemory { .. }) => Ok(RunFolder::open(source).map(drop)?),
        Err(error) => Err(explain(error)),
    }
}

/// The warnings in a summary of data.
pub fn warnings(summary: &str) -> impl Iterator<Item = &str> {
    summary.lines().filter(|line| is_warning(line))
}

fn is_warning(line: &str) -> bool {
    line.starts_with("warning:")
}

/// Prints what a run would be, with the time of its steps.
fn dry_run(task: &dyn Registered, settings: Tables, device: &Device, json: bool) -> Result<()> {
    let plan = task.plan(settings.clone(), device)?;
    let Plan { summary, steps_per_epoch, steps, memory } = &plan;
    if !json {
        answer!("{summary}")?;
        let (parameters, steps) = (thousands(memory.parameters as f64), counted(*steps as usize, "steps"));
        answer!("{parameters} parameters, {steps}, {steps_per_epoch} an epoch")?;
        answer!("memory: {memory}")?;
    }
    let mut progress = Progress::new(StopSignal::default());
    let pace = task.pace(settings, device, &mut progress)?;
    drop(progress);
    let seconds = pace.map(|pace| pace.seconds_per_step * *steps as f64);
    if json {
        let mut value = serde_json::to_value(&plan)?;
        value["pace"] = json!(pace);
        value["seconds"] = json!(seconds);
        return console::json(&value);
    }
    let Some((Pace { timed_steps, seconds_per_step }, seconds)) = pace.zip(seconds) else {
        return Ok(answer!("time: not measured, as more memory is needed than is free")?);
    };
    let timed = counted(timed_steps as usize, "steps");
    let each = seconds_per_step * 1000.0;
    answer!("time: about {} for the steps, {each:.1} ms each ({timed} timed); evaluations come on top", time(seconds))?;
    Ok(())
}

fn train(task: &dyn Registered, session: Box<dyn Session>, backend: &str, json: bool) -> Result<()> {
    let out = session.folder().to_owned();
    note!("run {}, backend {backend}", out.display());
    for line in session.summary().lines() {
        if is_warning(line) {
            alert!("{line}");
        } else {
            note!("{line}");
        }
    }
    let stop = StopSignal::default();
    let mut progress = Progress::new(stop.clone());
    let outcome = session.train(&mut progress, &stop)?;
    drop(progress);
    report(&outcome, task, &out, json)?;
    if outcome.reason == EndReason::Stopped {
        ranks::end(signals::STOPPED);
    }
    Ok(())
}

fn report(outcome: &Outcome, task: &dyn Registered, out: &Path, json: bool) -> Result<()> {
    let (run, steps) = (quoted(out), counted(outcome.steps as usize, "steps"));
    match outcome.reason {
        EndReason::Finished => note!("done: {steps}"),
        EndReason::OutOfPatience => note!("stopped after {steps}: no better evaluation came"),
        EndReason::Stopped => {
            note!("stopped after {steps}; resume with: rekindle train --resume {run}");
        }
    }
    if let Some(best) = outcome.best {
        note!("the best checkpoint is that of step {}", best.step);
    }
    // Without held-out data, an evaluation would fail.
    let supported = |command: &&Command| {
        task.options(**command).is_some() && (**command != Command::Eval || outcome.evaluation.is_some())
    };
    if let Some(next) = [Command::Sample, Command::Eval, Command::Predict].iter().find(supported) {
        note!("next: rekindle {next} {run}");
    }
    if json {
        let result = json!({
            "run": out,
            "steps": outcome.steps,
            "finished": outcome.reason != EndReason::Stopped,
            "best": outcome.best,
            "loss": outcome.evaluation.as_ref().map(|report| report.loss.value),
        });
        console::json(&result)?;
    }
    Ok(())
}

/// The folder of the run: as given, or the first free name.
pub fn out_folder(out: Option<&PathBuf>, task: &str) -> PathBuf {
    out.cloned().unwrap_or_else(|| {
        let numbered = (2..).map(|number| Path::new(RUNS).join(format!("{task}-{number}")));
        let mut names = std::iter::once(Path::new(RUNS).join(task)).chain(numbered);
        names.find(|name| !name.exists()).expect("the names never end")
    })
}
