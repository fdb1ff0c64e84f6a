//! `rekindle inspect`.

use std::collections::BTreeMap;

use std::path::Path;

use anyhow::{Result, bail};
use rekindle_data::counted;
use rekindle_train::inside::{Activations, FeatureRanking, GradientFlow, Ranking, Reach, UnitScore};
use rekindle_train::operation::Observe;
use rekindle_train::registry::{self, Open, RunWeights};
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::{TrainError, tasks};
use rekindle_view::gradients::{gradient_chart, steps};
use rekindle_view::neurons::neurons_page;
use rekindle_weights::{WeightFile, WeightTensor, within};
use serde_json::{Value, json};

use super::operations::answered;
use crate::backend;
use crate::console::{self, alert, answer};
use crate::options::Inspect;
use crate::runs;

pub fn run(options: &Inspect) -> Result<()> {
    if options.gradients {
        return gradients(options);
    }
    let [path] = &options.paths[..] else {
        bail!("several runs: they are compared with --gradients; everything else shows one");
    };
    let path = &runs::folder(path)?;
    if options.neurons {
        return neurons(path, options);
    }
    if path.is_dir() {
        let run = RunFolder::open(path)?;
        let task = run.head()?.task;
        let which = options.checkpoint.unwrap_or_default();
        let RunWeights { step, mut tensors, .. } = weights(&run, which)?;
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
    let mut file = WeightFile::open(path)?;
    if let Some(which) = options.checkpoint {
        bail!("--checkpoint {which}: given for a run only, and {} is a file of weights", path.display());
    }
    if let Some(key) = &options.key {
        file = file.within(key)?;
    }
    let tables: BTreeMap<_, _> = file.tables().iter().map(|(name, texts)| (name.clone(), texts.len())).collect();
    if options.output.json {
        let described = described(json!({"file": path, "tables": tables, "unread": file.unread()}), file.tensors());
        return console::json(&described);
    }
    answer!("file         {}", path.display())?;
    for (name, size) in tables {
        answer!("table        {name}: {}", counted(size, "texts"))?;
    }
    print_tensors(file.tensors(), file.unread())
}

/// What the units of a run's model do while it reads.
fn neurons(path: &Path, options: &Inspect) -> Result<()> {
    let run = RunFolder::open(path)?;
    let task = registry::of_run(tasks::ALL, &run)?;
    let device = backend::choose(&options.device)?.device;
    let open = Open { run: &run, which: options.checkpoint.unwrap_or_default(), device: &device, with: &[] };
    let request = Observe { data: options.read.clone(), length: options.time_steps };
    answered(options.output.json, |output| {
        let activations = task.neurons(&open, &request, output)?;
        let ranking = Ranking::of(&activations);
        output.text(&as_text(&activations, &ranking))?;
        output.json(&json!({
            "task": task.name(),
            "source": activations.source,
            "unit": activations.unit,
            "time_steps": activations.tokens.len(),
            "features": ranking.features,
            "units": ranking.units,
            "gates": activations.gates,
        }))?;
        if let Some(file) = &options.html {
            let title = format!("Units of {}", run.path().display());
            output.file(file, &neurons_page(&title, &activations, &ranking)).map_err(TrainError::from)?;
        }
        Ok(())
    })
}

/// How far the gradients of the models of runs reach.
fn gradients(options: &Inspect) -> Result<()> {
    let device = backend::choose(&options.device)?.device;
    let request = Observe { data: options.read.clone(), length: options.distance };
    answered(options.output.json, |output| {
        let mut flows = Vec::new();
        for path in &options.paths {
            let run = runs::open(path)?;
            let task = registry::of_run(tasks::ALL, &run)?;
            let open = Open { run: &run, which: options.checkpoint.unwrap_or_default(), device: &device, with: &[] };
            flows.push((run.path().display().to_string(), task.gradients(&open, &request, output)?));
        }
        output.text(&reach_as_text(&flows))?;
        let as_json = flows.iter().map(|(run, flow)| Ok(json!({"run": run, "flow": serde_json::to_value(flow)?})));
        output.json(&Value::Array(as_json.collect::<Result<_>>()?))?;
        if let Some(file) = &options.svg {
            let named: Vec<_> =
                flows.into_iter().map(|(run, flow)| (format!("{run} ({})", flow.model), flow)).collect();
            output.file(file, &gradient_chart(&named)).map_err(TrainError::from)?;
        }
        Ok(())
    })
}

/// The half-lives of each run, and the sizes of its recurrent weights.
fn reach_as_text(runs: &[(String, GradientFlow)]) -> String {
    let half = |reach: &Reach| reach.half_life.map_or("no decay".to_owned(), steps);
    let mut text = String::new();
    for (run, flow) in runs {
        let GradientFlow { model, step, start, trained, .. } = flow;
        text += &format!("{run}: {model}; step {step}\n");
        text += &format!("  {:20}  {:>10}  {:>10}\n", "half-life in steps", "start", "trained");
        for (start, trained) in start.reach.iter().zip(&trained.reach) {
            text += &format!("  {:20}  {:>10}  {:>10}\n", start.name(), half(start), half(trained));
        }
        if !start.weights.is_empty() {
            text += &format!(
                "  {:20}  {:>10}  {:>10}  {:>10}  {:>10}\n",
                "W_hh", "σ, start", "ρ, start", "σ, trained", "ρ, trained"
            );
        }
        for (start, trained) in start.weights.iter().zip(&trained.weights) {
            let figures =
                [start, trained].map(|w| format!("{:>10.4}  {:>10.4}", w.largest_singular_value, w.spectral_radius));
            text += &format!("  {:20}  {}\n", start.name(), figures.join("  "));
        }
    }
    if runs.iter().any(|(_, flow)| !flow.start.weights.is_empty()) {
        text += "σ: largest singular value, ρ: spectral radius\n";
    }
    text
}

/// The best unit of each feature, and the mean saturation of each gate.
fn as_text(activations: &Activations, ranking: &Ranking) -> String {
    let Activations { source, unit, tokens, .. } = activations;
    let mut text = format!("read         {} {unit} of {source}\n\n", tokens.len());
    if ranking.features.is_empty() {
        text += "there is too little of every feature for a ranking: give a longer text with --data\n";
    } else {
        let width = ranking.features.iter().map(|feature| feature.feature.chars().count()).max().unwrap_or(0).max(7);
        text += &format!(
            "{:width$}  {:>10}  {:20}  {:>6}  {:>11}\n",
            "feature", "time steps", "best unit", "AUC", "correlation"
        );
        for FeatureRanking { feature, count, units, .. } in &ranking.features {
            let Some(UnitScore { name, score, .. }) = units.first() else { continue };
            let auc = score.auc.map_or(String::new(), |_| format!("{:.4}", score.figure()));
            text += &format!("{feature:width$}  {count:>10}  {name:20}  {auc:>6}  {:>+11.4}\n", score.correlation);
        }
    }
    if !activations.gates.is_empty() {
        text += &format!("\n{:20}  {:>6}  {:>6}\n", "gate", "closed", "open");
    }
    for gate in &activations.gates {
        let (left, right) = gate.mean();
        text += &format!("{:20}  {:>5.1}%  {:>5.1}%\n", gate.name(), 100.0 * left, 100.0 * right);
    }
    text
}

/// The weights of a run, on the host. For a task that this program does not support, they have the names of the
/// model's fields.
pub fn weights(run: &RunFolder, which: Which) -> Result<RunWeights> {
    let weights = match registry::of_run(tasks::ALL, run) {
        // Nothing is computed, so no GPU is started.
        Ok(task) => task.weights(&Open { run, which, device: &backend::host()?.device, with: &[] })?,
        Err(TrainError::UnknownTask { .. }) => registry::weights_of_unknown(run, which)?,
        Err(other) => return Err(other.into()),
    };
    for rejected in &weights.rejected {
        alert!("warning: skipped an unusable checkpoint: {rejected}");
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
