//! `rekindle bench --backends`: training steps of every task on each backend, with its built-in data and its own settings.

use std::time::Instant;

use anyhow::{Result, ensure};
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_train::run::RunSettings;
use rekindle_train::task::{Carry, Task};
use rekindle_train::tasks::caption::CaptionTask;
use rekindle_train::tasks::chars::CharsTask;
use rekindle_train::tasks::draw::DrawTask;
use rekindle_train::tasks::frames::FramesTask;
use rekindle_train::tasks::sentiment::SentimentTask;
use rekindle_train::tasks::translate::TranslateTask;
use serde::Serialize;
use serde_json::json;

use super::contestant::Learner;
use super::spread::Spread;
use crate::backend::{Kind, backends};
use crate::options::Bench;

/// A task, timed on every backend.
#[derive(Serialize)]
struct Row {
    task: &'static str,
    /// What is counted.
    unit: &'static str,
    /// By backend, in the order of their names in the result.
    per_second: Vec<Spread>,
    /// How many times as fast as the first backend; each round by itself.
    to_first: Vec<Spread>,
}

pub fn run(options: &Bench) -> Result<()> {
    let devices = devices();
    ensure!(!devices.is_empty(), "no backend is compiled in that has a device here; build with `--features flex`");
    let rows = [
        row::<CaptionTask>(options, &devices)?,
        row::<CharsTask>(options, &devices)?,
        row::<DrawTask>(options, &devices)?,
        row::<FramesTask>(options, &devices)?,
        row::<SentimentTask>(options, &devices)?,
        row::<TranslateTask>(options, &devices)?,
    ];
    let names: Vec<_> = devices.iter().map(|(name, _)| name).collect();
    if options.output.json {
        return crate::commands::print_json(&json!({
            "backends": names,
            "threads": rayon::current_num_threads(),
            "rounds": options.rounds,
            "steps": options.steps,
            "rows": rows,
        }));
    }
    print!("{:<10} {:<10}", "", "a second");
    names.iter().for_each(|name| print!(" {name:>10}"));
    names.iter().skip(1).for_each(|name| print!("  {:<20}", format!("{name} / {}", names[0])));
    println!();
    for Row { task, unit, per_second, to_first } in rows {
        print!("{task:<10} {unit:<10}");
        per_second.iter().for_each(|spread| print!(" {:>10.0}", spread.median));
        to_first.iter().skip(1).for_each(|spread| print!("  {spread:<20}"));
        println!();
    }
    Ok(())
}

/// The first device of each backend. A software GPU is left out: its speed is no figure.
fn devices() -> Vec<(&'static str, Device)> {
    let first = |devices: Vec<(Device, Kind)>| devices.into_iter().find(|(_, kind)| *kind != Kind::SoftwareGpu);
    backends().iter().filter_map(|backend| Some((backend.name, first(backend.devices())?.0))).collect()
}

fn row<T: Task>(options: &Bench, devices: &[(&'static str, Device)]) -> Result<Row>
where
    T::Settings: Default,
{
    let task = T::Settings::TASK;
    eprintln!("{task}");
    let contestants = devices.iter().map(|(_, device)| Training::<T>::new(device));
    let mut contestants = contestants.collect::<Result<Vec<_>>>()?;
    let mut speeds = vec![Vec::with_capacity(options.rounds); contestants.len()];
    for _ in 0..options.rounds {
        for (contestant, speeds) in contestants.iter_mut().zip(&mut speeds) {
            // As in the other benchmarks, the first step of a turn is not counted.
            contestant.round(1)?;
            speeds.push(contestant.round(options.steps)?);
        }
    }
    let ratios = |speeds: &Vec<f64>, first: &[f64]| speeds.iter().zip(first).map(|(own, first)| own / first).collect();
    let ratios: Vec<Vec<f64>> = speeds.iter().map(|own| ratios(own, &speeds[0])).collect();
    Ok(Row {
        task,
        unit: contestants[0].task.unit(),
        per_second: speeds.iter().map(|speeds| Spread::of(speeds)).collect(),
        to_first: ratios.iter().map(|ratios| Spread::of(ratios)).collect(),
    })
}

/// A task that trains on one device.
struct Training<T: Task> {
    task: T,
    learner: Learner<T::Model>,
    carry: Option<T::Carry>,
    /// Batches done.
    done: u64,
}

impl<T: Task> Training<T>
where
    T::Settings: Default,
{
    fn new(device: &Device) -> Result<Self> {
        let mut settings = T::Settings::default();
        let task = T::open(&settings, device)?;
        let device = device.clone().autodiff();
        let training = settings.training().clone();
        let model = task.init_model(&mut ChaCha8Rng::seed_from_u64(training.seed), &device);
        Ok(Self { task, learner: Learner::with_settings(model, training, &device), carry: None, done: 0 })
    }

    /// Does `steps` steps, one batch each, and gives how many of the task's units it did in a second.
    fn round(&mut self, steps: usize) -> Result<f64> {
        let Self { task, learner, carry, done } = self;
        let mut items = 0;
        let started = Instant::now();
        for _ in 0..steps {
            let (epoch, batch) = (*done / task.batches(), *done % task.batches());
            let before = carry.take().filter(|_| batch > 0);
            let after = learner.step(|model| {
                let outcome = task.loss(model, epoch, batch, before)?;
                items += outcome.items;
                Ok((outcome.loss, outcome.carry.detach()))
            })?;
            (*carry, *done) = (Some(after), *done + 1);
        }
        learner.wait()?;
        Ok(items as f64 / started.elapsed().as_secs_f64())
    }
}
