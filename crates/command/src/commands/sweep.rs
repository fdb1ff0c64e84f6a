//! A sweep: `train TASK --learning-rate 0.001,0.003 --hidden 128,256` trains a run for each choice of values, one after
//! the other, side by side in one folder, and prints a table of them.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use rekindle_data::counted;
use rekindle_settings::{Table, Tables, Value, typed};
use rekindle_train::TrainError;
use rekindle_train::registry::{Plan, Registered};
use rekindle_train::run::{RunFolder, RunSummary};
use rekindle_train::trainer::{EndReason, NewRun, StopSignal};
use serde_json::json;

use super::compare::{columns, time};
use super::train::{check_origin, warnings};
use crate::arguments::Swept;
use crate::backend::Chosen;
use crate::console::{self, alert, answer, note};
use crate::progress::{Progress, thousands};
use crate::runs;
use crate::signals;

/// The most runs of a sweep.
const RUNS: usize = 1000;

/// What all runs of a sweep have in common.
pub struct Sweep<'a> {
    /// The task.
    pub task: &'a dyn Registered,
    /// The settings with several values.
    pub swept: Vec<Swept>,
    /// The other settings.
    pub settings: Tables,
    /// The folder of the folders of the runs.
    pub folder: PathBuf,
    /// Whether existing runs in it are replaced.
    pub replace: bool,
    /// The run whose weights all start from.
    pub init_from: Option<PathBuf>,
    /// Where to compute.
    pub chosen: Chosen,
}

/// One choice of values.
pub struct Choice {
    /// The options and their values.
    pub values: Vec<(String, Value)>,
    /// All settings.
    pub settings: Tables,
}

impl Choice {
    /// The name of its folder: `learning-rate=0.001,hidden=128`.
    pub fn name(&self) -> String {
        self.values.iter().map(|(option, value)| format!("{option}={}", typed(value))).collect::<Vec<_>>().join(",")
    }

