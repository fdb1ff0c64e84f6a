//! Errors of a training run.

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

/// An error of a training run, with its remedy.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// An invalid setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// An invalid setting in a file.
    #[error("{}", path.display())]
    SettingIn {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SettingError,
    },
    /// An error of a task.
    #[error(transparent)]
    Task(TaskError),
    /// A run of a task that this program does not support.
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
    /// A command that a task does not support.
    #[error("a run of `{task}` does not support `{command}`; it works with: {others}")]
    Unsupported {
        /// The task.
        task: &'static str,
        /// The command.
        command: &'static str,
        /// The commands that it supports, with the run.
        others: String,
    },
    /// An imported run has no data of its own.
    #[error(
        "the run was imported without data: give some with --data PATH. To train its model further, start a new run from \
         it: train {task} --data PATH --init-from RUN"
    )]
    NoData {
        /// The task.
        task: &'static str,
    },
    /// The data of a run is not where its settings say.
    #[error(
        "{reason}. It is named in {}: start in the folder where the run was trained, or give its present place with \
         `train --resume {} --data PATH`, which also trains the steps that are left",
        run.join("config.toml").display(),
        quoted(run)
    )]
    OwnData {
        /// The folder of the run.
        run: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The units of a task's models cannot be observed.
    #[error("--neurons: the units of a run of `{task}` are not shown{}", instead.map(|words| format!("; {words}")).unwrap_or_default())]
    NoNeurons {
        /// The task.
        task: &'static str,
        /// What shows the inside of its models.
        instead: Option<&'static str>,
    },
    /// The gradients of a task's models cannot be observed.
    #[error("--gradients: not available for a run of `{task}`; without the option, `inspect` shows its weights")]
    NoGradients {
        /// The task.
        task: &'static str,
    },
    /// The models of a task cannot be exported as ONNX.
    #[error("--format onnx: not available for a run of `{task}`; --format safetensors has its weights")]
    NoOnnx {
        /// The task.
        task: &'static str,
    },
    /// The models of a task cannot be tried in a page.
    #[error("a run of `{task}` has no playground")]
    NoPlayground {
        /// The task.
        task: &'static str,
    },
    /// Reading or writing a file of the run failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The action that failed: "write", "read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The folder of a new run already exists.
    #[error(
        "{} already holds a run: give another --out, resume it with `train --resume {}`, or replace it with --force",
        path.display(),
        quoted(path)
    )]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// The folder of a new run holds other files, which `--force` would not delete either.
    #[error("{} is not empty and holds no run: give another --out", path.display())]
    NotARunFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A folder given as a run is not one.
    #[error("{} is not a run: there is no {file} in it", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        file: &'static str,
    },
    /// The folder of a run whose creation was interrupted.
    #[error("{} is an incomplete run: its creation was interrupted; delete it and start again", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// Another process is training the run.
    #[error("{} is in use: process {process} trains it; wait until it ends or stop it", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process.
        process: String,
    },
    /// A file of the run differs from the one that was written.
    #[error("{}: damaged: {found} of {written} bytes, or other content", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The length that was written.
        written: u64,
    },
    /// A file of the run has invalid content.
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
        /// The file with the format number.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest supported format.
        known: u32,
    },
    /// The run is of another task than requested.
    #[error("{} is a run of `{found}`, not of `{wanted}`", path.display())]
    OtherTask {
        /// The folder.
        path: PathBuf,
        /// Its task.
        found: String,
        /// The requested task.
        wanted: &'static str,
    },
    /// A run of a task from which no model of another can start.
    #[error("--init-from: {} is a run of `{found}`; a model of this task can start from a run of {wanted}", path.display())]
    NotAnOrigin {
        /// The folder.
        path: PathBuf,
        /// Its task.
        found: String,
        /// The tasks of the runs that it can start from.
        wanted: String,
    },
    /// Runs that cannot answer together.
    #[error(
        "the vocabulary, the labels, the columns or their normalisation in {} are not those in {}: runs go together only \
         if all are the same",
        with.display(),
        run.display()
    )]
    NotAlike {
        /// The folder of the first run.
        run: PathBuf,
        /// The folder of the other one.
        with: PathBuf,
    },
    /// Runs whose weights cannot be averaged.
    #[error("{}: {parameter} is {}, and in {} it is {}: models of other shapes have no average",
        with.display(), shown(found.as_ref()), run.display(), shown(wanted.as_ref()))]
    OtherShape {
        /// The folder of the first run.
        run: PathBuf,
        /// The folder of the other one.
        with: PathBuf,
        /// The name of a parameter.
        parameter: String,
        /// Its shape in the first run; none if it has no such parameter.
        wanted: Option<Vec<usize>>,
        /// Its shape in the other run.
        found: Option<Vec<usize>>,
    },
    /// Runs whose models compute other things with weights of the same shapes.
    #[error("{}: --{setting} is {}, and in {} it is {}: models that compute other things have no average",
        with.display(), values[1], run.display(), values[0])]
    OtherModel {
        /// The folder of the first run.
        run: PathBuf,
        /// The folder of the other one.
        with: PathBuf,
        /// A setting of the model.
        setting: String,
        /// Its values in the first run and in the other one.
        values: Box<[String; 2]>,
    },
    /// Runs of this task do not answer together.
    #[error("--with: runs of `{task}` do not answer together; average their weights with `rekindle average`")]
    Alone {
        /// The task.
        task: &'static str,
    },
    /// No checkpoint can be read.
    #[error("no usable checkpoint in {}{}", path.display(), list(rejected))]
    NoCheckpoint {
        /// The folder.
        path: PathBuf,
        /// The checkpoints, each with its error.
        rejected: Vec<String>,
    },
    /// There is no checkpoint of the requested step.
    #[error("--checkpoint {step}: the run has no checkpoint of this step{}", steps_there(steps))]
    NoSuchStep {
        /// The step.
        step: u64,
        /// The steps that have checkpoints.
        steps: Vec<u64>,
    },
    /// The data has changed since the run started.
    #[error(
        "the data has changed since the run started: {}. Start a new run from its weights with --init-from, or \
         resume with this data with --other-data",
        changed(was, is)
    )]
    OtherData {
        /// The data that the run started with.
        was: String,
        /// The present data.
        is: String,
    },
    /// The loss is not a number, or far above its initial value.
    #[error(
        "step {step}: the loss is {loss}{}; stopped. Last good checkpoint: {}. A lower --learning-rate or --clip-at may \
         help. Gradient norms: {}",
        first.map(|first| format!(" (the first was {first:.4}; --explode-at bounds their ratio)")).unwrap_or_default(),
        step_or_none(*last_checkpoint),
        norms(gradient_norms)
    )]
    Diverged {
        /// The step, counted from 1.
        step: u64,
        /// Its loss in nats.
        loss: f64,
        /// The first step's loss, if the bound was a multiple of it.
        first: Option<f64>,
        /// Step of the last checkpoint.
        last_checkpoint: Option<u64>,
        /// The norm of every parameter's gradient, largest first.
        gradient_norms: Vec<(String, f64)>,
    },
    /// A run that needs more memory than is available.
    #[error(
        "the model has {} parameters, and training it takes {estimate}; {} are free: make the model or --batch-size smaller",
        estimate.parameters,
        in_words(*free)
    )]
    TooLarge {
        /// The memory that it needs.
        estimate: Estimate,
        /// The free memory, in bytes.
        free: f64,
    },
    /// A batch that does not fit into the device's memory.
    #[error(
        "step {step}: the device has not enough memory for a batch of {items} {unit}: give a smaller --batch-size. Last good \
         checkpoint: {}",
        step_or_none(*last_checkpoint)
    )]
    OutOfMemory {
        /// The step, counted from 1.
        step: u64,
        /// Number of items in the batch.
        items: u64,
        /// The unit of items, in the plural.
        unit: &'static str,
        /// Step of the last checkpoint.
        last_checkpoint: Option<u64>,
        /// The device's error.
        source: ExecutionError,
    },
    /// The device failed or is gone.
    #[error(
        "step {step}: the device failed. Last good checkpoint: {}; `train --resume` continues from it, on this device \
         or on another --backend",
        step_or_none(*last_checkpoint)
    )]
    Device {
        /// The step, counted from 1.
        step: u64,
        /// Step of the last checkpoint.
        last_checkpoint: Option<u64>,
        /// The device's error.
        source: ExecutionError,
    },
    /// The processes of a group do not do the same run.
    #[error(
        "rank {rank} ({host}) differs from rank 0: {what} is {is}, and {was} on rank 0. Give all ranks the same program, \
         options and data"
    )]
    RanksDiffer {
        /// The process.
        rank: usize,
        /// Its machine.
        host: String,
        /// What differs.
        what: String,
        /// What it is on this process.
        is: String,
        /// What it is on the first one.
        was: String,
    },
    /// The run folder is not there for all processes of a group.
    #[error(
        "rank {rank} ({host}) does not see {}: the folder of the run must be on a file system that all ranks share",
        path.display()
    )]
    NotShared {
        /// The process.
        rank: usize,
        /// Its machine.
        host: String,
        /// The folder of the run.
        path: PathBuf,
    },
    /// A batch has fewer rows than there are processes.
    #[error("{ranks} ranks, and a batch of {rows} rows: start at most {rows} ranks")]
    TooManyRanks {
        /// Number of processes.
        ranks: usize,
        /// Rows of a batch.
        rows: usize,
    },
    /// The device failed while its results were read back.
    #[error(transparent)]
    Reading(#[from] DeviceError),
    /// The device failed during an evaluation or a sample.
    #[error(
        "step {step}: the model could not be evaluated. Last good checkpoint: {}; `train --resume` continues from it",
        step_or_none(*last_checkpoint)
    )]
    Evaluating {
        /// The step, counted from 1.
        step: u64,
        /// Step of the last checkpoint.
        last_checkpoint: Option<u64>,
        /// The cause.
        source: DeviceError,
    },
}

/// Errors of this crate that passed through a task are unwrapped.
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
            Ok(DecodeError::Stopped(stopped)) => return Self::Task(stopped.into()),
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

/// A parameter's shape.
fn shown(shape: Option<&Vec<usize>>) -> String {
    shape.map_or("not there".to_owned(), |shape| format!("{shape:?}"))
}

fn step_or_none(step: Option<u64>) -> String {
    step.map_or("none".to_owned(), |step| format!("step {step}"))
}

/// A warning: a run's data is not what it was trained on.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "the data has changed since the run was trained: {}. The figures are those of the present data",
    changed(was, is)
)]
pub(crate) struct OtherThanTrained<'a> {
    pub was: &'a str,
    pub is: &'a str,
}

fn changed(was: &str, is: &str) -> String {
    if was == is { format!("the content of {is} has changed") } else { format!("{was}; now it is {is}") }
}

fn steps_there(steps: &[u64]) -> String {
    let steps: Vec<_> = steps.iter().map(u64::to_string).collect();
    if steps.is_empty() { String::new() } else { format!("; it has those of steps {}", steps.join(", ")) }
}

/// A path in shell syntax, quoted if it has unusual characters.
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
