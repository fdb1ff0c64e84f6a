//! `rekindle runs`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use indicatif::HumanDuration;
use rekindle_train::run::{RunFolder, RunSummary};
use serde_json::{Value, json};

use super::compare::columns;
use crate::console::{self, alert, answer, note};
use crate::options::Runs;
use crate::progress::thousands;
use crate::runs::{self, Found};

pub fn run(options: &Runs) -> Result<()> {
    let folders = runs::folders(&options.folders)?;
    let mut rows = Vec::new();
    for Found { path, trained } in runs::found(&folders) {
        let run = RunFolder::at(path);
        match RunSummary::without_parameters(&run) {
            Ok(summary) => rows.push((summary, trained, run.is_in_training())),
            Err(error) => alert!("warning: {error}"),
        }
    }
    if options.output.json {
        let rows: Vec<Value> = rows.iter().map(|(run, trained, now)| as_json(run, *trained, *now)).collect();
        return console::json(&rows);
    }
    if rows.is_empty() {
        let names: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        note!("no runs in {}", names.join(", "));
        return Ok(());
    }
    let heads = ["run", "task", "steps", "best", "trained"].map(str::to_owned).to_vec();
    let lines = rows.iter().map(|(run, trained, now)| line(run, *trained, *now));
    Ok(answer!("{}", columns(&std::iter::once(heads).chain(lines).collect::<Vec<_>>()))?)
}

fn line(run: &RunSummary, trained: SystemTime, now: bool) -> Vec<String> {
    let best = run
        .best_figure()
        .map_or_else(|| "-".to_owned(), |(name, value)| format!("{} {value:.4}", name.replace('_', " ")));
    let ago = || HumanDuration(Duration::from_secs(trained.elapsed().unwrap_or_default().as_secs()));
    let when = if now { "now".to_owned() } else { format!("{} ago", ago()) };
    vec![run.run.display().to_string(), run.task.clone(), thousands(run.steps as f64).to_string(), best, when]
}

fn as_json(run: &RunSummary, trained: SystemTime, now: bool) -> Value {
    json!({
        "run": run.run,
        "task": run.task,
        "model": run.model,
        "steps": run.steps,
        "seconds": run.seconds,
        "best": run.best,
        "best_figure": run.best_figure().map(|(name, value)| json!({"name": name, "value": value})),
        "trained_at": trained.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        "in_training": now,
    })
}
