//! `rekindle bench`.

use std::io::{self, stdout};
use std::num::NonZeroUsize;
use std::process::Command;

use anyhow::{Context, Result};
use burn::tensor::Device;
use rekindle_bench::backends::Task;
use rekindle_bench::comparison::Comparison;
use rekindle_bench::products::Product;
use rekindle_bench::{PyTorch, Shape, Turns, backends, growth, memory, products};
use rekindle_data::counted;
use rekindle_train::tasks;
use serde::Serialize;

use crate::backend::{self, Kind};
use crate::console::{self, answer, note};
use crate::options::{Bench, DeviceOptions};

pub fn run(options: &Bench) -> Result<()> {
    let chosen = backend::choose(&options.device)?;
    if let Some(shape) = &options.peak_memory {
        return Ok(answer!("{}", serde_json::to_string(&memory::peak_bytes(shape, &chosen.device)?)?)?);
    }
    let count = |number| NonZeroUsize::new(number).context("the options are at least 1");
    let turns = Turns { rounds: count(options.rounds)?, steps: count(options.steps)? };
    let name = match options.products {
        Some(_) => "matrix products",
        None if options.backends => "all backends",
        None => chosen.name,
    };
    let threads = rayon::current_num_threads();
    note!(
        "{name}, {}, {} of {}",
        counted(threads, "threads"),
        counted(options.rounds, "rounds"),
        counted(options.steps, "steps")
    );
    let progress = |shape: &Shape| note!("{shape}");
    if options.backends {
        let table = compare_backends(turns)?;
        return print(options, &table, |out| table.write(out));
    }
    if options.growth {
        let table = growth::measure(turns, &chosen.device, progress)?;
        return print(options, &table, |out| table.write(out));
    }
    let pytorch = pytorch(options);
    if let Some(sizes) = &options.products {
        let table = products::measure(&Product::all(sizes), turns, pytorch, |product| note!("{product}"))?;
        return print(options, &table, |out| table.write(out));
    }
    // Both on a GPU, where there is one for both.
    let pytorch = pytorch.map(|pytorch| if chosen.kind == Kind::Gpu { pytorch.on_gpu() } else { pytorch });
    if let Some(pytorch) = pytorch.as_ref().filter(|_| chosen.kind == Kind::Gpu) {
        note!("PyTorch on {}", pytorch.device_name());
    }
    let mut comparison = Comparison {
        backend: chosen.name,
        device: &chosen.device,
        turns,
        pytorch,
        burn: !options.no_burn,
        rerun: Some(&|shape| rerun(shape, &options.device)),
    };
    let shapes = if options.shapes.is_empty() { Shape::defaults() } else { options.shapes.clone() };
    let table = comparison.run(&shapes, progress)?;
    print(options, &table, |out| {
        table.write(out)?;
        if options.kernels { table.write_kernels(out) } else { Ok(()) }
    })
}

/// PyTorch in the Python of the options; without it, says so.
fn pytorch(options: &Bench) -> Option<PyTorch> {
    let pytorch = PyTorch::start(&options.python).map_err(anyhow::Error::from);
    let pytorch = pytorch.inspect_err(|e| {
        note!(
            "warning: PyTorch is not compared: {e:#}; install it (pip install torch) or pass another Python with \
             --python"
        );
    });
    pytorch.ok()
}

/// Times training steps of every registered task on the first device of each backend, without software GPUs, whose
/// speed is meaningless.
fn compare_backends(turns: Turns) -> Result<backends::Table> {
    let first = |devices: Vec<(Device, Kind)>| devices.into_iter().find(|(_, kind)| *kind != Kind::SoftwareGpu);
    let devices: Vec<_> =
        backend::backends().iter().filter_map(|backend| Some((backend.name, first(backend.devices())?.0))).collect();
    let openers: Vec<_> = tasks::ALL
        .iter()
        .map(|task| {
            move |device: &Device| {
                note!("{}", task.name());
                task.steps(device)
            }
        })
        .collect();
    let tasks: Vec<Task<'_>> =
        tasks::ALL.iter().zip(&openers).map(|(task, opener)| (task.name(), opener as &dyn Fn(&_) -> _)).collect();
    Ok(backends::compare(&tasks, &devices, turns)?)
}

fn print(options: &Bench, table: &impl Serialize, text: impl FnOnce(&mut io::Stdout) -> io::Result<()>) -> Result<()> {
    if options.output.json { console::json(table) } else { Ok(text(&mut stdout())?) }
}

/// The command that restarts this program, to run the steps of a shape and print its peak memory.
fn rerun(shape: &Shape, device: &DeviceOptions) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", "--peak-memory", &shape.to_string()]);
    if let Some(backend) = &device.backend {
        command.args(["--backend", backend]);
    }
    if let Some(threads) = device.threads {
        command.args(["--threads", &threads.to_string()]);
    }
    Ok(command)
}
