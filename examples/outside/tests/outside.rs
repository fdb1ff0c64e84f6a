//! The project as a user would test it.

use std::fs;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use outside::import;
use outside::model::Forecaster;
use outside::task::{ForecastSettings, ForecastTask};
use rekindle_train::TrainError;
use rekindle_train::event::{Event, Observer};
use rekindle_train::prelude::{Value, seeded};
use rekindle_train::run::RunFolder;
use rekindle_train::task::Task;
use rekindle_train::trainer::{NewRun, Outcome, StopSignal, Trainer};

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn imported_weights_give_the_numbers_of_pytorch() {
    let device = outside::device();
    let model = import::load(Forecaster::new(32, &mut seeded(0), &device), &fixture("forecaster.pt")).unwrap();
    let json: Value = serde_json::from_slice(&fs::read(fixture("forecaster.json")).unwrap()).unwrap();
    let numbers = |name: &str| -> Vec<f32> {
        json[name].as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
    };
    let series = Tensor::<3>::from_data(TensorData::new(numbers("series"), [2, 7, 1]), &device);
    let (predicted, _) = model.forward(series, None);
    let predicted = predicted.into_data().try_to_vec::<f32>().unwrap();
    for (ours, theirs) in predicted.iter().zip(numbers("predicted")) {
        assert!((ours - theirs).abs() < 1e-6, "{ours} and {theirs}");
    }
}

#[test]
fn weights_of_another_width_are_refused_by_name() {
    let device = outside::device();
    let model = Forecaster::new(16, &mut seeded(0), &device);
    let error = import::load(model, &fixture("forecaster.pt")).unwrap_err().to_string();
    assert!(error.contains("rnn.weight_hh_l0"), "{error}");
}

/// A small task.
fn settings() -> ForecastSettings {
    let mut settings = ForecastSettings::default();
    (settings.data.rows, settings.data.length, settings.training.epochs) = (4, 101, 10);
    settings
}

fn train(out: &Path, steps: Option<u64>) -> Result<Outcome, TrainError> {
    let (mut settings, device) = (settings(), outside::device());
    settings.training.steps = steps;
    let task = ForecastTask::open(&settings, None, &device)?;
    Trainer::create(task, &settings, &NewRun { out: out.to_owned(), ..NewRun::default() }, &device)?
        .train(&mut (), &StopSignal::default())
}

#[test]
fn a_resumed_run_ends_as_the_unbroken_one() {
    let folder = tempfile::tempdir().unwrap();
    let unbroken = train(&folder.path().join("unbroken"), Some(13)).unwrap();
    // In the middle of an epoch, so that the state is carried over.
    let broken = folder.path().join("broken");
    train(&broken, Some(7)).unwrap();
    let run = RunFolder::open(&broken).unwrap();
    let resumed = Trainer::<ForecastTask>::resume(run, |training| training.steps = Some(13), false, &outside::device());
    let resumed = resumed.unwrap().train(&mut (), &StopSignal::default()).unwrap();
    assert_eq!(unbroken.evaluation.unwrap().loss.value, resumed.evaluation.unwrap().loss.value);
}

/// The losses of the steps, one after the other.
#[derive(Default)]
struct Losses(Vec<f64>);

impl Observer for Losses {
    fn observe(&mut self, event: &Event<'_>) {
        if let Event::Step(step) = event {
            self.0.push(step.loss);
        }
    }
}

#[test]
fn the_model_learns_to_forecast() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings();
    settings.training.epochs = 60;
    let device = outside::device();
    let task = ForecastTask::open(&settings, None, &device).unwrap();
    let new = NewRun { out: folder.path().join("run"), ..NewRun::default() };
    let mut losses = Losses::default();
    let trainer = Trainer::create(task, &settings, &new, &device).unwrap();
    let report = trainer.train(&mut losses, &StopSignal::default()).unwrap().evaluation.unwrap();
    assert_eq!(losses.0.len(), 120);
    let relative = report.figures.iter().find(|figure| figure.name == "relative_to_unchanged").unwrap();
    assert!(relative.value < 0.5, "{}", relative.value);
}
