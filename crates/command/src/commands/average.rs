//! `rekindle average`.

use std::path::Path;

use anyhow::{Result, bail};
use rekindle_data::counted;
use rekindle_train::registry::{self, Averaged, Open};
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::{self, Which};
use rekindle_train::tasks;
use serde_json::json;

use super::operations::answered;
use crate::backend;
use crate::options::Average;
use crate::runs;

pub fn run(options: &Average) -> Result<()> {
    let runs = options.runs.iter().map(|run| runs::open(run)).collect::<Result<Vec<_>, _>>()?;
    let task = registry::of_run(tasks::ALL, &runs[0])?;
    let device = backend::host()?.device;
    let mut checkpoints = Vec::new();
    for run in &runs {
        let all = checkpoint::steps(run)?;
        let which = match options.last {
            None => vec![options.checkpoint],
            Some(count) if all.len() < count => {
                let (run, there) = (run.path().display(), counted(all.len(), "checkpoints"));
                bail!("--last {count}: {run} has {there}; train --keep {count} keeps more")
            }
            Some(count) => all[all.len() - count..].iter().copied().map(Which::Step).collect(),
        };
        checkpoints.extend(which.into_iter().map(|which| Open { run, which, device: &device, with: &[] }));
    }
    if checkpoints.len() < 2 {
        bail!("give at least two checkpoints: several runs, or --last COUNT");
    }
    runs::check_apart(&options.out, runs.iter().map(RunFolder::path))?;
    answered(options.output.json, |output| {
        let Averaged { run, steps } = task.average(&checkpoints, &options.out, options.force, output)?;
        let of = checkpoints.iter().zip(&steps).map(|(open, step)| json!({"run": open.run.path(), "step": step}));
        let of: Vec<_> = of.collect();
        output.json(&json!({"run": run.path(), "checkpoints": checkpoints.len(), "averaged": of}))?;
        output.line(run.path().display())?;
        if !output.is_json() {
            output.note(format_args!(
                "the mean of {}: {}",
                counted(steps.len(), "checkpoints"),
                named(&checkpoints, &steps)
            ));
        }
        Ok(())
    })
}

/// The steps of checkpoints, by run: `steps 10, 20 of runs/chars; step 30 of runs/chars-2`.
fn named(checkpoints: &[Open<'_>], steps: &[u64]) -> String {
    let mut runs: Vec<(&Path, Vec<String>)> = Vec::new();
    for (open, step) in checkpoints.iter().zip(steps) {
        match runs.last_mut().filter(|(run, _)| *run == open.run.path()) {
            Some((_, steps)) => steps.push(step.to_string()),
            None => runs.push((open.run.path(), vec![step.to_string()])),
        }
    }
    let of_run = runs.into_iter().map(|(run, steps)| {
        let word = if steps.len() == 1 { "step" } else { "steps" };
        format!("{word} {} of {}", steps.join(", "), run.display())
    });
    of_run.collect::<Vec<_>>().join("; ")
}
