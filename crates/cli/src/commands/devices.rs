//! `rekindle devices`.

use anyhow::Result;
use serde_json::json;

use crate::backend::{self, backends};
use crate::options::{DeviceOptions, Devices};

pub fn run(options: &Devices) -> Result<()> {
    let chosen = backend::choose(&DeviceOptions { backend: None, threads: None })?;
    let mut rows = Vec::new();
    for backend in backends() {
        let devices = backend.devices();
        rows.extend(devices.iter().enumerate().map(|(index, device)| {
            let default = backend.name == chosen.name && *device == chosen.device;
            (format!("{}:{index}", backend.name), backend.gpu, format!("{device:?}"), default)
        }));
    }
    let missing: Vec<_> = backends().into_iter().filter(|b| !b.compiled()).map(|b| b.name).collect();
    if options.output.json {
        let row = |(name, gpu, device, default): &(String, bool, String, bool)| json!({"backend": name, "gpu": gpu, "device": device, "default": default});
        let rows: Vec<_> = rows.iter().map(row).collect();
        return super::print_json(&json!({"devices": rows, "not_compiled_in": missing}));
    }
    for (name, gpu, _, default) in rows {
        let kind = if gpu { "GPU" } else { "CPU" };
        println!("{name:<12} {kind}{}", if default { "  (default)" } else { "" });
    }
    println!("not compiled in: {} (each is a feature flag: `--features NAME`)", missing.join(", "));
    Ok(())
}
