//! `metrics.jsonl`: the figures of a run, one JSON object per line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::figures::HIGHER;
use crate::error::TrainError;
use crate::event::{StepFigure, StepReport};
use crate::files;
use crate::report::{Better, Report};
use crate::updates::LayerUpdate;

/// Appends lines to `metrics.jsonl`. Each is flushed at once, so that other programs can follow it.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    /// Seconds of training before this process, and when it began.
    before: f64,
    began: Instant,
}

impl MetricsLog {
    /// Opens the file, after removing lines of steps after `step` and a line that a kill cut off.
    pub(super) fn open(path: PathBuf, step: u64) -> Result<Self, TrainError> {
        let old = match fs::read(&path) {
            Ok(old) => old,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(TrainError::io("read", path)(e)),
        };
        let lines = old.split_inclusive(|&byte| byte == b'\n');
        let kept: Vec<u8> = lines.filter(|line| is_up_to(line, step)).flatten().copied().collect();
        if kept != old {
            files::write(&path, &kept)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(TrainError::io("write", &path))?;
        let before = kept.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let before = before.filter_map(|line| line["seconds"].as_f64()).next_back().unwrap_or(0.0);
        Ok(Self { path, file, before, began: Instant::now() })
    }

    /// Adds the figures of a step.
    pub(crate) fn step(&mut self, report: &StepReport) -> Result<(), TrainError> {
        let mut line = json!({
            "kind": "step",
            "step": report.step,
            "epoch": report.epoch,
            "loss": report.loss,
            "gradient_norm": report.gradient_norm,
            "learning_rate": report.learning_rate,
            "items_per_second": report.items_per_second,
            "seconds": self.seconds(),
        });
        if let Some(StepFigure { name, value }) = report.figure {
            line[name] = value.into();
        }
        self.line(line)
    }

    /// Adds the figures of an evaluation.
    pub(crate) fn evaluation(&mut self, step: u64, epoch: f64, report: &Report, best: bool) -> Result<(), TrainError> {
        let mut line = Map::new();
        line.insert("kind".into(), "evaluation".into());
        line.insert("step".into(), step.into());
        line.insert("epoch".into(), epoch.into());
        line.insert("loss".into(), report.loss.value.into());
        line.extend(report.figures.iter().map(|figure| (figure.name.to_owned(), figure.value.into())));
        let higher = report.figures.iter().filter(|figure| figure.better == Better::Higher);
        line.insert(HIGHER.into(), higher.map(|figure| figure.name).collect());
        line.insert("best".into(), best.into());
        line.insert("seconds".into(), self.seconds().into());
        self.line(Value::Object(line))
    }

    /// Adds the norms of the layers at an update.
    pub(crate) fn updates(&mut self, step: u64, epoch: f64, layers: &[LayerUpdate]) -> Result<(), TrainError> {
        self.line(json!({"kind": "updates", "step": step, "epoch": epoch, "layers": layers}))
    }

    /// Seconds of training so far, without the time between a stop and its resumption, to the millisecond.
    fn seconds(&self) -> f64 {
        ((self.before + self.began.elapsed().as_secs_f64()) * 1e3).round() / 1e3
    }

    /// All lines so far.
    pub(crate) fn lines(&self) -> Result<String, TrainError> {
        Ok(String::from_utf8_lossy(&files::read(&self.path)?).into_owned())
    }

    fn line(&mut self, value: Value) -> Result<(), TrainError> {
        self.file.write_all(format!("{value}\n").as_bytes()).map_err(TrainError::io("write", &self.path))
    }
}

fn is_up_to(line: &[u8], step: u64) -> bool {
    let value: Option<Value> = line.ends_with(b"\n").then(|| serde_json::from_slice(line).ok()).flatten();
    value.and_then(|v| v["step"].as_u64()).is_some_and(|s| s <= step)
}

#[cfg(test)]
mod tests;
