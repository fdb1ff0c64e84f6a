//! Peak resident memory, each side in a fresh process of its own.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use burn::tensor::Device;
use serde::Serialize;

use crate::pytorch::PyTorch;
use crate::rekindle::rekindle;
use crate::{BenchError, Failure, Shape};

/// The first step allocates the optimizer's state, the second reads it: then the memory has grown
/// all it will.
const STEPS: usize = 3;

/// Builds the command that runs this program again: to print, as JSON, what [`peak_bytes`] returns
/// for the shape.
pub type Rerun<'a> = &'a dyn Fn(&Shape) -> io::Result<Command>;

/// Peak memory of each side in bytes; none where the side is not there or the system does not say.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Peak {
    /// Of Rekindle's process.
    pub rekindle: Option<u64>,
    /// Of PyTorch's process.
    pub pytorch: Option<u64>,
}

/// Runs this program again with `rerun`, and another process of the Python that has PyTorch.
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

/// Does a few steps of `shape`, and returns the peak memory of this process in bytes, all that it
/// did before included.
///
/// None except on Linux: other systems count in ways that do not compare.
///
/// # Errors
///
/// When the device fails.
pub fn peak_bytes(shape: &Shape, device: &Device) -> Result<Option<u64>, BenchError> {
    rekindle(shape, device)(STEPS)?;
    Ok(std::fs::read_to_string("/proc/self/status").ok().and_then(|status| high_water_mark(&status)))
}

/// The peak in the words of Linux, `VmHWM:   5124 kB`.
fn high_water_mark(status: &str) -> Option<u64> {
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(kibibytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests;
