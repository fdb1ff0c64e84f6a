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
    let mut rekindle = contestant::rekindle(shape, device);
    let mut at_shape = pytorch.map(|pytorch| AtShape { pytorch: Rc::clone(pytorch), shape: *shape });
    let at_shape = at_shape.as_mut().map(|pytorch| pytorch as &mut dyn Contestant);
    let (symbols_per_second, to_pytorch) = turns(rekindle.as_mut(), at_shape, shape, options)?;
    // Burn has layers to make a language model of, and neither translator nor captioner.
    let with_burn = !options.no_burn && matches!(shape.work, Work::Train | Work::Sample);
    let mut burn = with_burn.then(|| language_model::<BurnLm>(shape, device));
    let to_burn = match &mut burn {
        Some(burn) => turns(rekindle.as_mut(), Some(burn.as_mut()), shape, options)?.1,
        None => None,
    };
    let trains = matches!(shape.work, Work::Train | Work::Translate | Work::Caption);
    let kernels = match trains.then(|| kernels(rekindle.as_mut())).transpose()? {
        None | Some(0) => None,
        Some(own) => {
            Some(Kernels { rekindle: own, burn: burn.as_mut().map(|burn| kernels(burn.as_mut())).transpose()? })
        }
    };
    let python = pytorch.is_some().then_some(options.python.as_path());
    let peak = trains.then(|| memory::measure(shape, &options.device, python));
    Ok(Row { shape: *shape, symbols_per_second, to_pytorch, to_burn, peak_bytes: peak.transpose()?, kernels })
}

/// The speed of `own` in symbols a second, and how many times that of `other` it is, round by round. They are two at a
/// time: Burn's layers leave the memory of this process in a state in which the next turn is slower.
fn turns(
    own: &mut dyn Contestant,
    mut other: Option<&mut dyn Contestant>,
    shape: &Shape,
    options: &Bench,
) -> Result<(Spread, Option<Spread>)> {
    let (mut speeds, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let own_seconds = turn(own, options.steps)?;
        speeds.push(shape.symbols(options.steps) as f64 / own_seconds);
        if let Some(other) = other.as_deref_mut() {
            ratios.push(turn(other, options.steps)? / own_seconds);
        }
    }
    Ok((Spread::of(&speeds), (!ratios.is_empty()).then(|| Spread::of(&ratios))))
}

/// The seconds of `steps` steps, after one that is not counted: it finds the caches full of another's numbers.
fn turn(contestant: &mut dyn Contestant, steps: usize) -> Result<f64> {
    contestant.round(1)?;
    contestant.round(steps)
}

/// The kernels of one step; none on a CPU.
fn kernels(contestant: &mut dyn Contestant) -> Result<usize> {
    let (round, kernels) = launches::count(|| contestant.round(1));
    round.map(|_| kernels)
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
