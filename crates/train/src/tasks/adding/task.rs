//! Training on the adding problem.

use rekindle_models::with_weights_of;

use super::model::AddingModel;
use super::sequences::Sequences;
use super::settings::AddingSettings;
use crate::prelude::*;

/// A run's sequences and their batches.
#[derive(Debug)]
pub struct AddingTask {
    settings: AddingSettings,
    device: Device,
}

/// Seeds of the three splits' sequences. Runs of several seeds train on other sequences and are evaluated on the same.
pub(super) fn seeds(settings: &AddingSettings) -> [u64; 3] {
    [1 ^ (settings.training.seed << 8), 2, 3]
}

/// The largest error of a correct prediction: Hochreiter and Schmidhuber 1997, section 5.4.
const CORRECT: f32 = 0.04;

impl Task for AddingTask {
    const NAME: &'static str = "adding";
    const ABOUT: &'static str = "The adding problem: the sum of two marked numbers at the end of a long sequence";
    const LOSS_UNIT: &'static str = "";

    type Settings = AddingSettings;
    type Assets = ();
    type Model = AddingModel;
    type Carry = ();

    fn open(settings: &AddingSettings, _assets: Option<()>, device: &Device) -> Result<Self, TaskError> {
        Ok(Self { settings: settings.clone(), device: device.clone() })
    }

    fn assets(&self) -> &() {
        &()
    }

    fn model(settings: &AddingSettings, (): &(), seed: u64, device: &Device) -> AddingModel {
        AddingModel::new(&settings.model, seed, device)
    }

    fn data(&self) -> DataInfo {
        let data = &self.settings.data;
        let identity = format!("{} sequences an epoch, {} time steps each", data.sequences, data.length);
        DataInfo { unit: "sequences", summary: identity.clone(), sha256: sha256([&identity]), identity }
    }

    fn batches(&self) -> u64 {
        self.settings.data.sequences.div_ceil(self.settings.data.batch_size) as u64
    }

    fn loss(
        &mut self,
        model: &AddingModel,
        epoch: u64,
        batch: u64,
        _: Option<()>,
    ) -> Result<BatchLoss<()>, TaskError> {
        let share = Share::present();
        let data = &self.settings.data;
        let before = batch as usize * data.batch_size;
        let count = data.batch_size.min(data.sequences - before);
        let [seed, ..] = seeds(&self.settings);
        let sequences = Sequences::generate(count, data.length, seed, epoch * self.batches() + batch);
        let rows = share.rows(count);
        if rows.is_empty() {
            return Ok(BatchLoss::nothing(()));
        }
        let sequences = sequences.part(rows.range());
        Ok(BatchLoss::new(rows.within(|| model.loss(&sequences, &self.device)), (), rows.count as u64))
    }

    fn kept(&self) -> f64 {
        let data = &self.settings.data;
        (data.batch_size.min(data.sequences) * data.length) as f64 * self.settings.model.kept()
    }

    fn start_from(&self, model: AddingModel, source: Trained<Self>) -> Result<(AddingModel, String), TaskError> {
        let [here, there] = [&self.settings, &source.settings].map(|settings| settings.model.cell);
        if here != there {
            // Several cells have weights of the same shapes.
            return Err(format!("--init-from: the run has the cell {there}, and not {here}").into());
        }
        let model = with_weights_of(model, &source.model)
            .map_err(|e| format!("--init-from: the run has a model of another shape: {e}"))?;
        Ok((model, "all weights are those of the --init-from run".to_owned()))
    }

    fn evaluate(&mut self, model: &AddingModel) -> Result<Option<Report>, TaskError> {
        let data = &self.settings.data;
        let sequences = Sequences::generate(data.held_out, data.length, seeds(&self.settings)[1], 0);
        evaluate(&[model], &sequences, data.batch_size, &self.device).map(Some)
    }
}

/// The mean of the predictions of `models`.
pub(super) fn predictions(
    models: &[&AddingModel],
    sequences: &Sequences,
    device: &Device,
) -> Result<Vec<f32>, DeviceError> {
    let all = models.iter().map(|model| model.forward(sequences, device)).reduce(|sum, next| sum + next);
    let sum = all.expect("at least one model");
    numbers(if models.len() > 1 { sum / models.len() as f64 } else { sum })
}

/// The figures of `models`, whose predictions are averaged, on `sequences`, in batches of `batch_size`.
pub(super) fn evaluate(
    models: &[&AddingModel],
    sequences: &Sequences,
    batch_size: usize,
    device: &Device,
) -> Result<Report, TaskError> {
    let time = sequences.inputs.len() / sequences.len() / 2;
    let (mut squares, mut correct) = (0.0, 0);
    let inputs = sequences.inputs.chunks(2 * time * batch_size);
    for (inputs, targets) in inputs.zip(sequences.targets.chunks(batch_size)) {
        check_stop()?;
        let part = Sequences { inputs: inputs.to_vec(), targets: targets.to_vec() };
        for (answer, target) in predictions(models, &part, device)?.iter().zip(targets) {
            let error = answer - target;
            squares += f64::from(error).powi(2);
            correct += usize::from(error.abs() < CORRECT);
        }
    }
    let count = sequences.len() as f64;
    let report = Report::named("mean_squared_error", squares / count, "").higher("correct", correct as f64 / count);
    Ok(report.fact("sequences", sequences.len()).fact("length", time))
}
