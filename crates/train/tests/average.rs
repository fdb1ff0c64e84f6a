//! Means of the weights: what is evaluated and exported, and when a mean begins.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use rekindle_train::registry::{self, Open};
use rekindle_train::run::checkpoint::{self, Which};
use rekindle_train::run::{EntryKind, RunFolder};
use rekindle_train::settings::{ClipKind, OptimizerKind};
use rekindle_train::tasks;
use rekindle_weights::WeightTensor;
use support::{answers, devices, figures, resume, text, train_until, trainer};

fn weights(run: &Path, step: u64) -> BTreeMap<String, WeightTensor> {
    checkpoint::load(&RunFolder::open(run).unwrap(), Which::Step(step)).unwrap().tensors().unwrap()
}

fn exported(run: &Path, device: &Device) -> BTreeMap<String, WeightTensor> {
    let run = RunFolder::open(run).unwrap();
    let task = registry::find(tasks::ALL, "chars").unwrap();
    task.weights(&Open { run: &run, which: Which::Last, device, with: &[] }).unwrap().tensors
}

/// The steps and the losses of a run's evaluations.
fn evaluations(run: &Path) -> Vec<(u64, f64)> {
    let entries = RunFolder::open(run).unwrap().figures().unwrap();
    let losses = entries.into_iter().filter_map(|entry| match entry.kind {
        EntryKind::Evaluation { figures, .. } => Some((entry.step, figures["loss"])),
        _ => None,
    });
    losses.collect()
}

#[test]
fn the_mean_of_the_weights_is_evaluated_and_exported_and_training_goes_on_as_without() {
    for device in devices() {
        let (folder, mut settings) = text();
        (settings.training.checkpoint_every, settings.training.keep) = (1, 100);
        let [plain, averaged] = ["plain", "averaged"].map(|name| folder.path().join(name));
        let (without, _) = train_until(trainer(&settings, &plain, &device), None);
        settings.training.average.average_from = Some(21);
        let (with, _) = train_until(trainer(&settings, &averaged, &device), None);
        let lines = |run: &Path| figures(run).into_iter().filter(|(_, norm)| norm != "null").collect::<Vec<_>>();
        assert_eq!(lines(&averaged), lines(&plain));
        let steps: Vec<_> = (21..=30).map(|step| weights(&plain, step)).collect();
        let mean = weights(&averaged, 30);
        for (name, tensor) in &mean {
            for (i, found) in tensor.values().iter().enumerate() {
                let wanted = steps.iter().map(|step| f64::from(step[name].values()[i])).sum::<f64>() / 10.0;
                // Ten sums of single precision.
                assert!((f64::from(*found) - wanted).abs() < 1e-6, "{name}: {found} and {wanted}");
            }
        }
        assert_eq!(mean.len(), steps[0].len());
        // Before the mean begins, the weights themselves are in its place.
        assert_eq!(weights(&averaged, 20), weights(&plain, 20));
        let (found, of_last) = (exported(&averaged, &device), exported(&plain, &device));
        assert_eq!(found["rnn.weight_hh_l0"], mean["recurrent.layers.0.forward.Lstm.weight_hh"]);
        assert_ne!(found["rnn.weight_hh_l0"], of_last["rnn.weight_hh_l0"]);
        assert_ne!(answers(&averaged, &device), answers(&plain, &device));
        let loss = |outcome: &rekindle_train::trainer::Outcome| outcome.evaluation.as_ref().unwrap().loss.value;
        assert_ne!(loss(&with), loss(&without));
    }
}

#[test]
fn a_mean_begins_when_evaluations_stop_getting_better() {
    let device = devices().remove(0);
    let (folder, mut settings) = text();
    // At this rate evaluations get worse before the end.
    (settings.training.decay, settings.training.decay_after, settings.training.learning_rate) = (1e3, 1, 0.01);
    (settings.training.clip, settings.training.optimizer) = (ClipKind::None, OptimizerKind::Sgd);
    (settings.training.explode_at, settings.training.eval_every) = (0.0, Some(2));
    settings.data.batch_size = 16;
    settings.training.average.average_wait = Some(2);
    let run = folder.path().join("run");
    let (outcome, _) = train_until(trainer(&settings, &run, &device), None);
    assert!(outcome.best.unwrap().step < 30, "some evaluation is no better");
    let progress = |run: &Path| checkpoint::load(&RunFolder::open(run).unwrap(), Which::Last).unwrap().progress;
    let last = progress(&run);
    // The first loss that is greater than the least of those more than two before it.
    let losses = evaluations(&run);
    let is_worse = |t: usize| losses[..t - 2].iter().any(|(_, before)| losses[t].1 > *before);
    let begun = losses[(3..losses.len()).find(|&t| is_worse(t)).unwrap()].0;
    // The weights of that step are the first of the mean.
    assert_eq!(last.averaged, 30 - begun + 1, "{losses:?}");
    assert!(last.fruitless <= (30 - begun) / 2, "patience counts from 0");
    // A run that was stopped before that begins the mean at the same step.
    let stopped = folder.path().join("stopped");
    settings.training.steps = Some(begun - 2);
    train_until(trainer(&settings, &stopped, &device), None);
    assert_eq!((progress(&stopped).averaged, progress(&stopped).losses.len() as u64), (0, (begun - 2) / 2));
    settings.training.steps = Some(30);
    train_until(resume(&settings, &stopped, &device).unwrap(), None);
    assert_eq!(progress(&stopped).averaged, last.averaged);
    assert!(progress(&stopped).losses.is_empty());
}

#[test]
fn a_mean_can_be_dropped_and_begun_on_resume() {
    let device = devices().remove(0);
    let (folder, mut settings) = text();
    let [plain, changed] = ["plain", "changed"].map(|name| folder.path().join(name));
    train_until(trainer(&settings, &plain, &device), None);
    settings.training.average.ema = Some(0.9);
    settings.training.steps = Some(10);
    train_until(trainer(&settings, &changed, &device), None);
    let averaged =
        |run: &Path| checkpoint::load(&RunFolder::open(run).unwrap(), Which::Last).unwrap().progress.averaged;
    assert_eq!(averaged(&changed), 10);
    settings.training.average.ema = None;
    settings.training.steps = Some(30);
    train_until(resume(&settings, &changed, &device).unwrap(), None);
    assert_eq!((averaged(&changed), answers(&changed, &device)), (0, answers(&plain, &device)));
    settings.training.average.ema = Some(0.9);
    settings.training.steps = Some(35);
    train_until(resume(&settings, &changed, &device).unwrap(), None);
    assert_eq!(averaged(&changed), 5);
}
