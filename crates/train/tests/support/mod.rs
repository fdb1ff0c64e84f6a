//! A small text, a training on it, and someone who watches.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::fs;
use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
pub use rekindle_testing::devices;
use rekindle_train::TrainError;
use rekindle_train::event::{Event, Observer};
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::task::{Task, Trained};
use rekindle_train::tasks::chars::{CharsSettings, CharsTask};
use rekindle_train::trainer::{NewRun, Outcome, StopSignal, Trainer};
use tempfile::TempDir;

/// A folder with a small text in it, and settings that train on it in no time.
pub fn text() -> (TempDir, CharsSettings) {
    let folder = tempfile::tempdir().unwrap();
    let text = "the cat sat on the mat, and the hat sat on the cat. ".repeat(40);
    fs::write(folder.path().join("text.txt"), text).unwrap();
    let mut settings = CharsSettings::default();
    settings.data.data = folder.path().join("text.txt").display().to_string();
    (settings.data.batch_size, settings.data.sequence_length) = (4, 8);
    (settings.model.recurrent.hidden, settings.model.embedding) = (8, 4);
    settings.sample.sample_length = 20;
    settings.training.steps = Some(30);
    settings.training.print_every = 1;
    settings.training.eval_every = Some(10);
    (folder, settings)
}

pub fn trainer(settings: &CharsSettings, path: &Path, device: &Device) -> Trainer<CharsTask> {
    let task = CharsTask::open(settings, None, device).unwrap();
    let new = NewRun { out: path.to_owned(), ..NewRun::default() };
    Trainer::create(task, settings, &new, device).unwrap()
}

pub fn resume(settings: &CharsSettings, path: &Path, device: &Device) -> Result<Trainer<CharsTask>, TrainError> {
    Trainer::resume(RunFolder::open(path)?, |training| *training = settings.training.clone(), false, device)
}

/// Keeps the warnings, and asks for a stop after a step.
#[derive(Default)]
pub struct Watcher {
    pub stop_after: Option<u64>,
    pub signal: StopSignal,
    pub warnings: Vec<String>,
    pub samples: usize,
}

impl Observer for Watcher {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Step(report) if Some(report.step) == self.stop_after => self.signal.stop(),
            Event::Warning { message } => self.warnings.push((*message).to_owned()),
            Event::Sampled { .. } => self.samples += 1,
            _ => {}
        }
    }
}

pub fn train_until(trainer: Trainer<CharsTask>, stop_after: Option<u64>) -> (Outcome, Watcher) {
    let mut watcher = Watcher { stop_after, ..Watcher::default() };
    let signal = watcher.signal.clone();
    let outcome = trainer.train(&mut watcher, &signal).unwrap();
    (outcome, watcher)
}

/// Loss and gradient norm of every line, in the digits that were written.
pub fn figures(run: &Path) -> Vec<(String, String)> {
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        (value["loss"].to_string(), value["gradient_norm"].to_string())
    };
    metrics.lines().map(line).collect()
}

/// What the trained model answers to a text, to the bit.
pub fn answers(run: &Path, device: &Device) -> Vec<f32> {
    let trained = Trained::<CharsTask>::open(&RunFolder::open(run).unwrap(), Which::Last, device).unwrap();
    let text = trained.assets.encode("the hat").unwrap();
    let text: Vec<i32> = text.into_iter().map(|s| s as i32).collect();
    let text = Tensor::<2, Int>::from_data(TensorData::new(text, [1, 7]), device);
    trained.model.forward(text, None).0.into_data().try_to_vec::<f32>().unwrap()
}
