//! Peak resident memory, each side in a fresh process of its own.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use serde::Serialize;

use super::contestant;
use super::pytorch::PyTorch;
use super::shape::Shape;
use crate::options::DeviceOptions;

/// The first step brings the optimizer's state, the second meets it: then the memory has grown all it will.
const STEPS: usize = 3;

/// The most memory each side held, in bytes; none where it is not there or the system does not say.
#[derive(Serialize)]
pub struct Peak {
    pub rekindle: Option<u64>,
    pub pytorch: Option<u64>,
}

pub fn measure(shape: &Shape, device: &DeviceOptions, python: Option<&Path>) -> Result<Peak> {
    let pytorch = python.map(|python| PyTorch::start(python)?.ask(shape, STEPS)).transpose()?;
    Ok(Peak { rekindle: rekindle(shape, device)?, pytorch: pytorch.and_then(|answer| answer.peak_bytes) })
}

/// Runs this program again, to do nothing but the steps.
fn rekindle(shape: &Shape, device: &DeviceOptions) -> Result<Option<u64>> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program to run it again")?);
    command.args(["bench", "--peak-memory", &shape.to_string()]).stderr(Stdio::inherit());
    if let Some(backend) = &device.backend {
        command.args(["--backend", backend]);
    }
    if let Some(threads) = device.threads {
        command.args(["--threads", &threads.to_string()]);
    }
    let output = command.output().context("cannot run this program again")?;
    ensure!(output.status.success(), "measuring the memory of {shape} failed: {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What the program that is run again does: prints its peak in bytes.
pub fn print(shape: &Shape, device: &Device) -> Result<()> {
    contestant::rekindle(shape, device).round(STEPS)?;
    println!("{}", serde_json::to_string(&peak_bytes())?);
    Ok(())
}

/// The most memory that this process has held. Linux says; other systems count in ways that do not compare.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(kibibytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
