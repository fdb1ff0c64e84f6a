//! Matrix products: Rekindle's own, the `gemm` crate's and PyTorch's, beside the peak of the processor's arithmetic.
//!
//! A step of a turn is products of 2 GFLOP in total, and at least one product.

#[cfg(any(feature = "flex", feature = "ndarray"))]
mod cpu;
#[cfg(not(any(feature = "flex", feature = "ndarray")))]
#[path = "products/no_cpu.rs"]
mod cpu;

use std::fmt;
use std::io::{self, Write};

use rekindle_settings::names;
use serde::Serialize;

use crate::processor;
use crate::pytorch::PyTorch;
use crate::{BenchError, Spread, Turns, text_table};

/// Sizes of square products.
const SQUARES: [usize; 7] = [64, 128, 256, 512, 1024, 2048, 4096];
/// Widths of the LSTMs whose products are timed.
const HIDDEN: [usize; 2] = [256, 512];
/// Their batch size.
const BATCH: usize = 64;
/// Their sequence length.
const TIME: usize = 64;
/// Floating-point operations of a step.
const STEP_FLOPS: f64 = 2e9;
/// The name of the peak among the contestants; it is the first of them.
const PEAK: &str = "peak";

names! {
    /// What a product is for, and which factor of it is stored transposed.
    pub enum Purpose {
        /// The product of two square matrices, stored by rows.
        Square = "square",
        /// One time step of an LSTM: `h W_hhᵀ`.
        Forward = "forward",
        /// One time step of its backward pass: `d W_hh`.
        Backward = "backward",
        /// The gradient of its weights over all time steps: `dᵀ h`.
        Gradient = "gradient",
    }
}

/// A product `[M, K] · [K, N]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Product {
    /// What it is for.
    pub purpose: Purpose,
    /// `[M, K, N]`
    pub size: [usize; 3],
}

/// The figures of all products.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The name of the processor, on Linux.
    pub processor: Option<String>,
    /// Threads of each contestant.
    pub threads: usize,
    /// The version of PyTorch, if it was compared.
    pub pytorch: Option<String>,
    /// Rounds and steps.
    #[serde(flatten)]
    pub turns: Turns,
    /// The products, in the given order.
    pub rows: Vec<Row>,
}

/// The figures of one product.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The product.
    #[serde(flatten)]
    pub product: Product,
    /// GFLOP/s of multiply-adds on registers alone, on all threads.
    pub peak_gflops: Spread,
    /// The figures of each contestant.
    pub contestants: Vec<Figures>,
}

/// The figures of a contestant in a product.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// The contestant.
    pub name: &'static str,
    /// GFLOP/s.
    pub gflops: Spread,
    /// Speed relative to the contestant with the highest median, round by round.
    pub of_best: Spread,
    /// Speed relative to the peak, round by round.
    pub of_peak: Spread,
}

/// A contestant: runs this many steps and returns the GFLOP/s of them.
type Contestant<'a> = (&'static str, Timed<'a>);

type Timed<'a> = Box<dyn FnMut(usize) -> Result<f64, BenchError> + 'a>;

impl Product {
    /// Square products of these sizes, and those of the recurrence of an LSTM. If `sizes` is empty, it is 64 to 4096.
    pub fn all(sizes: &[usize]) -> Vec<Self> {
        let squares = if sizes.is_empty() { &SQUARES } else { sizes };
        let square = |&size: &usize| Self { purpose: Purpose::Square, size: [size; 3] };
        let recurrent = HIDDEN.into_iter().flat_map(|hidden| {
            let gates = 4 * hidden;
            [
                Self { purpose: Purpose::Forward, size: [BATCH, hidden, gates] },
                Self { purpose: Purpose::Backward, size: [BATCH, gates, hidden] },
                Self { purpose: Purpose::Gradient, size: [gates, TIME * BATCH, hidden] },
            ]
        });
        squares.iter().map(square).chain(recurrent).collect()
    }

    /// Floating-point operations.
    fn flops(&self) -> f64 {
        2.0 * self.size.iter().map(|&size| size as f64).product::<f64>()
    }

