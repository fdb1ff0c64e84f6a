//! Peak resident memory, measured for each side in a new process.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use burn::tensor::Device;
use serde::Serialize;

use crate::pytorch::PyTorch;
use crate::rekindle::rekindle;
use crate::{BenchError, Failure, Shape};

/// The first step allocates the optimizer's state, the second reads it: after that, memory does not
/// grow.
const STEPS: usize = 3;

/// Builds the command that restarts this program, to print the result of [`peak_bytes`] for the
/// shape as JSON.
pub type Rerun<'a> = &'a dyn Fn(&Shape) -> io::Result<Command>;

/// Peak memory of each side in bytes; none if the side is not compared or the system does not report it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Peak {
    /// Of Rekindle's process.
    pub rekindle: Option<u64>,
    /// Of PyTorch's process.
    pub pytorch: Option<u64>,
}

/// Restarts this program with `rerun`, and starts another process of the Python that has PyTorch.
pub(crate) fn measure(shape: &Shape, rerun: Rerun<'_>, python: Option<&Path>) -> Result<Peak, BenchError> {
    let pytorch = python.map(|python| PyTorch::start(python)?.ask(shape, STEPS)).transpose()?;
    let rekindle = rekindle_bytes(shape, rerun);
    let rekindle = rekindle.map_err(|source| BenchError::Memory { shape: shape.to_string(), source })?;
    Ok(Peak { rekindle, pytorch: pytorch.and_then(|answer| answer.peak_bytes) })
}

fn rekindle_bytes(shape: &Shape, rerun: Rerun<'_>) -> Result<Option<u64>, Failure> {
    let output = rerun(shape)?.stderr(Stdio::inherit()).output()?;
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout)?),
        false => Err(output.status.to_string().into()),
    }
}

/// Runs a few steps of `shape`, and returns the peak memory of this process in bytes, including
/// everything before.
///
/// None except on Linux: other systems measure it in ways that are not comparable.
///
/// # Errors
///
/// When the device fails.
pub fn peak_bytes(shape: &Shape, device: &Device) -> Result<Option<u64>, BenchError> {
    rekindle(shape, device)(STEPS)?;
    Ok(std::fs::read_to_string("/proc/self/status").ok().and_then(|status| high_water_mark(&status)))
}

/// The peak in Linux's format, `VmHWM:   5124 kB`.
fn high_water_mark(status: &str) -> Option<u64> {
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(kibibytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests;
