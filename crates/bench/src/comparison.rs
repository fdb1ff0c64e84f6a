//! Comparing Rekindle with PyTorch and Burn's own layers, at each shape.

use std::io::{self, Write};
use std::iter;

use burn::tensor::Device;
use rekindle_kernels::launches::{self, Launches};
use serde::Serialize;

use crate::burn_layers::BurnLm;
use crate::contestant::Contestant;
use crate::language_model::language_model;
use crate::memory::{self, Peak, Rerun};
use crate::pytorch::PyTorch;
use crate::rekindle::rekindle;
use crate::shape::{Shape, Work};
use crate::text_table::{self, cell};
use crate::{BenchError, Spread, Turns};

/// The contestants of a comparison, and its length.
pub struct Comparison<'a> {
    /// Name of the backend, for the table.
    pub backend: &'a str,
    /// The device of Rekindle and Burn.
    pub device: &'a Device,
    /// Rounds and steps.
    pub turns: Turns,
    /// PyTorch, if it is compared.
    pub pytorch: Option<PyTorch>,
    /// Whether Burn's own layers are compared.
    pub burn: bool,
    /// Restarts this program to measure its peak memory; none to skip that.
    pub rerun: Option<Rerun<'a>>,
}

/// The figures of all shapes.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The backend of Rekindle and Burn.
    pub backend: String,
    /// Threads of each contestant.
    pub threads: usize,
    /// The version of PyTorch, if it was compared.
    pub pytorch: Option<String>,
    /// The device of PyTorch: the name of a GPU, or `CPU`.
    pub pytorch_device: Option<String>,
    /// Rounds and steps.
    #[serde(flatten)]
    pub turns: Turns,
    /// The shapes, in the given order.
    pub rows: Vec<Row>,
}

/// The figures of one shape.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The shape.
    pub shape: Shape,
    /// Tokens that Rekindle reads or writes per second; of DRAW, images.
    pub symbols_per_second: Spread,
    /// Speed of Rekindle relative to PyTorch, round by round.
    pub to_pytorch: Option<Spread>,
    /// Speed of Rekindle relative to Burn's own layers, round by round.
    pub to_burn: Option<Spread>,
    /// Peak memory of training.
    pub peak_bytes: Option<Peak>,
    /// Kernel launches of a training step; none on a CPU.
    pub kernels: Option<Kernels>,
    /// Seconds of a training step by the GPU's own clock; none on a CPU, and on GPUs without timestamps.
    pub device_seconds: Option<f64>,
}

/// Kernel launches of a training step on a GPU.
#[derive(Clone, Debug, Serialize)]
pub struct Kernels {
    /// Those of Rekindle.
    pub rekindle: usize,
    /// Those of Burn's own layers, if they were compared.
    pub burn: Option<usize>,
    /// Those of Rekindle by kernel, the one with the most launches first.
    pub by_kernel: Vec<KernelLaunches>,
}

/// The launches of one kernel.
#[derive(Clone, Debug, Serialize)]
pub struct KernelLaunches {
    /// The name of the kernel.
    pub kernel: String,
    /// Its launches.
    pub launches: usize,
}

