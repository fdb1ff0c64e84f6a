//! The task learns, and its gradients are those of finite differences.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rekindle_models::host::numbers;
use rekindle_models::settings::RecurrentSettings;
use rekindle_rnn::Cell;

use super::model::AddingModel;
use super::sequences::Sequences;
use super::settings::AddingSettings;
use super::task::AddingTask;
use crate::task::Task;
use crate::trainer::{NewRun, StopSignal, Trainer};

#[test]
fn short_sequences_are_learnt() {
    for device in rekindle_testing::cpus() {
        let mut settings = AddingSettings::default();
        (settings.data.length, settings.data.held_out) = (6, 200);
        settings.model = RecurrentSettings { cell: Cell::Gru, hidden: 24, ..settings.model };
        settings.training.steps = Some(400);
        settings.training.learning_rate = 0.01;
        let folder = tempfile::tempdir().unwrap();
        let new = NewRun { out: folder.path().join("run"), ..NewRun::default() };
        let task = AddingTask::open(&settings, None, &device).unwrap();
        let trainer = Trainer::create(task, &settings, &new, &device).unwrap();
        let report = trainer.train(&mut (), &StopSignal::default()).unwrap().evaluation.unwrap();
        // A model that remembers nothing has 1/6.
        assert!(report.loss.value < 0.01, "{device:?}: {}", report.loss.value);
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for device in rekindle_testing::cpus() {
        let device: Device = device.autodiff();
        let settings = RecurrentSettings { cell: Cell::Gru, hidden: 5, ..RecurrentSettings::default() };
        let model = AddingModel::new(&settings, 1, &device);
        let sequences = Sequences::generate(3, 8, 1, 0);
        let gradients = model.loss(&sequences, &device).backward();
        let gradients = GradientsParams::from_grads(gradients, &model);
        let weight = &model.output.weight;
        let wanted = numbers(gradients.get::<2>(weight.id).unwrap()).unwrap();
        for (index, wanted) in wanted.iter().enumerate() {
            let loss = |shift: f32| {
                let mut values = numbers(weight.val().inner()).unwrap();
                values[index] += shift;
                let mut moved = model.clone().valid();
                let values = Tensor::<1>::from_floats(&values[..], &device.clone().inner());
                moved.output.weight = moved.output.weight.map(|weight| values.reshape(weight.dims()));
                f64::from(numbers(moved.loss(&sequences, &device.clone().inner())).unwrap()[0])
            };
            // f32: the loss has 7 digits, so a shift of 1e-2 leaves 5 of the difference.
            let found = (loss(1e-2) - loss(-1e-2)) / 2e-2;
            assert!((found - f64::from(*wanted)).abs() < 1e-4, "{index}: {found} and {wanted}");
        }
    }
}
