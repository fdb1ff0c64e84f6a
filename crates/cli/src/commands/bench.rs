//! `rekindle bench`: the contestants take turns, round by round, so that whatever else the machine does meets all alike.

mod burn_layers;
mod captioner;
mod contestant;
mod growth;
mod memory;
mod pytorch;
pub mod shape;
mod spread;
mod tasks;
mod translator;

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Result;
use burn::tensor::Device;
use rekindle_kernels::launches;
use serde::Serialize;
use serde_json::json;

use self::burn_layers::BurnLm;
use self::contestant::{Contestant, language_model};
use self::memory::Peak;
use self::pytorch::{AtShape, PyTorch};
use self::shape::{Shape, Work};
use self::spread::Spread;
use crate::backend;
use crate::options::Bench;

pub fn run(options: &Bench) -> Result<()> {
    let chosen = backend::choose(&options.device)?;
    if let Some(shape) = &options.peak_memory {
        return memory::print(shape, &chosen.device);
    }
    let threads = rayon::current_num_threads();
    if options.backends {
        eprintln!("{threads} threads, {} rounds of {} steps", options.rounds, options.steps);
        return tasks::run(options);
    }
    eprintln!("{}, {threads} threads, {} rounds of {} steps", chosen.name, options.rounds, options.steps);
    if options.growth {
        return growth::run(options, &chosen.device);
    }
    let pytorch = PyTorch::start(&options.python);
    let pytorch = pytorch.inspect_err(|e| eprintln!("warning: going on without PyTorch: {e:#}")).ok();
    let version = pytorch.as_ref().map(|pytorch| pytorch.version.clone());
    let pytorch = pytorch.map(|pytorch| Rc::new(RefCell::new(pytorch)));
    let shapes = if options.shapes.is_empty() { Shape::defaults() } else { options.shapes.clone() };
    let rows = shapes.iter().map(|shape| row(shape, options, &chosen.device, pytorch.as_ref()));
    let rows = rows.collect::<Result<Vec<_>>>()?;
    if options.output.json {
        return super::print_json(&json!({
            "backend": chosen.name,
            "threads": threads,
            "pytorch": version,
            "rounds": options.rounds,
            "steps": options.steps,
            "rows": rows,
        }));
    }
    print_table(&rows);
    Ok(())
}

/// What came out at one shape.
#[derive(Serialize)]
struct Row {
    shape: Shape,
    symbols_per_second: Spread,
    /// How many times as fast as PyTorch, and as Burn's own layers; each round by itself.
    to_pytorch: Option<Spread>,
    to_burn: Option<Spread>,
    peak_bytes: Option<Peak>,
    /// Kernels that a training step launches, on a GPU.
    kernels: Option<Kernels>,
}

/// Kernels that a training step launches.
#[derive(Serialize)]
struct Kernels {
    rekindle: usize,
    burn: Option<usize>,
}

fn row(shape: &Shape, options: &Bench, device: &Device, pytorch: Option<&Rc<RefCell<PyTorch>>>) -> Result<Row> {
    eprintln!("{shape}");
    let at_shape = |pytorch: &Rc<_>| Box::new(AtShape { pytorch: Rc::clone(pytorch), shape: *shape }) as Box<_>;
    let mut rekindle = Turn::new(contestant::rekindle(shape, device));
    let mut pytorch = pytorch.map(|pytorch| Turn::new(at_shape(pytorch)));
    // Burn has layers to make a language model of, and neither translator nor captioner.
    let with_burn = !options.no_burn && matches!(shape.work, Work::Train | Work::Sample);
    let mut burn = with_burn.then(|| Turn::new(language_model::<BurnLm>(shape, device)));
    for _ in 0..options.rounds {
        for turn in [Some(&mut rekindle), pytorch.as_mut(), burn.as_mut()].into_iter().flatten() {
            turn.take(options.steps)?;
        }
    }
    let trains = matches!(shape.work, Work::Train | Work::Translate | Work::Caption);
    let kernels = match trains.then(|| rekindle.kernels()).transpose()? {
        None | Some(0) => None,
        Some(own) => Some(Kernels { rekindle: own, burn: burn.as_mut().map(Turn::kernels).transpose()? }),
    };
    let ratio = |other: &Turn| {
        let ratios = other.seconds.iter().zip(&rekindle.seconds).map(|(other, own)| other / own);
        Spread::of(&ratios.collect::<Vec<_>>())
    };
    let speeds = rekindle.seconds.iter().map(|seconds| shape.symbols(options.steps) as f64 / seconds);
    let python = pytorch.is_some().then_some(options.python.as_path());
    let peak = trains.then(|| memory::measure(shape, &options.device, python));
    Ok(Row {
        shape: *shape,
        symbols_per_second: Spread::of(&speeds.collect::<Vec<_>>()),
        to_pytorch: pytorch.as_ref().map(ratio),
        to_burn: burn.as_ref().map(ratio),
        peak_bytes: peak.transpose()?,
        kernels,
    })
}

/// A contestant and the seconds of its rounds.
struct Turn {
    contestant: Box<dyn Contestant>,
    seconds: Vec<f64>,
}

impl Turn {
    fn new(contestant: Box<dyn Contestant>) -> Self {
        Self { contestant, seconds: Vec::new() }
    }

    /// The first step is not counted: it finds the caches full of another's numbers.
    fn take(&mut self, steps: usize) -> Result<()> {
        self.contestant.round(1)?;
        self.seconds.push(self.contestant.round(steps)?);
        Ok(())
    }

    /// The kernels of one step; none on a CPU.
    fn kernels(&mut self) -> Result<usize> {
        let (round, kernels) = launches::count(|| self.contestant.round(1));
        round.map(|_| kernels)
    }
}

fn print_table(rows: &[Row]) {
    println!(
        "{:<29} {:>10}  {:<20} {:<20} {:>8} {:>10} {:>8} {:>8}",
        "", "symbols/s", "x PyTorch", "x Burn", "peak MiB", "of PyTorch", "kernels", "Burn's"
    );
    let or_none = |count: Option<usize>| count.map_or("-".into(), |count| count.to_string());
    for row in rows {
        let ratio = |ratio: &Option<Spread>| ratio.map_or("-".into(), |ratio| ratio.to_string());
        let (own, other) = row.peak_bytes.as_ref().map_or((None, None), |peak| (peak.rekindle, peak.pytorch));
        let mebibytes = own.map_or("-".into(), |own| format!("{:.0}", own as f64 / f64::from(1 << 20)));
        let share = own.zip(other).map_or("-".into(), |(own, other)| format!("{:.2}", own as f64 / other as f64));
        println!(
            "{:<29} {:>10.0}  {:<20} {:<20} {mebibytes:>8} {share:>10} {:>8} {:>8}",
            row.shape,
            row.symbols_per_second.median,
            ratio(&row.to_pytorch),
            ratio(&row.to_burn),
            or_none(row.kernels.as_ref().map(|kernels| kernels.rekindle)),
            or_none(row.kernels.as_ref().and_then(|kernels| kernels.burn)),
        );
    }
}
