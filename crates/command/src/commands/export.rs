//! `rekindle export`.

mod folder;
mod staging;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rekindle_data::counted;
use rekindle_onnx::NamedModel;
use rekindle_train::import::data::{self, DATA};
use rekindle_train::import::exported::{self, CONFIG};
use rekindle_train::operation::Output;
use rekindle_train::registry::{self, OnnxExport, Open, RunWeights};
use rekindle_train::run::RunFolder;
use rekindle_train::tasks;
use rekindle_weights::{save_json, save_safetensors};
use serde_json::{Value, json};

use super::inspect::weights;
use crate::backend;
use crate::console::{self, answer, note};
use crate::options::{Export, ExportFormat};
use crate::runs;
use staging::Staging;

/// What is written of a run, in addition to its assets.
struct Written {
    /// Step of the checkpoint.
    step: u64,
    /// The model's settings.
    model: Value,
    /// The names of the files.
    files: Vec<String>,
    /// How `config.json` names the files.
    config: Value,
    /// What `--json` shows of them.
    shown: Value,
    /// A summary.
    summary: String,
}

pub fn run(options: &Export) -> Result<()> {
    if let Some(opset) = options.opset.filter(|_| !matches!(options.format, ExportFormat::Onnx)) {
        bail!("--opset {opset}: given with --format onnx only");
    }
    let run = runs::open(&options.run)?;
    let task = run.head()?.task;
    let folder = options.out.clone().unwrap_or_else(|| run.export());
    folder::check_no_run(&folder)?;
    let staging = Staging::new(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let written = match options.format {
        ExportFormat::Safetensors | ExportFormat::Json => {
            write_weights(&run, &task, [staging.path(), &folder], options)?
        }
        ExportFormat::Onnx => write_graphs(&run, staging.path(), options)?,
    };
    // The model's assets are exported too. Graphs hold those that are weights.
    let mut companions = Vec::new();
    for name in run.assets()? {
        if matches!(options.format, ExportFormat::Onnx) && !name.ends_with(".json") {
            continue;
        }
        let (file, copy) = (run.path().join(&name), staging.path().join(&name));
        fs::copy(&file, &copy).with_context(|| format!("cannot copy {} to {}", file.display(), copy.display()))?;
        companions.push(name);
    }
    let mut config = json!({
        "format": exported::FORMAT,
        "version": exported::VERSION,
        "rekindle": env!("CARGO_PKG_VERSION"),
        "task": task,
        "checkpoint_step": written.step,
        "beside": companions,
        "model": written.model,
    });
    // How the model is used depends on them: the longest text, say. Of a task of another version they are unknown.
    if let Some(task) = registry::find(tasks::ALL, &task) {
        config[DATA] = serde_json::to_value(data::carried(&task.sections(), &run.config()?))?;
    }
    merge(&mut config, written.config);
    let text = serde_json::to_string_pretty(&config)? + "\n";
    let config = folder.join(CONFIG);
    fs::write(staging.path().join(CONFIG), text).with_context(|| format!("cannot write {}", config.display()))?;
    // The default folder is the run's own.
    if options.out.is_some() {
        folder::check_files(staging.path(), &folder)?;
    }
    let earlier = folder::earlier_files(&folder);
    staging.publish(CONFIG, &earlier).with_context(|| format!("cannot write to {}", folder.display()))?;
    if options.output.json {
        let mut shown = json!({"folder": folder});
        merge(&mut shown, written.shown);
        return console::json(&shown);
    }
    for file in &written.files {
        answer!("{}", folder.join(file).display())?;
    }
    note!("{} of step {}; model settings: {}", written.summary, written.step, config.display());
    Ok(())
}

/// Adds the entries of the object `more` to `object`.
fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

/// Writes the weights to the first folder, which becomes the second.
fn write_weights(run: &RunFolder, task: &str, [staging, folder]: [&Path; 2], options: &Export) -> Result<Written> {
    let RunWeights { step, model, tensors, .. } = weights(run, options.checkpoint)?;
    let file = match options.format {
        ExportFormat::Json => "model.json",
        _ => "model.safetensors",
    };
    let path = staging.join(file);
    match options.format {
        ExportFormat::Json => save_json(&path, &tensors)?,
        _ => {
            let notes = [("task", task.to_owned()), ("checkpoint_step", step.to_string())];
            let notes = notes.map(|(name, note)| (name.to_owned(), note));
            save_safetensors(&path, &tensors, &BTreeMap::from(notes))?;
        }
    }
    Ok(Written {
        step,
        model,
        files: vec![file.to_owned()],
        config: json!({"weights": file}),
        shown: json!({"weights": folder.join(file), "tensors": tensors.len()}),
        summary: counted(tensors.len(), "tensors"),
    })
}

/// Writes the graphs of the model to `folder`.
fn write_graphs(run: &RunFolder, folder: &Path, options: &Export) -> Result<Written> {
    let task = registry::of_run(tasks::ALL, run).context("--format onnx")?;
    let backend = backend::host()?;
    let open = Open { run, which: options.checkpoint, device: &backend.device, with: &[] };
    let (mut answers, mut notes) = (std::io::stdout(), std::io::stderr());
    let mut output = Output::new(&mut answers, &mut notes, options.output.json);
    let OnnxExport { step, model, graphs } = task.onnx(&open, options.opset.unwrap_or_default(), &mut output)?;
    let (mut files, mut shown) = (Vec::new(), Vec::new());
    for NamedModel { name, model } in graphs {
        let file = format!("{name}.onnx");
        model.save(folder.join(&file))?;
        shown.push(json!({"file": file, "inputs": model.inputs(), "outputs": model.outputs()}));
        files.push(file);
    }
    let summary = counted(files.len(), "graphs");
    Ok(Written { step, model, files, config: json!({"graphs": shown}), shown: json!({"graphs": shown}), summary })
}
