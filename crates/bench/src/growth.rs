//! The time of a training step by batch size and sequence length, compared with the machine's peak.

use std::io::{self, Write};
use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use rekindle_models::char_lm::CharLm;
use serde::Serialize;

use crate::language_model::language_model;
use crate::shape::{SYMBOLS, Shape};
use crate::{BenchError, Spread, Turns, text_table};

/// Batch sizes `B` and sequence lengths `T`.
const SIZES: [usize; 4] = [16, 32, 64, 128];
/// Width of the LSTM.
const HIDDEN: usize = 256;
/// Rows and columns of the product that measures the peak, far larger than every cache.
const PEAK_SIZE: usize = 2048;

/// The figures of all batch sizes and sequence lengths.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// GFLOP/s of a product of two large matrices.
    pub peak_gflops: f64,
    /// Width of the LSTM.
    pub hidden: usize,
    /// By batch size, then by sequence length.
    pub rows: Vec<Row>,
}

/// The figures of one batch size and sequence length.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Batch size `B`.
    pub batch: usize,
    /// Sequence length `T`.
    pub time: usize,
    /// Seconds of a training step.
    pub step_seconds: f64,
    /// GFLOP/s of the step's matrix products.
    pub gflops: f64,
    /// Share of the peak.
    pub share_of_peak: f64,
}

/// Times the training of an LSTM language model on `device`; calls `progress` before each shape.
///
/// # Errors
///
/// When the device fails.
pub fn measure(turns: Turns, device: &Device, mut progress: impl FnMut(&Shape)) -> Result<Table, BenchError> {
    let peak_gflops = peak_gflops(turns, device)?;
    let mut rows = Vec::new();
    for (batch, time) in SIZES.into_iter().flat_map(|batch| SIZES.map(|time| (batch, time))) {
        let shape = format!("train-lstm-1x{HIDDEN}-b{batch}-t{time}").parse()?;
        progress(&shape);
        let mut training = language_model::<CharLm>(&shape, device);
        let seconds = turns.take(&mut [&mut training], |training, steps| Ok(training(steps)? / steps as f64))?;
        let step_seconds = Spread::of(&seconds[0]).median;
        let gflops = flops(&shape) / step_seconds / 1e9;
        rows.push(Row { batch, time, step_seconds, gflops, share_of_peak: gflops / peak_gflops });
    }
    Ok(Table { peak_gflops, hidden: HIDDEN, rows })
}

/// Floating-point operations of the matrix products in a training step.
///
/// There is one product forward and two backward, with `W_hh` and with `W_hy`, of two operations
/// per weight and token. A one-hot input needs none.
fn flops(shape: &Shape) -> f64 {
    let weights = 4 * shape.hidden * shape.hidden + shape.hidden * SYMBOLS;
    (6 * weights * shape.tokens(1)) as f64
}

/// The peak: the best of all rounds in a product of two large matrices.
fn peak_gflops(turns: Turns, device: &Device) -> Result<f64, BenchError> {
    let random = || Tensor::<2>::random([PEAK_SIZE, PEAK_SIZE], Distribution::Default, device);
    let (left, right) = (random(), random());
    let seconds = turns.take(&mut [&mut ()], |(), _| {
        let started = Instant::now();
        let _product = left.clone().matmul(right.clone());
        device.sync()?;
        Ok(started.elapsed().as_secs_f64())
    })?;
    Ok(2.0 * (PEAK_SIZE as f64).powi(3) / Spread::of(&seconds[0]).min / 1e9)
}

impl Table {
    /// Writes the figures as text.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "peak: {:.0} GFLOP/s in a product of {PEAK_SIZE} x {PEAK_SIZE} f32 matrices", self.peak_gflops)?;
        let headings = ["batch", "time", "ms a step", "us a symbol", "GFLOP/s", "of the peak"];
        let rows = self.rows.iter().map(|row| {
            vec![
                row.batch.to_string(),
                row.time.to_string(),
                format!("{:.2}", row.step_seconds * 1e3),
                format!("{:.2}", row.step_seconds * 1e6 / (row.batch * row.time) as f64),
                format!("{:.1}", row.gflops),
                format!("{:.0} %", 100.0 * row.share_of_peak),
            ]
        });
        text_table::write(out, &headings, rows.collect())
    }
}