    /// How often it is computed in this many steps.
    fn repetitions(&self, steps: usize) -> usize {
        (steps as f64 * STEP_FLOPS / self.flops()).ceil() as usize
    }

    /// GFLOP/s of a contestant that computes it as often as asked and returns the seconds.
    fn gflops<'a>(self, mut seconds: impl FnMut(usize) -> Result<f64, BenchError> + 'a) -> Timed<'a> {
        Box::new(move |steps| {
            let repetitions = self.repetitions(steps);
            Ok(self.flops() * repetitions as f64 / seconds(repetitions)? / 1e9)
        })
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [m, k, n] = self.size;
        f.pad(&format!("{} {m}x{k}x{n}", self.purpose))
    }
}

/// Times each product; calls `progress` before each.
///
/// # Errors
///
/// [`BenchError::NoDevice`] without a CPU backend, and when PyTorch's process fails.
pub fn measure(
    products: &[Product],
    turns: Turns,
    mut pytorch: Option<PyTorch>,
    mut progress: impl FnMut(&Product),
) -> Result<Table, BenchError> {
    let mut rows = Vec::with_capacity(products.len());
    for product in products {
        progress(product);
        rows.push(row(product, turns, pytorch.as_mut())?);
    }
    Ok(Table {
        processor: processor::name(),
        threads: rayon::current_num_threads(),
        pytorch: pytorch.map(|pytorch| pytorch.version.clone()),
        turns,
        rows,
    })
}

fn row(product: &Product, turns: Turns, pytorch: Option<&mut PyTorch>) -> Result<Row, BenchError> {
    let factors = cpu::factors(product)?;
    let mut contestants = cpu::contestants(product, &factors);
    if let Some(pytorch) = pytorch {
        contestants.push(("PyTorch", product.gflops(|repetitions| pytorch.multiply(product, repetitions))));
    }
    let gflops = turns.take(&mut contestants.iter_mut().collect::<Vec<_>>(), |(_, run), steps| run(steps))?;
    let names: Vec<_> = contestants.iter().map(|(name, _)| *name).collect();
    Ok(Row::of(*product, &names, &gflops))
}

impl Row {
    /// The figures of the contestants with these names, the first of them the peak, round by round.
    fn of(product: Product, names: &[&'static str], gflops: &[Vec<f64>]) -> Self {
        let median = |gflops: &&Vec<f64>| Spread::of(gflops).median;
        let (peak, rest) = gflops.split_first().expect("the peak is the first contestant");
        let best = rest.iter().max_by(|a, b| median(a).total_cmp(&median(b))).unwrap_or(peak);
        let figures = |(&name, own): (&&'static str, &Vec<f64>)| Figures {
            name,
            gflops: Spread::of(own),
            of_best: Spread::of_ratios(own, best),
            of_peak: Spread::of_ratios(own, peak),
        };
        let contestants = names[1..].iter().zip(rest).map(figures).collect();
        Self { product, peak_gflops: Spread::of(peak), contestants }
    }
}

impl Table {
    /// Writes the medians as text.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let processor = self.processor.as_deref().unwrap_or("unnamed processor");
        writeln!(out, "{processor}, threads: {}", self.threads)?;
        writeln!(out, "GFLOP/s, share of the best in the row, share of the peak")?;
        let names = self.rows.iter().take(1).flat_map(|row| row.contestants.iter().map(|figures| figures.name));
        let headings: Vec<_> = ["", PEAK].into_iter().chain(names).collect();
        let rows = self.rows.iter().map(|row| {
            let percent = |share: Spread| format!("{:.0} %", 100.0 * share.median);
            let cells = row.contestants.iter().map(|Figures { gflops, of_best, of_peak, .. }| {
                format!("{:.0} {:>5} {:>5}", gflops.median, percent(*of_best), percent(*of_peak))
            });
            [row.product.to_string(), format!("{:.0}", row.peak_gflops.median)].into_iter().chain(cells).collect()
        });
        text_table::write(out, &headings, rows.collect())
    }
}

#[cfg(test)]
mod tests;
