//! Lower layers learn more slowly, or later.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::{self, Which};
use rekindle_train::settings::{ClipKind, OptimizerKind, ScheduleKind};
use support::{devices, figures, resume, text, train_until, trainer};

type Weights = BTreeMap<String, Vec<f64>>;

fn weights(run: &Path, step: u64) -> Weights {
    let checkpoint = checkpoint::load(&RunFolder::open(run).unwrap(), Which::Step(step)).unwrap();
    let tensors = checkpoint.tensors().unwrap().into_iter();
    tensors.map(|(name, tensor)| (name, tensor.values().iter().map(|&value| f64::from(value)).collect())).collect()
}

/// Settings with which a step is the gradient itself, and every step has a checkpoint.
fn problem() -> (tempfile::TempDir, rekindle_train::tasks::chars::CharsSettings) {
    let (folder, mut settings) = text();
    let training = &mut settings.training;
    (training.optimizer, training.momentum, training.learning_rate) = (OptimizerKind::Sgd, 0.0, 0.5);
    (training.clip, training.schedule) = (ClipKind::None, ScheduleKind::Constant);
    (training.checkpoint_every, training.keep, training.steps) = (1, 100, Some(7));
    settings.model.recurrent.layers = 2;
    (folder, settings)
}

fn depth(name: &str) -> i32 {
    match name {
        _ if name.starts_with("embedding") => 0,
        _ if name.contains("layers.0") => 1,
        _ if name.contains("layers.1") => 2,
        _ => 3,
    }
}

#[test]
fn the_rate_of_a_layer_is_a_fraction_of_that_above_it() {
    let device = devices().remove(0);
    let (folder, mut settings) = problem();
    let [whole, scaled] = ["whole", "scaled"].map(|name| folder.path().join(name));
    // The first step, whose gradients are those of the same weights, is of a rate of 0 for the beginning.
    settings.training.warmup = 2;
    train_until(trainer(&settings, &whole, &device), None);
    settings.training.depth.layer_rate = 0.25;
    train_until(trainer(&settings, &scaled, &device), None);
    let start = {
        let (folder, mut settings) = problem();
        settings.training.learning_rate = 1e-30;
        let still = folder.path().join("still");
        settings.data.data = std::fs::read_to_string(whole.join("config.toml"))
            .unwrap()
            .parse::<rekindle_settings::Table>()
            .unwrap()["data"]["data"]
            .as_str()
            .unwrap()
            .to_owned();
        settings.training.steps = Some(1);
        train_until(trainer(&settings, &still, &device), None);
        weights(&still, 1)
    };
    let (whole, scaled) = (weights(&whole, 1), weights(&scaled, 1));
    let mut moved = 0.0_f64;
    for (name, start) in &start {
        let factor = 0.25_f64.powi(3 - depth(name));
        for (i, start) in start.iter().enumerate() {
            let (full, part) = (whole[name][i] - start, scaled[name][i] - start);
            assert!((part - factor * full).abs() < 1e-6, "{name}: {part} for {factor} of {full}");
            moved = moved.max(full.abs());
        }
    }
    assert!(moved > 1e-3, "{moved}");
}

#[test]
fn layers_begin_to_learn_one_after_the_other_and_a_resumed_run_goes_on_so() {
    let device = devices().remove(0);
    let (folder, mut settings) = problem();
    let [unbroken, broken] = ["unbroken", "broken"].map(|name| folder.path().join(name));
    settings.training.depth.unfreeze_every = Some(2);
    train_until(trainer(&settings, &unbroken, &device), None);
    for step in 2..=7_u64 {
        let (before, after) = (weights(&unbroken, step - 1), weights(&unbroken, step));
        for (name, before) in &before {
            let trains = i64::from(depth(name)) >= 3 - (step as i64 - 1) / 2;
            assert_eq!(*before != after[name], trains, "step {step}: {name}");
        }
    }
    train_until(trainer(&settings, &broken, &device), Some(3));
    train_until(resume(&settings, &broken, &device).unwrap(), None);
    assert_eq!(figures(&broken), figures(&unbroken));
}