impl Comparison<'_> {
    /// Times all contestants at each shape; calls `progress` before each.
    ///
    /// # Errors
    ///
    /// When a device, PyTorch's process or the memory measurement fails.
    pub fn run(&mut self, shapes: &[Shape], mut progress: impl FnMut(&Shape)) -> Result<Table, BenchError> {
        let mut rows = Vec::with_capacity(shapes.len());
        for shape in shapes {
            progress(shape);
            rows.push(self.row(shape)?);
        }
        Ok(Table {
            backend: self.backend.to_owned(),
            threads: rayon::current_num_threads(),
            pytorch: self.pytorch.as_ref().map(|pytorch| pytorch.version.clone()),
            pytorch_device: self.pytorch.as_ref().map(PyTorch::device_name),
            turns: self.turns,
            rows,
        })
    }

    fn row(&mut self, shape: &Shape) -> Result<Row, BenchError> {
        let (turns, python) = (self.turns, self.pytorch.as_ref().map(|pytorch| pytorch.program.clone()));
        let speeds = |contestants: &mut [&mut Contestant<'_>]| {
            turns.take(contestants, |contestant, steps| Ok(shape.tokens(steps) as f64 / contestant(steps)?))
        };
        let mut own = rekindle(shape, self.device);
        // In pairs: Burn's layers leave the memory of this process in a state in which the next
        // turn is slower.
        let mut pytorch = self.pytorch.as_mut().map(|pytorch| pytorch.contestant(shape));
        let with_pytorch = speeds(&mut iter::once(&mut own).chain(&mut pytorch).collect::<Vec<_>>())?;
        // Burn has the layers of a language model; of the other models it has none.
        let has_burn = self.burn && matches!(shape.work, Work::Train | Work::Sample);
        let mut burn = has_burn.then(|| language_model::<BurnLm>(shape, self.device));
        let with_burn = burn.as_mut().map(|burn| speeds(&mut [&mut own, burn])).transpose()?;
        let (mut kernels, mut device_seconds, mut peak_bytes) = (None, None, None);
        if shape.trains() {
            let by_kernel = launches_of_a_step(&mut own)?;
            if !by_kernel.is_empty() {
                let total = |kernels: &[KernelLaunches]| kernels.iter().map(|kernel| kernel.launches).sum();
                let burn = burn.as_mut().map(launches_of_a_step).transpose()?;
                let burn = burn.map(|kernels| total(&kernels));
                kernels = Some(Kernels { rekindle: total(&by_kernel), burn, by_kernel });
                let (step, time) = launches::device_time(self.device, || own(1));
                step?;
                device_seconds = time.map(|time| time.as_secs_f64());
            }
            peak_bytes = self.rerun.map(|rerun| memory::measure(shape, rerun, python.as_deref())).transpose()?;
        }
        let ratio = |speeds: &Vec<Vec<f64>>| Some(Spread::of_ratios(&speeds[0], speeds.get(1)?));
        Ok(Row {
            shape: *shape,
            symbols_per_second: Spread::of(&with_pytorch[0]),
            to_pytorch: ratio(&with_pytorch),
            to_burn: with_burn.as_ref().and_then(ratio),
            peak_bytes,
            kernels,
            device_seconds,
        })
    }
}

/// The kernel launches of one step; none on a CPU.
fn launches_of_a_step(contestant: &mut Contestant<'_>) -> Result<Vec<KernelLaunches>, BenchError> {
    let (round, kernels) = launches::by_kernel(|| contestant(1));
    round?;
    let launches = |Launches { kernel, count }| KernelLaunches { kernel, launches: count };
    Ok(kernels.into_iter().map(launches).collect())
}

impl Table {
    /// Writes the figures as text.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let headings =
            ["", "symbols/s", "x PyTorch", "x Burn", "peak MiB", "of PyTorch", "kernels", "Burn's", "GPU ms"];
        let rows = self.rows.iter().map(|row| {
            let (own, other) = row.peak_bytes.map_or((None, None), |peak| (peak.rekindle, peak.pytorch));
            vec![
                row.shape.to_string(),
                format!("{:.0}", row.symbols_per_second.median),
                cell(row.to_pytorch),
                cell(row.to_burn),
                cell(own.map(|own| format!("{:.0}", own as f64 / f64::from(1 << 20)))),
                cell(own.zip(other).map(|(own, other)| format!("{:.2}", own as f64 / other as f64))),
                cell(row.kernels.as_ref().map(|kernels| kernels.rekindle)),
                cell(row.kernels.as_ref().and_then(|kernels| kernels.burn)),
                cell(row.device_seconds.map(|seconds| format!("{:.2}", 1e3 * seconds))),
            ]
        });
        text_table::write(out, &headings, rows.collect())
    }

    /// Writes the kernel launches of a training step of each shape, by kernel, as text.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_kernels(&self, out: &mut impl Write) -> io::Result<()> {
        for row in &self.rows {
            let Some(kernels) = &row.kernels else { continue };
            writeln!(out)?;
            let lines = kernels.by_kernel.iter().map(|kernel| vec![kernel.kernel.clone(), kernel.launches.to_string()]);
            text_table::write(out, &[&row.shape.to_string(), "launches"], lines.collect())?;
        }
        Ok(())
    }
}
