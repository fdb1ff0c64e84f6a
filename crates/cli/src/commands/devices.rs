//! `rekindle devices`.

use anyhow::Result;
use burn::tensor::Device;
use serde_json::json;

use crate::backend::{self, backends};
use crate::console::{self, answer};
use crate::options::{DeviceOptions, Devices};

pub fn run(options: &Devices) -> Result<()> {
    let chosen = backend::choose(&DeviceOptions::default())?;
    let mut rows = Vec::new();
    for backend in backends() {
        rows.extend(backend.devices().into_iter().enumerate().map(|(index, (device, kind))| {
            let default = backend.name == chosen.name && device == chosen.device;
            (format!("{}:{index}", backend.name), kind.name(), model(&device), default)
        }));
    }
    let missing: Vec<_> = backends().into_iter().filter(|b| !b.compiled()).map(|b| b.name).collect();
    if options.output.json {
        let row = |(name, kind, model, default): &(String, &str, Option<String>, bool)| json!({"backend": name, "kind": kind, "device": model, "default": default});
        let rows: Vec<_> = rows.iter().map(row).collect();
        return console::json(&json!({"devices": rows, "not_compiled_in": missing}));
    }
    for (name, kind, model, default) in rows {
        let model = model.map_or_else(String::new, |model| format!("  {model}"));
        answer!("{name:<12} {kind}{model}{}", if default { "  (default)" } else { "" })?;
    }
    Ok(answer!("not compiled in: {} (each is a feature flag: `--features NAME`)", missing.join(", "))?)
}

/// The model name of a GPU.
fn model(device: &Device) -> Option<String> {
    #[cfg(feature = "gpu")]
    return device.identity().map(|identity| identity.name);
    #[cfg(not(feature = "gpu"))]
    return Some(device).and(None);
}
