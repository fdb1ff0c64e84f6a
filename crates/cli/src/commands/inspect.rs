//! `rekindle inspect`.

use std::collections::BTreeMap;

use anyhow::Result;
use rekindle_data::counted;
use rekindle_train::registry::{self, Open, RunWeights};
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::{TrainError, tasks};
use rekindle_weights::{WeightFile, WeightTensor, within};
use serde_json::{Value, json};

use crate::backend;
use crate::console::{self, answer, note};
use crate::options::Inspect;

pub fn run(options: &Inspect) -> Result<()> {
    if options.path.is_dir() {
        let run = RunFolder::open(&options.path)?;
        let task = run.head()?.task;
        let RunWeights { step, mut tensors, .. } = weights(&run, options.checkpoint)?;
        if let Some(key) = &options.key {
            tensors = within(tensors, key)?;
        }
        if options.output.json {
            let described = described(json!({"task": task, "checkpoint_step": step}), &tensors);
            return console::json(&described);
        }
        answer!("task         {task}")?;
        answer!("checkpoint   step {step}")?;
        return print_tensors(&tensors, &BTreeMap::new());
    }
    let mut file = WeightFile::open(&options.path)?;
    if let Some(key) = &options.key {
        file = file.within(key)?;
    }
    let tables: BTreeMap<_, _> = file.tables().iter().map(|(name, texts)| (name.clone(), texts.len())).collect();
    if options.output.json {
        let described =
            described(json!({"file": options.path, "tables": tables, "unread": file.unread()}), file.tensors());
        return console::json(&described);
    }
    answer!("file         {}", options.path.display())?;
    for (name, size) in tables {
        answer!("table        {name}: {}", counted(size, "texts"))?;
    }
    print_tensors(file.tensors(), file.unread())
}

/// The weights of a run, on the host. For a task that this program does not support, they have the names of the
/// model's fields.
pub fn weights(run: &RunFolder, which: Which) -> Result<RunWeights> {
    let weights = match registry::of_run(tasks::ALL, run) {
        // Nothing is computed, so no GPU is started.
        Ok(task) => task.weights(&Open { run, which, device: &backend::host()?.device })?,
        Err(TrainError::UnknownTask { .. }) => registry::weights_of_unknown(run, which)?,
        Err(other) => return Err(other.into()),
    };
    for rejected in &weights.rejected {
        note!("warning: skipped an unusable checkpoint: {rejected}");
    }
    Ok(weights)
}

/// `head` with the tensors and their totals.
fn described(mut head: Value, tensors: &BTreeMap<String, WeightTensor>) -> Value {
    let described = tensors.iter().map(|(name, tensor)| {
        json!({"name": name, "shape": tensor.shape(), "count": tensor.values().len(), "norm": tensor.norm(),
            "stored_as": tensor.element().name()})
    });
    head["tensors"] = described.collect();
    head["count"] = total(tensors).into();
    head
}

fn total(tensors: &BTreeMap<String, WeightTensor>) -> usize {
    tensors.values().map(|tensor| tensor.values().len()).sum()
}

/// Prints a line per tensor; for unsupported ones, the reason.
fn print_tensors(tensors: &BTreeMap<String, WeightTensor>, unread: &BTreeMap<String, String>) -> Result<()> {
    let width = tensors.keys().chain(unread.keys()).map(|name| name.chars().count()).max().unwrap_or(0).max(5);
    answer!("\n{:width$}  {:>16}  {:>4}  {:>10}  {:>10}", "name", "shape", "as", "count", "norm")?;
    for (name, tensor) in tensors {
        let sizes: Vec<_> = tensor.shape().iter().map(usize::to_string).collect();
        let (shape, element) = (format!("[{}]", sizes.join(", ")), tensor.element().name());
        answer!("{name:width$}  {shape:>16}  {element:>4}  {:>10}  {:>10.4}", tensor.values().len(), tensor.norm())?;
    }
    for (name, reason) in unread {
        answer!("{name:width$}  not read: {reason}")?;
    }
    answer!("{:width$}  {:>16}  {:>4}  {:>10}", "total", "", "", total(tensors))?;
    Ok(())
}
