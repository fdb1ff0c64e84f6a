//! Errors in words for the page.

use rekindle_data::{DataError, UnknownSymbol};
use rekindle_models::decode::{NothingToDraw, SamplingError};
use rekindle_settings::SettingError;
use rekindle_weights::{ShapeError, WeightError};

/// What can be wrong with what the page is given.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A setting of the form.
    #[error("{}", in_the_form(.0))]
    Setting(#[from] SettingError),
    /// Sampling settings that do not fit.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// A model that has no distribution to draw from.
    #[error(transparent)]
    NothingToDraw(#[from] NothingToDraw),
    /// The text, or the vocabulary of an export.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A priming text that the model cannot read.
    #[error("priming text: {0}")]
    Prime(#[from] UnknownSymbol),
    /// Training went astray.
    #[error("the loss of step {step} is not a number: start again with a lower learning rate")]
    Diverged {
        /// The step, from 0.
        step: usize,
    },
    /// A file of an export is missing.
    #[error("there is no {name} among the files: choose all files of the folder that `rekindle export RUN` wrote")]
    Missing {
        /// The file.
        name: String,
    },
    /// A file of an export that is no JSON, or other JSON.
    #[error("{name}: {source}")]
    Json {
        /// The file.
        name: String,
        /// The place and the reason.
        source: serde_json::Error,
    },
    /// A `config.json` of another program.
    #[error("config.json: its format is {found:?}, not {wanted:?}: choose a folder that `rekindle export RUN` wrote")]
    NotAnExport {
        /// The format that it names.
        found: String,
        /// The format of exports.
        wanted: &'static str,
    },
    /// An export of a later version of Rekindle.
    #[error("config.json: version {found} of the format, and this page reads version {known}: use a newer page")]
    Newer {
        /// Its version.
        found: u64,
        /// The version of this page.
        known: u64,
    },
    /// A run of a task that this page has no model for.
    #[error("this is a run of the task `{task}`, and the page samples from runs of `{wanted}`")]
    Task {
        /// The run's task.
        task: String,
        /// The page's task.
        wanted: &'static str,
    },
    /// A setting of an exported model.
    #[error("config.json: {0}")]
    Model(SettingError),
    /// Weights that cannot be read, or are not those of the model.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// Weights that are of no language model.
    #[error("{name}: {source}")]
    Shape {
        /// The file.
        name: String,
        /// The reason.
        source: ShapeError,
    },
    /// Weights of another size than the settings or the vocabulary say.
    #[error("{name}: {what} is {found}, and {said} in {file}: choose the files of one export")]
    Size {
        /// The file of the weights.
        name: String,
        /// The size.
        what: &'static str,
        /// The size in the weights.
        found: usize,
        /// The size in the other file.
        said: usize,
        /// The other file.
        file: &'static str,
    },
}

/// A setting as the form shows it: `learning rate 0: must be greater than 0`.
fn in_the_form(error: &SettingError) -> String {
    match error {
        SettingError::Invalid { option, value, wanted } => {
            let value = if value.is_empty() { "(empty)" } else { value };
            format!("{} {value}: must be {wanted}", option.replace('-', " "))
        }
        other => other.to_string(),
    }
}
