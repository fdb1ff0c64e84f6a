//! How the time of a training step grows with batch and time, beside the machine's peak.

use std::time::Instant;

use anyhow::Result;
use burn::tensor::{Device, Distribution, Tensor};
use serde_json::json;

use super::contestant;
use super::shape::{Recurrence, SYMBOLS, Shape, Work};
use super::spread::Spread;
use crate::options::Bench;

/// Batches `B` and times `T`.
const SIZES: [usize; 4] = [16, 32, 64, 128];
/// Width of the LSTM.
const HIDDEN: usize = 256;
/// Rows and columns of the product that shows the peak: far beyond every cache.
const PEAK_SIZE: usize = 2048;

pub fn run(options: &Bench, device: &Device) -> Result<()> {
    let peak = peak_gflops(options.rounds, device)?;
    eprintln!("peak: {peak:.0} GFLOP/s in a product of {PEAK_SIZE} x {PEAK_SIZE} f32 matrices");
    let mut rows = Vec::new();
    for batch in SIZES {
        for time in SIZES {
            let (work, cell) = (Work::Train, Recurrence::Lstm);
            let shape = Shape { work, cell, layers: 1, hidden: HIDDEN, batch, time, apart: false };
            eprintln!("{shape}");
            let mut training = contestant::rekindle(&shape, device);
            training.round(1)?;
            let seconds = (0..options.rounds).map(|_| training.round(options.steps)).collect::<Result<Vec<_>>>()?;
            let seconds = Spread::of(&seconds).median / options.steps as f64;
            rows.push((batch, time, seconds, flops(&shape) / seconds / 1e9));
        }
    }
    if options.output.json {
        let row = |&(batch, time, seconds, gflops): &(usize, usize, f64, f64)| json!({"batch": batch, "time": time, "step_seconds": seconds, "gflops": gflops, "share_of_peak": gflops / peak});
        let rows: Vec<_> = rows.iter().map(row).collect();
        return super::super::print_json(&json!({"peak_gflops": peak, "hidden": HIDDEN, "rows": rows}));
    }
    println!("batch  time  ms a step  us a symbol  GFLOP/s  of the peak");
    for (batch, time, seconds, gflops) in rows {
        let (step, symbol) = (seconds * 1e3, seconds * 1e6 / (batch * time) as f64);
        let share = 100.0 * gflops / peak;
        println!("{batch:>5} {time:>5} {step:>10.2} {symbol:>12.2} {gflops:>8.1} {share:>10.0} %");
    }
    Ok(())
}

/// Floating-point operations of the matrix products in a training step: one product forward and two backward with `W_hh`
/// and with `W_hy`, two operations a weight and symbol. A one-hot input needs none.
fn flops(shape: &Shape) -> f64 {
    let weights = 4 * shape.hidden * shape.hidden + shape.hidden * SYMBOLS;
    (6 * weights * shape.symbols(1)) as f64
}

fn peak_gflops(rounds: usize, device: &Device) -> Result<f64> {
    let random = || Tensor::<2>::random([PEAK_SIZE, PEAK_SIZE], Distribution::Default, device);
    let (left, right) = (random(), random());
    let mut best = f64::INFINITY;
    // The first product warms up.
    for _ in 0..=rounds {
        let started = Instant::now();
        let product = left.clone().matmul(right.clone());
        device.sync()?;
        best = best.min(started.elapsed().as_secs_f64());
        drop(product);
    }
    Ok(2.0 * (PEAK_SIZE as f64).powi(3) / best / 1e9)
}
