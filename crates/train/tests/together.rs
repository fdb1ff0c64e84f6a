//! Several processes that train one model have the losses of one. Here they are threads, without noise: the generator
//! of a device belongs to all threads. `tests/tests/ranks.rs` runs real processes.
#![cfg(feature = "flex")]

use std::fs;
use std::path::Path;

use rekindle_testing::assert_close;
use rekindle_train::burn::tensor::Device;
use rekindle_train::group::{self, threads};
use rekindle_train::registry::{self, Registered, Resume};
use rekindle_train::rekindle_settings::{Table, Tables};
use rekindle_train::run::RunFolder;
use rekindle_train::trainer::{NewRun, StopSignal};
use rekindle_train::{TrainError, tasks};

/// Small settings of a task, without noise, and with everything that a loss may have.
fn settings(task: &str) -> Table {
    let own = match task {
        "sentiment" => "dropout = 0.0\nembedding_dropout = 0.0\nactivation_penalty = 0.5\nslowness_penalty = 0.5",
        "translate" => "dropout = 0.0\nactivation_penalty = 0.5\nslowness_penalty = 0.5",
        "caption" => "activation_penalty = 0.5\nslowness_penalty = 0.5",
        "chars" => "activation_penalty = 0.5\nslowness_penalty = 0.5",
        "frames" => "balanced = true\nslowness_penalty = 0.5",
        _ => "",
    };
    let text = format!(
        "[data]\nbatch_size = 6\n[model]\nhidden = 8\n{own}\n[training]\nsteps = 4\nprint_every = 1\neval_every = 2\n\
         checkpoint_every = 2\naccumulate = 2\n"
    );
    toml::from_str(&text).unwrap()
}

fn find(task: &str) -> &'static dyn Registered {
    registry::find(tasks::ALL, task).unwrap()
}

/// Trains a new run.
fn train(task: &str, settings: Table, out: &Path) -> Result<(), TrainError> {
    let new = NewRun { out: out.to_owned(), ..NewRun::default() };
    let settings = Tables { file: Table::new(), given: settings };
    let session = find(task).start(settings, &new, &Device::flex())?;
    session.train(&mut (), &StopSignal::default()).map(drop)
}

/// Resumes a run for some more steps.
fn resume(task: &str, out: &Path, steps: u64) -> Result<(), TrainError> {
    let given = toml::from_str(&format!("[training]\nsteps = {steps}")).unwrap();
    let session = find(task).resume(RunFolder::open(out)?, Resume { given, other_data: false }, &Device::flex())?;
    session.train(&mut (), &StopSignal::default()).map(drop)
}

/// All numbers of the figures of a run.
fn figures(out: &Path) -> Vec<f64> {
    let lines = fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    let numbers = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let numbers = line
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, _)| !key.contains("second"))
            .map(|(_, value)| value.as_f64());
        numbers.flatten().collect::<Vec<_>>()
    };
    lines.lines().flat_map(numbers).collect()
}

#[test]
fn the_losses_and_figures_of_several_processes_are_those_of_one() {
    for task in tasks::ALL.iter().map(|task| task.name()) {
        let folder = tempfile::tempdir().unwrap();
        let alone = folder.path().join("alone");
        train(task, settings(task), &alone).unwrap();
        resume(task, &alone, 6).unwrap();
        for size in [2, 3] {
            let out = folder.path().join(size.to_string());
            threads::run(size, |_| train(task, settings(task), &out).unwrap());
            // Another number of processes goes on.
            match size {
                2 => resume(task, &out, 6).unwrap(),
                _ => drop(threads::run(2, |_| resume(task, &out, 6).unwrap())),
            }
            // Sums of single precision in another order, over six steps of the optimizer, which divides by small roots.
            assert_close(&format!("{task} of {size}"), &figures(&out), &figures(&alone), 2e-4);
        }
    }
}

#[test]
fn local_steps_keep_the_weights_of_all_processes_together() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut local = settings("adding");
    local.get_mut("training").unwrap().as_table_mut().unwrap().insert("sync_every".to_owned(), 3.into());
    threads::run(2, |_| {
        train("adding", local.clone(), &out).unwrap();
        resume("adding", &out, 8).unwrap();
    });
    let losses = figures(&out);
    assert!(losses.iter().all(|loss| loss.is_finite()));
    let with_two = RunFolder::open(&out).unwrap();
    assert_eq!(with_two.config().unwrap()["training"]["sync_every"].as_integer(), Some(3));
}

#[test]
fn a_batch_that_cannot_be_shared_is_refused_with_one_that_can() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let errors = threads::run(4, |_| train("chars", settings("chars"), &out).unwrap_err().to_string());
    for error in errors {
        assert_eq!(error, "--batch-size 6: must be a multiple of 4, the number of ranks, such as 4");
    }
    assert!(!out.exists());
}

#[test]
fn processes_that_differ_are_named_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let errors = threads::run(2, |rank| {
        let mut settings = settings("chars");
        let training = settings.get_mut("training").unwrap().as_table_mut().unwrap();
        training.insert("learning_rate".to_owned(), (0.001 * (rank + 1) as f64).into());
        train("chars", settings, &out).unwrap_err().to_string()
    });
    for error in errors {
        let wanted =
            "rank 1 (localhost) differs from rank 0: the setting training.learning_rate is 0.002, and 0.001 on rank 0";
        assert!(error.starts_with(wanted), "{error}");
    }
    assert!(!out.exists());
    let text = |rank: usize| {
        let path = folder.path().join(rank.to_string());
        fs::write(&path, format!("{} {rank}", "some text to learn from. ".repeat(60))).unwrap();
        path
    };
    let other = threads::run(2, |rank| {
        let mut settings = settings("chars");
        let data = settings.get_mut("data").unwrap().as_table_mut().unwrap();
        data.insert("data".to_owned(), text(rank).display().to_string().into());
        train("chars", settings, &out).unwrap_err().to_string()
    });
    assert!(other[0].contains("differs from rank 0"), "{}", other[0]);
}

#[test]
fn a_group_ends_with_its_work() {
    threads::run(2, |_| assert!(group::present().is_some()));
    assert!(group::present().is_none());
}
