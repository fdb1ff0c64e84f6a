//! What can go wrong in a training run.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use burn::backend::ExecutionError;
use rekindle_models::decode::DecodeError;
use rekindle_models::host::DeviceError;
use rekindle_settings::SettingError;

use crate::memory::{Estimate, in_words};

/// An error of a task, of whatever type.
pub type TaskError = Box<dyn Error + Send + Sync>;

/// What can go wrong in a training run, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting without meaning.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A setting without meaning in a file.
    #[error("{}", path.display())]
    SettingIn {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SettingError,
    },
    /// What a task could not do.
    #[error(transparent)]
    Task(TaskError),
    /// A run of a task that this program does not have.
    #[error(
        "{} is a run of `{task}`, written by version {version}: this version of Rekindle has no such task, and can only \
         `inspect` and `export` the run",
        path.display()
    )]
    UnknownTask {
        /// The folder.
        path: PathBuf,
        /// Its task.
        task: String,
        /// The version that wrote it.
        version: String,
    },
    /// A command that a task does not have.
    #[error("a run of `{task}` does not support `{command}`; it works with: {others}")]
    Unsupported {
        /// The task.
        task: &'static str,
        /// The command.
        command: &'static str,
        /// The commands that it has, with the run.
        others: String,
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
    #[error("{} already holds a run: give another --out, go on with `train --resume {}`, or replace it with --force", path.display(), quoted(path))]
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
    /// A folder in which a run was being made when the program was stopped.
    #[error("{} is a run that was being made when the program was stopped: delete it and start again", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// Another process trains the run.
    #[error("{} is in use: process {process} trains it; wait until it ends or stop it", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process.
        process: String,
    },
    /// A file of the run is not the one that was written.
    #[error("{}: damaged: {found} bytes of {written}, or not those that were written", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The length that was written.
        written: u64,
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
    /// There is no checkpoint of the step that was asked for.
    #[error("--checkpoint {step}: the run has no checkpoint of this step{}", steps_there(steps))]
    NoSuchStep {
        /// The step.
        step: u64,
        /// The steps that there are checkpoints of.
        steps: Vec<u64>,
    },
    /// The data has changed since the run began.
    #[error(
        "the run began with other data: {}. Start a new run from its weights with --init-from, or go on with this data with \
         --other-data",
        changed(was, is)
    )]
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
    /// A run that needs more memory than there is.
    #[error(
        "the model has {} parameters, and training it takes {estimate}; {} are free: make the model or --batch-size smaller",
        estimate.parameters,
        in_words(*free)
    )]
    TooLarge {
        /// What it needs.
        estimate: Estimate,
        /// What is free, in bytes.
        free: f64,
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
    /// The device failed while its results were read.
    #[error(transparent)]
    Reading(#[from] DeviceError),
    /// The device failed during an evaluation or a sample.
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
}

/// Errors of this crate that went through a task come out again as they were.
impl From<TaskError> for TrainError {
    fn from(error: TaskError) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(error) => return *error,
            Err(error) => error,
        };
        let error = match error.downcast::<SettingError>() {
            Ok(error) => return Self::Setting(*error),
            Err(error) => error,
        };
        let error = match error.downcast::<DecodeError>().map(|error| *error) {
            Ok(DecodeError::Device(error)) => return Self::Reading(error),
            Ok(error) => return Self::Task(error.into()),
            Err(error) => error,
        };
        match error.downcast::<DeviceError>() {
            Ok(error) => Self::Reading(*error),
            Err(error) => Self::Task(error),
        }
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

fn changed(was: &str, is: &str) -> String {
    if was == is { format!("the content of {is} has changed") } else { format!("{was}; now it is {is}") }
}

fn steps_there(steps: &[u64]) -> String {
    let steps: Vec<_> = steps.iter().map(u64::to_string).collect();
    if steps.is_empty() { String::new() } else { format!("; it has those of steps {}", steps.join(", ")) }
}

/// A path as a shell takes it: in quotation marks where it has other characters than most names have.
pub fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@".contains(c);
    if !path.is_empty() && path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn list(rejected: &[String]) -> String {
    rejected.iter().map(|reason| format!("\n  {reason}")).collect()
}

fn norms(norms: &[(String, f64)]) -> String {
    let shown: String = norms.iter().take(10).map(|(name, norm)| format!("\n  {norm:12.4e}  {name}")).collect();
    if norms.len() > 10 { format!("{shown}\n  and {} more", norms.len() - 10) } else { shown }
}
