//! `rekindle export`.

mod staging;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use rekindle_data::counted;
use rekindle_train::registry::RunWeights;
use rekindle_weights::{save_json, save_safetensors};
use serde_json::json;

use super::inspect::weights;
use crate::console::{self, answer, note};
use crate::options::{Export, WeightFormat};
use crate::runs;
use staging::Staging;

/// The file that describes the others.
const CONFIG: &str = "config.json";

pub fn run(options: &Export) -> Result<()> {
    let run = runs::open(&options.run)?;
    let task = run.head()?.task;
    let RunWeights { step, model, tensors, .. } = weights(&run, options.checkpoint)?;
    let folder = options.out.clone().unwrap_or_else(|| run.export());
    let staging = Staging::new(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let weights = match options.format {
        WeightFormat::Safetensors => "model.safetensors",
        WeightFormat::Json => "model.json",
    };
    let path = staging.path().join(weights);
    match options.format {
        WeightFormat::Safetensors => {
            let notes = [("task", task.clone()), ("checkpoint_step", step.to_string())];
            let notes = notes.map(|(name, note)| (name.to_owned(), note));
            save_safetensors(&path, &tensors, &BTreeMap::from(notes))?;
        }
        WeightFormat::Json => save_json(&path, &tensors)?,
    }
    // The model's assets are exported too.
    let mut companions = Vec::new();
    for name in run.assets()? {
        let (file, copy) = (run.path().join(&name), staging.path().join(&name));
        fs::copy(&file, &copy).with_context(|| format!("cannot copy {} to {}", file.display(), copy.display()))?;
        companions.push(name);
    }
    let config = json!({
        "format": "rekindle-export",
        "version": 1,
        "rekindle": env!("CARGO_PKG_VERSION"),
        "task": task,
        "checkpoint_step": step,
        "weights": weights,
        "beside": companions,
        "model": model,
    });
    let text = serde_json::to_string_pretty(&config)? + "\n";
    let config = folder.join(CONFIG);
    fs::write(staging.path().join(CONFIG), text).with_context(|| format!("cannot write {}", config.display()))?;
    staging.publish(CONFIG).with_context(|| format!("cannot write to {}", folder.display()))?;
    let path = folder.join(weights);
    if options.output.json {
        return console::json(&json!({"folder": folder, "weights": path, "tensors": tensors.len()}));
    }
    answer!("{}", path.display())?;
    note!("{} of step {step}; model settings: {}", counted(tensors.len(), "tensors"), config.display());
    Ok(())
}
