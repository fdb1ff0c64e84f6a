//! A task: the interface to train, resume and evaluate the model with `rekindle-train`.

use rekindle_rnn::{Cell, State};
use rekindle_train::operation::Operate;
use rekindle_train::prelude::*;
use rekindle_train::rekindle_settings;
use rekindle_train::run_settings;

use crate::import;
use crate::model::Forecaster;
use crate::series::series;

settings! {
    /// The series.
    pub struct SeriesSettings {
        /// Series in a batch
        rows: usize = 16 => value("COUNT").at_least(1);
        /// Time steps of a series
        length: usize = 400 => value("STEPS").at_least(2);
        /// Time steps of truncated back-propagation
        chunk: usize = 50 => value("STEPS").at_least(1);
        /// Largest error of a value
        noise: f64 = 0.05 => at_least(0);
    }
}

settings! {
    /// The model.
    pub struct ModelSettings {
        /// Hidden units
        hidden: usize = 32 => value("WIDTH").at_least(1);
        /// A PyTorch checkpoint to begin with
        weights: Option<String> => value("FILE");
    }
}

run_settings! {
    /// Settings of `forecast`.
    pub struct ForecastSettings {
        /// The data.
        data: SeriesSettings => "Series";
        /// The model.
        model: ModelSettings => "Model";
        /// The loop.
        training: TrainingSettings = TrainingSettings {
            epochs: 30,
            learning_rate: 0.01,
            ..TrainingSettings::default()
        } => "Training";
    }
}

/// Predicts the next value of a series.
pub struct ForecastTask {
    settings: ForecastSettings,
    device: Device,
    /// The series of the epoch, cached: `[rows][length]`.
    rows: OfEpoch<Vec<Vec<f32>>>,
}

/// The epoch number of the validation series, which training never reaches.
const VALIDATION: u64 = u64::MAX;

impl ForecastTask {
    /// The series of an epoch, determined by the settings and the epoch only, so that a resumed run reads the same as
    /// an unbroken one.
    fn rows(settings: &ForecastSettings, epoch: u64) -> Vec<Vec<f32>> {
        let data = &settings.data;
        let mut rng = stream(settings.training.seed, epoch);
        (0..data.rows).map(|_| series(data.length, data.noise as f32, &mut rng)).collect()
    }

    /// Values `from..to` of each row, `[rows, to - from, 1]`.
    fn tensor(rows: &[Vec<f32>], from: usize, to: usize, device: &Device) -> Tensor<3> {
        let values: Vec<f32> = rows.iter().flat_map(|row| &row[from..to]).copied().collect();
        Tensor::from_data(TensorData::new(values, [rows.len(), to - from, 1]), device)
    }
}

impl Task for ForecastTask {
    const NAME: &'static str = "forecast";
    const ABOUT: &'static str = "The next value of a series";
    const LOSS_UNIT: &'static str = "";

    type Settings = ForecastSettings;
    type Assets = ();
    type Model = Forecaster;
    type Carry = State;

    fn open(settings: &ForecastSettings, _assets: Option<()>, device: &Device) -> Result<Self, TaskError> {
        Ok(Self { settings: settings.clone(), device: device.clone(), rows: OfEpoch::default() })
    }

    fn assets(&self) -> &() {
        &()
    }

    fn model(settings: &ForecastSettings, (): &(), seed: u64, device: &Device) -> Forecaster {
        Forecaster::new(settings.model.hidden, &mut seeded(seed), device)
    }

    fn data(&self) -> DataInfo {
        let data = &self.settings.data;
        let identity = format!("sines, {} x {} values, noise {}", data.rows, data.length, data.noise);
        DataInfo { unit: "values", summary: identity.clone(), sha256: sha256([&identity]), identity }
    }

    fn batches(&self) -> u64 {
        // The last value of a series has no next value to predict.
        (self.settings.data.length - 1).div_ceil(self.settings.data.chunk) as u64
    }

    fn loss(
        &mut self,
        model: &Forecaster,
        epoch: u64,
        batch: u64,
        carry: Option<State>,
    ) -> Result<BatchLoss<State>, TaskError> {
        let (settings, data) = (&self.settings, &self.settings.data);
        let rows = self.rows.get(epoch, |epoch| Self::rows(settings, epoch));
        let from = batch as usize * data.chunk;
        let to = (from + data.chunk).min(data.length - 1);
        let inputs = Self::tensor(rows, from, to, &self.device);
        let targets = Self::tensor(rows, from + 1, to + 1, &self.device);
        let (predicted, carry) = model.forward(inputs, carry);
        let loss = (predicted - targets).square().mean();
        Ok(BatchLoss::new(loss, carry, (data.rows * (to - from)) as u64))
    }

    fn begin(&self, model: Forecaster) -> Result<Forecaster, TaskError> {
        match &self.settings.model.weights {
            Some(path) => Ok(import::load(model, path.as_ref())?),
            None => Ok(model),
        }
    }

    fn restore_carry(&self, data: Vec<TensorData>, device: &Device) -> Option<State> {
        State::from_data(data, Cell::Lstm, device).ok().filter(|state| state.batch_size() == self.settings.data.rows)
    }

    fn evaluate(&mut self, model: &Forecaster) -> Result<Option<Report>, TaskError> {
        let rows = Self::rows(&self.settings, VALIDATION);
        let last = self.settings.data.length - 1;
        let inputs = Self::tensor(&rows, 0, last, &self.device);
        let targets = Self::tensor(&rows, 1, last + 1, &self.device);
        let unchanged = (inputs.clone() - targets.clone()).square().mean().into_scalar::<f64>();
        let (predicted, _) = model.forward(inputs, None);
        let error = (predicted - targets).square().mean().into_scalar::<f64>();
        // Below 1, the model is better than predicting that nothing changes.
        let report =
            Report::named("mean_squared_error", error, "").lower("relative_to_unchanged", error / unchanged, "");
        Ok(Some(report))
    }
}

/// The task supports none of the commands of the `rekindle` program; `main.rs` uses the trained model directly.
impl Operate for ForecastTask {}
