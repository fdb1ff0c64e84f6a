//! Timing training steps of tasks on several backends.
//!
//! The caller defines a task: a name, and a function that opens it on a device as [`Steps`].

use std::io::{self, Write};
use std::time::Instant;

use burn::tensor::Device;
use rekindle_train::trainer::Steps;
use serde::Serialize;

use crate::{BenchError, Failure, Spread, Turns, text_table};

/// A task's name, and the function that opens it on a device.
pub type Task<'a> = (&'static str, &'a dyn Fn(&Device) -> Result<Box<dyn Steps>, Failure>);

/// The figures of all tasks.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The backends, in the given order.
    pub backends: Vec<&'static str>,
    /// Threads of the CPU backends.
    pub threads: usize,
    /// Rounds and steps.
    #[serde(flatten)]
    pub turns: Turns,
    /// The tasks, in the given order.
    pub rows: Vec<Row>,
}

/// The figures of one task.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The task.
    pub task: &'static str,
    /// The unit of items.
    pub unit: &'static str,
    /// Items per second, by backend.
    pub per_second: Vec<Spread>,
    /// Speed of each backend relative to the first, round by round.
    pub to_first: Vec<Spread>,
}

/// Times each task on all `devices`, each with the name of its backend, alternately.
///
/// # Errors
///
/// [`BenchError::NoDevice`] without a device, and [`BenchError::Task`].
pub fn compare(tasks: &[Task<'_>], devices: &[(&'static str, Device)], turns: Turns) -> Result<Table, BenchError> {
    if devices.is_empty() {
        return Err(BenchError::NoDevice);
    }
    let backends = devices.iter().map(|(name, _)| *name).collect();
    let rows = tasks.iter().map(|task| row(task, devices, turns)).collect::<Result<_, _>>()?;
    Ok(Table { backends, threads: rayon::current_num_threads(), turns, rows })
}

fn row(&(task, open): &Task<'_>, devices: &[(&'static str, Device)], turns: Turns) -> Result<Row, BenchError> {
    let failed = |backend| move |source| BenchError::Task { task, backend, source };
    let mut timers = Vec::with_capacity(devices.len());
    for &(backend, ref device) in devices {
        timers.push((backend, open(device).map_err(failed(backend))?));
    }
    let unit = timers[0].1.unit();
    let speeds = turns.take(&mut timers.iter_mut().collect::<Vec<_>>(), |(backend, timer), steps| {
        let started = Instant::now();
        let items = timer.steps(steps).map_err(failed(*backend))?;
        Ok(items as f64 / started.elapsed().as_secs_f64())
    })?;
    Ok(Row {
        task,
        unit,
        per_second: speeds.iter().map(|speeds| Spread::of(speeds)).collect(),
        to_first: speeds.iter().map(|own| Spread::of_ratios(own, &speeds[0])).collect(),
    })
}

impl Table {
    /// Writes the figures as text.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let ratios = self.backends.iter().skip(1).map(|name| format!("{name} / {}", self.backends[0]));
        let ratios: Vec<_> = ratios.collect();
        let headings = ["", "a second"].into_iter().chain(self.backends.iter().copied());
        let headings: Vec<_> = headings.chain(ratios.iter().map(String::as_str)).collect();
        let rows = self.rows.iter().map(|row| {
            let speeds = row.per_second.iter().map(|speed| format!("{:.0}", speed.median));
            let ratios = row.to_first.iter().skip(1).map(Spread::to_string);
            [row.task.into(), row.unit.into()].into_iter().chain(speeds).chain(ratios).collect()
        });
        text_table::write(out, &headings, rows.collect())
    }
}
