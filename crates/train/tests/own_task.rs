//! A task of somebody else: an error of its own, the six required functions, and nothing but what `rekindle-train`
//! re-exports.
#![cfg(any(feature = "flex", feature = "ndarray"))]

use std::fmt;

use rekindle_train::burn::module::{Module, Param};
use rekindle_train::burn::tensor::{Device, Tensor, TensorData};
use rekindle_train::operation::{Evaluate, On, Operate, Output, Split};
use rekindle_train::registry::{self, Entry, Open, Registered};
use rekindle_train::rekindle_settings::{self, Sections, Table, settings};
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::settings::{ScheduleKind, TrainingSettings};
use rekindle_train::task::{BatchLoss, DataInfo, Task, Trained};
use rekindle_train::trainer::{NewRun, Outcome, StopSignal, Trainer};
use rekindle_train::{TaskError, TrainError, burn, run_settings, sha256, tasks};

settings! {
    /// The line to learn.
    pub struct LineSettings {
        /// Slope of the line
        slope: f64 = 3.0 => at_most(10);
        /// Batch that cannot be read
        broken: Option<u64>;
    }
}

run_settings! {
    /// Settings of `line`.
    pub struct Settings {
        /// The data.
        data: LineSettings => "Line";
        /// The loop.
        training: TrainingSettings = TrainingSettings {
            learning_rate: 0.1,
            epochs: 20,
            schedule: ScheduleKind::Cosine,
            ..TrainingSettings::default()
        } => "Training";
    }
}

/// `y = w x`.
#[derive(Module, Debug)]
struct Line {
    weight: Param<Tensor<1>>,
}

#[derive(Debug, PartialEq)]
struct BrokenBatch(u64);

impl fmt::Display for BrokenBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch {} cannot be read", self.0)
    }
}

impl std::error::Error for BrokenBatch {}

struct LineTask(Settings, Device);

impl Task for LineTask {
    const NAME: &'static str = "line";
    const ABOUT: &'static str = "A line through the origin";
    const LOSS_UNIT: &'static str = "";

    type Settings = Settings;
    type Assets = ();
    type Model = Line;
    type Carry = ();

    fn open(settings: &Settings, _assets: Option<()>, device: &Device) -> Result<Self, TaskError> {
        Ok(Self(settings.clone(), device.clone()))
    }

    fn assets(&self) -> &() {
        &()
    }

    fn model(_: &Settings, (): &(), seed: u64, device: &Device) -> Line {
        Line { weight: Param::from_data(TensorData::new(vec![seed as f32], [1]), device) }
    }

    fn data(&self) -> DataInfo {
        let identity = format!("a line of slope {}", self.0.data.slope);
        DataInfo { unit: "points", summary: identity.clone(), sha256: sha256([&identity]), identity }
    }

    fn batches(&self) -> u64 {
        10
    }

    fn loss(&mut self, model: &Line, _: u64, batch: u64, _: Option<()>) -> Result<BatchLoss<()>, TaskError> {
        if self.0.data.broken == Some(batch) {
            return Err(BrokenBatch(batch).into());
        }
        let x = Tensor::<1>::from_floats([1.0, 2.0 + batch as f32 / 10.0], &self.1);
        let slope = self.0.data.slope;
        let error = model.weight.val() * x.clone() - x.mul_scalar(slope);
        Ok(BatchLoss::new(error.square().mean(), (), 2))
    }
}

/// It supports no command on a trained model.
impl Operate for LineTask {}

fn device() -> Device {
    rekindle_testing::cpus().remove(0)
}

fn train(settings: &Settings, out: &std::path::Path) -> Result<Outcome, TrainError> {
    let task = LineTask::open(settings, None, &device())?;
    let new = NewRun { out: out.to_owned(), ..NewRun::default() };
    Trainer::create(task, settings, &new, &device())?.train(&mut (), &StopSignal::default())
}

#[test]
fn it_trains_and_its_model_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    assert_eq!(train(&Settings::default(), &out).unwrap().steps, 200);
    let run = RunFolder::open(&out).unwrap();
    let trained = Trained::<LineTask>::open(&run, Which::Last, &device()).unwrap();
    let weight = trained.model.weight.val().into_scalar::<f64>();
    // Adam at a rate that falls to 0 ends within a hundredth of the slope.
    assert!((weight - 3.0).abs() < 0.01, "{weight}");
    let resumed = Trainer::<LineTask>::resume(run, |training| training.steps = Some(210), false, &device()).unwrap();
    assert_eq!(resumed.train(&mut (), &StopSignal::default()).unwrap().steps, 210);
}

#[test]
fn its_own_error_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.data.broken = Some(4);
    let error = train(&settings, &folder.path().join("run")).unwrap_err();
    assert_eq!(error.to_string(), "batch 4 cannot be read");
    let TrainError::Task(error) = error else { panic!("{error:?}") };
    assert_eq!(error.downcast_ref(), Some(&BrokenBatch(4)));
    settings.data.slope = 11.0;
    assert_eq!(settings.validate().unwrap_err().to_string(), "--slope 11: must be at most 10");
}

#[test]
fn its_runs_are_inspected_and_exported_by_programs_that_have_the_task_and_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    train(&Settings::default(), &out).unwrap();
    let run = RunFolder::open(&out).unwrap();
    let Err(unknown) = registry::of_run(tasks::ALL, &run).map(drop) else { panic!("this crate has no such task") };
    assert!(matches!(&unknown, TrainError::UnknownTask { task, .. } if task == "line"), "{unknown}");
    let others = registry::weights_of_unknown(&run, Which::Last).unwrap();
    let own: [&dyn Registered; 1] = [&Entry::<LineTask>::NEW];
    let task = registry::of_run(&own, &run).unwrap();
    let device = device();
    let open = Open { run: &run, which: Which::Last, device: &device, with: &[] };
    let weights = task.weights(&open).unwrap();
    assert_eq!((weights.step, others.step, &weights.tensors), (200, 200, &others.tensors));
    assert_eq!(weights.tensors["weight"].shape(), [1]);

    let (mut answers, mut notes) = (Vec::new(), Vec::new());
    let mut output = Output::new(&mut answers, &mut notes, false);
    let request = Evaluate { on: On::Split(Split::Validation), batch_size: None };
    let refused = task.evaluate(&open, request, Table::new(), &mut output).unwrap_err();
    assert!(refused.to_string().contains("`line` does not support `eval`"), "{refused}");
}
