//! Opening the model of a run.

use burn::tensor::Device;
use rekindle_rnn::blank;

use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::assets::{AssetReader, Assets};
use crate::run::checkpoint::{self, Which};
use crate::task::{Task, Trained};

impl<T: Task> Trained<T> {
    /// Reads the model of `run` to `device`. Settings and assets are checked.
    ///
    /// # Errors
    ///
    /// When the run is of another task, a setting is invalid, or a file is missing or damaged.
    pub fn open(run: &RunFolder, which: Which, device: &Device) -> Result<Self, TrainError> {
        let settings: T::Settings = run.settings(T::NAME)?;
        let assets = assets::<T>(run)?;
        T::check(&settings, &assets)?;
        let checkpoint = checkpoint::load(run, which)?;
        run.check_model(&settings, checkpoint.progress.settings.as_ref())?;
        let model = checkpoint.model(blank(|| T::model(&settings, &assets, 0, device)))?;
        let (progress, rejected) = (checkpoint.progress, checkpoint.rejected);
        Ok(Self { model, assets, settings, progress, rejected, device: device.clone(), others: Vec::new() })
    }
}

/// The assets of a run of the task `T`.
///
/// # Errors
///
/// When a file is missing or damaged.
pub fn assets<T: Task>(run: &RunFolder) -> Result<T::Assets, TrainError> {
    Ok(T::Assets::load(&AssetReader::open(run.path())?)?)
}
