//! `rekindle inspect`.

use std::collections::BTreeMap;
use std::io::{Write, stdout};

use anyhow::Result;
use rekindle_train::run::RunFolder;
use rekindle_weights::{WeightFile, WeightTensor};
use serde_json::{Value, json};

use super::weights::{self, RunWeights};
use crate::options::Inspect;

pub fn run(options: &Inspect) -> Result<()> {
    // A reader who has seen enough is no failure: `main` tells a broken pipe from others.
    let mut out = stdout().lock();
    if options.path.is_dir() {
        let RunWeights { task, step, tensors, .. } =
            weights::open(&RunFolder::open(&options.path)?, options.checkpoint)?;
        if options.output.json {
            return super::print_json(&described(json!({"task": task, "checkpoint_step": step}), &tensors));
        }
        writeln!(out, "task         {task}")?;
        writeln!(out, "checkpoint   step {step}")?;
        return print_tensors(&mut out, &tensors);
    }
    let file = WeightFile::open(&options.path)?;
    let tables: BTreeMap<_, _> = file.tables().iter().map(|(name, texts)| (name.clone(), texts.len())).collect();
    if options.output.json {
        return super::print_json(&described(json!({"file": options.path, "tables": tables}), file.tensors()));
    }
    writeln!(out, "file         {}", options.path.display())?;
    for (name, size) in tables {
        writeln!(out, "table        {name}: {size} texts")?;
    }
    print_tensors(&mut out, file.tensors())
}

/// `head` with the tensors and their sums.
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

fn print_tensors(out: &mut impl Write, tensors: &BTreeMap<String, WeightTensor>) -> Result<()> {
    let width = tensors.keys().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
    writeln!(out, "\n{:width$}  {:>16}  {:>4}  {:>10}  {:>10}", "name", "shape", "as", "count", "norm")?;
    for (name, tensor) in tensors {
        let sizes: Vec<_> = tensor.shape().iter().map(usize::to_string).collect();
        let (shape, element) = (format!("[{}]", sizes.join(", ")), tensor.element().name());
        writeln!(
            out,
            "{name:width$}  {shape:>16}  {element:>4}  {:>10}  {:>10.4}",
            tensor.values().len(),
            tensor.norm()
        )?;
    }
    writeln!(out, "{:width$}  {:>16}  {:>4}  {:>10}", "total", "", "", total(tensors))?;
    Ok(())
}
