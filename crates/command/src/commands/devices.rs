//! `rekindle devices`.

use anyhow::Result;
use burn::tensor::Device;
use rekindle_kernels::launches::{OneLaunch, one_launch};
use serde_json::json;

use crate::backend::{self, backends};
use crate::console::{self, answer};
use crate::options::{DeviceOptions, Devices};

/// A device as a line of the list.
struct Row {
    name: String,
    kind: &'static str,
    model: Option<String>,
    default: bool,
    one_launch: Vec<OneLaunch>,
}

pub fn run(options: &Devices) -> Result<()> {
    let chosen = backend::choose(&DeviceOptions::default())?;
    let mut rows = Vec::new();
    for backend in backends() {
        rows.extend(backend.devices().into_iter().enumerate().map(|(index, (device, kind))| Row {
            name: format!("{}:{index}", backend.name),
            kind: kind.name(),
            model: model(&device),
            default: backend.name == chosen.name && device == chosen.device,
            one_launch: one_launch(&device),
        }));
    }
    let missing: Vec<_> = backends().into_iter().filter(|b| !b.compiled()).map(|b| b.name).collect();
    if options.output.json {
        let largest = |of: &OneLaunch| (of.cell.to_owned(), json!(of.hidden));
        let row = |row: &Row| {
            let one_launch: serde_json::Map<_, _> = row.one_launch.iter().map(largest).collect();
            let (backend, kind, device, default) = (&row.name, row.kind, &row.model, row.default);
            json!({"backend": backend, "kind": kind, "device": device, "default": default, "one_launch_up_to": one_launch})
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        return console::json(&json!({"devices": rows, "not_compiled_in": missing}));
    }
    for Row { name, kind, model, default, one_launch } in rows {
        let model = model.map_or_else(String::new, |model| format!("  {model}"));
        answer!("{name:<12} {kind}{model}{}", if default { "  (default)" } else { "" })?;
        if !one_launch.is_empty() {
            let up_to = |of: &OneLaunch| {
                of.hidden.map_or_else(|| format!("{} never", of.cell), |hidden| format!("{} up to {hidden}", of.cell))
            };
            let up_to: Vec<_> = one_launch.iter().map(up_to).collect();
            answer!("{:<12} one launch a sequence: {} hidden units; beyond, two a time step", "", up_to.join(", "))?;
        }
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
