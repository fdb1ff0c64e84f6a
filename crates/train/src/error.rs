//! What can go wrong in a training run.

use std::io;
use std::path::PathBuf;

use burn::backend::ExecutionError;
use rekindle_models::decode::DecodeError;
use rekindle_models::host::DeviceError;

/// What can go wrong in a training run, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting without meaning.
    #[error("{name} {value}: it must be {wanted}")]
    Setting {
        /// The name, as on the command line.
        name: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        wanted: &'static str,
    },
    /// Reading or writing a file of the run failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: "write", "read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder of a new run is there already.
    #[error("{} already holds a run: give another --out, go on with `train --resume {}`, or replace it with --force", path.display(), path.display())]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// The folder of a new run holds other things, which `--force` would not delete either.
    #[error("{} is not empty and holds no run: give another --out", path.display())]
    NotARunFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A folder given as a run is none.
    #[error("{} is not a run: there is no {file} in it", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        file: &'static str,
    },
    /// A file of the run does not hold what it should.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where there is one.
        reason: String,
    },
    /// The run was written by a later version of this program.
    #[error("{} has format {found}, and this version of Rekindle reads up to {known}: install a newer one", path.display())]
    NewerFormat {
        /// The file that says so.
        path: PathBuf,
        /// The format it has.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// The run is of another task than asked for.
    #[error("{} is a run of `{found}`, not of `{wanted}`", path.display())]
    OtherTask {
        /// The folder.
        path: PathBuf,
        /// Its task.
        found: String,
        /// The task asked for.
        wanted: &'static str,
    },
    /// There is no checkpoint that can be read.
    #[error("no usable checkpoint in {}{}", path.display(), list(rejected))]
    NoCheckpoint {
        /// The folder.
        path: PathBuf,
        /// Those that are there, each with what is wrong with it.
        rejected: Vec<String>,
    },
    /// The data has changed since the run began.
    #[error("the run began with other data: {was}; now it is {is}. Start a new run from its weights with --init-from")]
    OtherData {
        /// The data that the run began with.
        was: String,
        /// The data that is there.
        is: String,
    },
    /// The loss is not a number any more, or far above where it began.
    #[error(
        "step {step}: the loss is {loss}{}; stopped. Last good checkpoint: {}. A lower --learning-rate or --clip-at may \
         help. Gradient norms: {}",
        first.map(|first| format!(" (it began at {first:.4})")).unwrap_or_default(),
        step_or_none(*last_checkpoint),
        norms(gradient_norms)
    )]
    Diverged {
        /// The step, counted from 1.
        step: u64,
        /// Its loss in nats.
        loss: f64,
        /// The first step's loss, when the bound was a multiple of it.
        first: Option<f64>,
        /// Step of the last checkpoint.
        last_checkpoint: Option<u64>,
        /// The norm of every parameter's gradient, largest first.
        gradient_norms: Vec<(String, f64)>,
    },
    /// A batch that the device has no memory for.
    #[error(
        "step {step}: the device has not enough memory for a batch of {items} {unit}: give a smaller --batch-size. Last good \
         checkpoint: {}",
        step_or_none(*last_checkpoint)
    )]
    OutOfMemory {
        /// The step, counted from 1.
        step: u64,
        /// What the batch held.
        items: u64,
        /// What that is counted in, in the plural.
        unit: &'static str,
        /// Step of the last checkpoint.
        last_checkpoint: Option<u64>,
        /// What the device says.
        source: ExecutionError,
    },
    /// The device failed, or is gone.
    #[error(
        "step {step}: the device failed. Last good checkpoint: {}; `train --resume` goes on from there, on this device or on \
         another --backend",
        step_or_none(*last_checkpoint)
    )]
    Device {
        /// The step, counted from 1.
        step: u64,
        /// Step of the last checkpoint.
        last_checkpoint: Option<u64>,
        /// What the device says.
        source: ExecutionError,
    },
    /// The data could not be read.
    #[error(transparent)]
    Data(#[from] rekindle_data::Error),
    /// The run to start from has a model of another shape.
    #[error("--init-from")]
    Transfer(#[from] rekindle_models::TransferError),
    /// A file of weights cannot be read, or does not fit the model.
    #[error(transparent)]
    Weights(#[from] rekindle_weights::WeightError),
    /// A file of weights does not make a run.
    #[error("cannot import {}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// Why.
        source: crate::tasks::chars::ImportError,
    },
    /// No text is named, as in a run whose weights come from elsewhere.
    #[error(
        "there is no text: give one with --data. An imported run does not know its own: judge it with `eval --data`, train it \
         with `train chars --data PATH --init-from`"
    )]
    NoText,
    /// Data without a sentence to train on.
    #[error("{data}: there is no pair of sentences to train on")]
    NoSentences {
        /// What was given as data.
        data: String,
    },
    /// Sentences over the greatest length, where that is not allowed.
    #[error("{count} pairs have a sentence of more than {longest} symbols: raise --max-length, or leave --strict out")]
    LongSentences {
        /// How many pairs.
        count: usize,
        /// The greatest length.
        longest: usize,
    },
    /// The run to start from has another translator.
    #[error("--init-from: the run has other vocabularies or a model of another shape; give the same data and model")]
    OtherTranslator,
    /// A network that is not trained from scratch, without weights.
    #[error(
        "--encoder {encoder} has learnt to see elsewhere: give the file of its weights with --encoder-weights, or take \
         --encoder small"
    )]
    NoEncoderWeights {
        /// Which network.
        encoder: rekindle_models::captioner::encoder::EncoderKind,
    },
    /// Captions without a word.
    #[error("{data}: there is no caption with a word to train on")]
    NoCaptions {
        /// What was given as data.
        data: String,
    },
    /// The run to start from has another captioner.
    #[error("--init-from: the run has other words or a model of another shape; give the same data and model")]
    OtherCaptioner,
    /// The device failed where a model was asked for something.
    #[error(transparent)]
    Reading(#[from] DeviceError),
    /// The device failed while the model was judged or had to show what it can.
    #[error(
        "step {step}: the model could not be evaluated. Last good checkpoint: {}; `train --resume` goes on from there",
        step_or_none(*last_checkpoint)
    )]
    Evaluating {
        /// The step, counted from 1.
        step: u64,
        /// Step of the last checkpoint.
        last_checkpoint: Option<u64>,
        /// Why.
        source: DeviceError,
    },
    /// The settings of a search have no meaning.
    #[error(transparent)]
    Search(#[from] rekindle_models::decode::SearchError),
    /// The settings of sampling have no meaning.
    #[error(transparent)]
    Sampling(#[from] rekindle_models::decode::SamplingError),
}

impl From<DecodeError> for TrainError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Search(error) => error.into(),
            DecodeError::Sampling(error) => error.into(),
            DecodeError::Device(error) => error.into(),
        }
    }
}

impl From<rekindle_data::labelled::LabelledError> for TrainError {
    fn from(error: rekindle_data::labelled::LabelledError) -> Self {
        Self::Data(error.into())
    }
}

impl TrainError {
    /// For `map_err`: `action` on `path` failed.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

fn step_or_none(step: Option<u64>) -> String {
    step.map_or("none".to_owned(), |step| format!("step {step}"))
}

fn list(rejected: &[String]) -> String {
    rejected.iter().map(|reason| format!("\n  {reason}")).collect()
}

fn norms(norms: &[(String, f64)]) -> String {
    norms.iter().map(|(name, norm)| format!("\n  {norm:12.4e}  {name}")).collect()
}
