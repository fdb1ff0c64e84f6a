//! `rekindle average`.

use anyhow::{Result, bail};
use rekindle_data::counted;
use rekindle_train::registry::{self, Open};
use rekindle_train::run::checkpoint::{self, Which};
use rekindle_train::tasks;
use serde_json::json;

use crate::backend;
use crate::console::{self, answer, note};
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
    let out = task.average(&checkpoints, &options.out, options.force)?;
    if options.output.json {
        return console::json(&json!({"run": out.path(), "checkpoints": checkpoints.len()}));
    }
    answer!("{}", out.path().display())?;
    note!("the mean of {}", counted(checkpoints.len(), "checkpoints"));
    Ok(())
}
