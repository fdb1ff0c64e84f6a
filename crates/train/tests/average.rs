//! Means of the weights: what is evaluated and exported, and when a mean begins.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use rekindle_train::registry::{self, Open};
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::{self, Which};
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
    // At this rate every evaluation after the first is worse.
    (settings.training.decay, settings.training.decay_after, settings.training.learning_rate) = (1e3, 1, 0.01);
    (settings.training.clip, settings.training.optimizer) = (ClipKind::None, OptimizerKind::Sgd);
    (settings.training.explode_at, settings.training.eval_every) = (0.0, Some(2));
    settings.data.batch_size = 16;
    settings.training.average.average_wait = Some(2);
    let run = folder.path().join("run");
    let (outcome, _) = train_until(trainer(&settings, &run, &device), None);
    let best = outcome.best.unwrap().step;
    let last = checkpoint::load(&RunFolder::open(&run).unwrap(), Which::Last).unwrap().progress;
    // The third evaluation after the best one is the first with the best among those more than two before it; the weights
    // of that step are the first of the mean.
    assert_eq!(last.averaged, 30 - (best + 6) + 1, "{best}");
    assert_eq!(last.fruitless, (30 - (best + 6)) / 2);
    // A run that was stopped before that begins the mean at the same step.
    let stopped = folder.path().join("stopped");
    settings.training.steps = Some(best + 4);
    train_until(trainer(&settings, &stopped, &device), None);
    let progress = |run: &Path| checkpoint::load(&RunFolder::open(run).unwrap(), Which::Last).unwrap().progress;
    assert_eq!((progress(&stopped).averaged, progress(&stopped).losses.len() as u64), (0, (best + 4) / 2));
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