    /// The options and their values, for programs.
    fn as_json(&self) -> serde_json::Value {
        self.values
            .iter()
            .map(|(option, value)| (option.clone(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

/// A run of a sweep.
struct Trained {
    choice: Choice,
    run: PathBuf,
    /// Whether its folder was created.
    created: bool,
    /// Why it failed.
    failed: Option<String>,
}

impl Trained {
    /// What is in its folder, if that can be read.
    fn summary(&self) -> Option<RunSummary> {
        // The folder may hold an older run, which this one was to replace.
        let read = |path: &Path| -> Result<RunSummary> { Ok(RunSummary::read(&RunFolder::open(path)?)?) };
        let read = self.created.then(|| read(&self.run))?;
        read.inspect_err(|error| alert!("warning: {}: {error:#}", self.run.display())).ok()
    }
}

impl Sweep<'_> {
    /// Every choice of values, all of them different; the last option varies fastest.
    pub fn choices(&self) -> Result<Vec<Choice>> {
        let count = self.swept.iter().try_fold(1_usize, |count, swept| count.checked_mul(swept.values.len()));
        if count.is_none_or(|count| count > RUNS) {
            bail!("these options ask for more than {RUNS} runs: give fewer values");
        }
        let start = vec![Choice { values: Vec::new(), settings: self.settings.clone() }];
        let choices = self.swept.iter().fold(start, |choices, swept| {
            let with = |choice: &Choice, value: &Value| {
                let mut settings = choice.settings.clone();
                let table = settings.given.entry(swept.table).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(table) = table {
                    table.insert(swept.key.to_owned(), value.clone());
                }
                let values = [&choice.values[..], &[(swept.option.clone(), value.clone())]].concat();
                Choice { values, settings }
            };
            let with = &with;
            choices.iter().flat_map(|choice| swept.values.iter().map(move |value| with(choice, value))).collect()
        });
        check_different(&choices, &self.folder)?;
        Ok(choices)
    }

    /// Trains all runs, or with `dry` prints their plans. `explain` adds to an error the file of settings that it is
    /// in.
    pub fn run(self, dry: bool, explain: impl Fn(TrainError) -> anyhow::Error, json: bool) -> Result<()> {
        let choices = self.choices()?;
        let device = &self.chosen.device;
        // What is wrong is found before the first run is trained.
        if !dry {
            check_folders(&choices, &self.folder, self.replace, self.init_from.as_deref())?;
        }
        let plan = |choice: &Choice| self.task.plan(choice.settings.clone(), device).map_err(&explain);
        let plans = choices.iter().map(plan).collect::<Result<Vec<_>>>()?;
        if let Some(source) = &self.init_from {
            let check = |choice: &Choice| check_origin(self.task, &choice.settings, source, device, &explain);
            choices.iter().try_for_each(check)?;
        }
        if dry {
            return print_plans(&choices, &plans, json);
        }
        let all = choices.len();
        note!("{} in {}, backend {}", counted(all, "runs"), self.folder.display(), self.chosen.name);
        let warnings: BTreeSet<_> = plans.iter().flat_map(|plan| warnings(&plan.summary)).collect();
        warnings.iter().for_each(|warning| alert!("{warning}"));
        let stop = StopSignal::default();
        let mut runs = Vec::new();
        for (number, choice) in choices.into_iter().enumerate() {
            let run = self.folder.join(choice.name());
            note!("\nrun {} of {all}: {}", number + 1, choice.name());
            let new = NewRun { out: run.clone(), replace: self.replace, init_from: self.init_from.clone() };
            let session = self.task.start(choice.settings.clone(), &new, device).map_err(&explain);
            let created = session.is_ok();
            let outcome = session.and_then(|session| Ok(session.train(&mut Progress::new(stop.clone()), &stop)?));
            let stopped = outcome.as_ref().is_ok_and(|outcome| outcome.reason == EndReason::Stopped);
            let failed = outcome.err().map(|error| format!("{error:#}"));
            if let Some(error) = &failed {
                alert!("warning: {}: {error}", run.display());
            }
            runs.push(Trained { choice, run, created, failed });
            if stopped {
                note!("stopped: {} of {all} were begun", counted(number + 1, "runs"));
                report(runs, json)?;
                std::process::exit(signals::STOPPED.into());
            }
        }
        let failed = runs.iter().filter(|run| run.failed.is_some()).count();
        report(runs, json)?;
        if failed > 0 {
            bail!("{} of {all} failed", counted(failed, "runs"));
        }
        Ok(())
    }
}

/// Checks that no values are given twice: both runs would have one folder in `folder`.
fn check_different(choices: &[Choice], folder: &Path) -> Result<()> {
    let mut names = BTreeSet::new();
    match choices.iter().map(Choice::name).find(|name| !names.insert(name.clone())) {
        Some(name) => bail!("{name} is given twice: both runs would be in {}", folder.join(&name).display()),
        None => Ok(()),
    }
}

/// Checks that every run can be created in its folder in `folder`, with the weights of `init_from`.
fn check_folders(choices: &[Choice], folder: &Path, replace: bool, init_from: Option<&Path>) -> Result<()> {
    for choice in choices {
        let out = folder.join(choice.name());
        runs::check_apart(&out, init_from)?;
        RunFolder::at(out).check_room(replace)?;
    }
    Ok(())
}

/// Prints what the runs would be.
fn print_plans(choices: &[Choice], plans: &[Plan], json: bool) -> Result<()> {
    if json {
        let each = choices.iter().zip(plans).map(|(choice, plan)| json!({"settings": choice.as_json(), "plan": plan}));
        return console::json(&each.collect::<Vec<_>>());
    }
    let heads = choices.iter().take(1).flat_map(|choice| choice.values.iter().map(|(option, _)| option.clone()));
    let mut table = vec![heads.chain(["steps", "parameters"].map(str::to_owned)).collect::<Vec<_>>()];
    for (choice, plan) in choices.iter().zip(plans) {
        let values = choice.values.iter().map(|(_, value)| typed(value));
        let counts = [plan.steps as f64, plan.memory.parameters as f64].map(|count| thousands(count).to_string());
        table.push(values.chain(counts).collect());
    }
    Ok(answer!("{}", columns(&table))?)
}

/// Prints the table, the best run first.
fn report(runs: Vec<Trained>, json: bool) -> Result<()> {
    let mut rows: Vec<_> = runs.into_iter().map(|run| (run.summary(), run)).collect();
    let ranks = |summary: &Option<RunSummary>| {
        let best = summary.as_ref().filter(|summary| summary.best.is_some());
        best.and_then(|summary| summary.objective).unwrap_or(f64::INFINITY)
    };
    rows.sort_by(|(a, one), (b, other)| {
        one.failed.is_some().cmp(&other.failed.is_some()).then(ranks(a).total_cmp(&ranks(b)))
    });
    if json {
        let rows = rows.iter().map(|(summary, Trained { choice, run, failed, .. })| {
            let summary = summary.as_ref();
            json!({
                "run": run,
                "settings": choice.as_json(),
                "parameters": summary.and_then(|summary| summary.parameters),
                "steps": summary.map_or(0, |summary| summary.steps),
                "seconds": summary.and_then(|summary| summary.seconds),
                "best": summary.and_then(|summary| summary.best.as_ref()),
                "failed": failed,
            })
        });
        return console::json(&rows.collect::<Vec<_>>());
    }
    let Some((_, first)) = rows.first() else { return Ok(()) };
    let figure = rows.iter().find_map(|(summary, _)| Some(summary.as_ref()?.best_figure()?.0.to_owned()));
    let figures: Vec<String> = figure.into_iter().filter(|name| name != "loss").chain(["loss".to_owned()]).collect();
    let heads = first.choice.values.iter().map(|(option, _)| option.clone());
    let heads = heads.chain(figures.iter().map(|name| name.replace('_', " ")));
    let mut table = vec![heads.chain(["best step", "parameters", "time"].map(str::to_owned)).collect::<Vec<_>>()];
    for (summary, run) in &rows {
        let unknown = || "-".to_owned();
        let mut row: Vec<String> = run.choice.values.iter().map(|(_, value)| typed(value)).collect();
        let summary = summary.as_ref();
        let best = summary.and_then(|summary| summary.best.as_ref());
        let value = |name: &String| best.and_then(|best| best.figures.get(name));
        row.extend(figures.iter().map(|name| value(name).map_or_else(unknown, |value| format!("{value:.4}"))));
        row.push(best.map_or_else(unknown, |best| best.step.to_string()));
        let parameters = summary.and_then(|summary| summary.parameters);
        row.push(parameters.map_or_else(unknown, |count| thousands(count as f64).to_string()));
        let seconds = summary.and_then(|summary| summary.seconds);
        row.push(if run.failed.is_some() { "failed".to_owned() } else { seconds.map_or_else(unknown, time) });
        table.push(row);
    }
    answer!("{}", columns(&table))?;
    if first.failed.is_none() {
        note!("the best: {}", first.run.display());
    }
    Ok(())
}
