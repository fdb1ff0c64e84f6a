//! Checkpoints: everything that a run needs to resume exactly where it was.
//!
//! A checkpoint is a folder `checkpoints/step-00001000` with
//!
//! ```text
//! model.bpk        the weights that are evaluated, sampled and exported
//! weights.bpk      those in training, if model.bpk is their mean
//! optimizer.bpk    the optimizer's running means
//! carry.bpk        the hidden state that the next batch starts from
//! training.json    step, schedule, best evaluation; length and SHA-256 of the files above
//! ```
//!
//! It is written under a temporary name, synced and renamed: a kill at any instant leaves the last good one. On
//! reading, every file's SHA-256 is checked; a damaged checkpoint is skipped for the one before, and reported.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, TensorData};
use rekindle_settings::Table;
use rekindle_weights::WeightTensor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::folder::RunFolder;
use crate::error::TrainError;
use crate::files::{self, Seal};
use crate::optimizer::Optimizer;
use crate::precision::LossScale;
use crate::schedule::Plateau;

/// The newest format of checkpoints; this version reads this and all earlier ones.
const FORMAT: u32 = 2;
/// The format of a checkpoint without `weights.bpk`, which older versions read too.
const WITHOUT_MEAN: u32 = 1;

const MODEL: &str = "model.bpk";
const WEIGHTS: &str = "weights.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const CARRY: &str = "carry.bpk";
const TRAINING: &str = "training.json";

/// The progress of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// A description of the training data.
    pub data: String,
    /// SHA-256 of the training data; none in runs of version 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_sha256: Option<String>,
    /// The settings of the run, without those of the loop; none in runs of version 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Table>,
    /// Steps done.
    pub step: u64,
    /// The first step's loss, in the task's unit.
    pub first_loss: Option<f64>,
    /// The best evaluation so far.
    pub best: Option<Best>,
    /// Evaluations since the best one.
    pub fruitless: u64,
    /// The objectives of the evaluations so far, while `--average-wait` compares them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<f64>,
    /// The state of the plateau schedule.
    pub plateau: Plateau,
    /// The scale of the loss, in `f16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
    /// Number of weights in the mean that is evaluated; 0 if there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub averaged: u64,
    /// Whether the run was stopped during the evaluation of this step.
    #[serde(default)]
    pub interrupted: bool,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The best evaluation of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Steps done at that time.
    pub step: u64,
    /// Its objective; lower is better.
    pub objective: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Training {
    format: u32,
    progress: Progress,
    files: BTreeMap<String, Seal>,
    /// SHA-256 of this file with zeros in place of this value; none in checkpoints of version 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

/// Placeholder for the SHA-256 of a file that contains its own.
const UNSEALED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Selects a checkpoint of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The checkpoint of the best evaluation; the last one if nothing was evaluated.
    #[default]
    Best,
    /// The last checkpoint.
    Last,
    /// The checkpoint of a step.
    Step(u64),
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Best => f.write_str("best"),
            Self::Last => f.write_str("last"),
            Self::Step(step) => write!(f, "{step}"),
        }
    }
}

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "best" => Ok(Self::Best),
            "last" => Ok(Self::Last),
            step => step.parse().map(Self::Step).map_err(|_| "give best, last or a step".to_owned()),
        }
    }
}

/// A checkpoint that was read and checked against its seals.
#[derive(Debug)]
pub struct Checkpoint {
    /// Its folder.
    pub path: PathBuf,
    /// The progress of the run.
    pub progress: Progress,
    /// Newer checkpoints that were skipped, each with its error.
    pub rejected: Vec<String>,
    files: BTreeMap<&'static str, Vec<u8>>,
}

/// The weights of a checkpoint.
#[derive(Debug)]
pub struct Weights<'a, M> {
    /// Those in training.
    pub model: &'a M,
    /// Their mean, if it takes their place in evaluations.
    pub mean: Option<M>,
}

impl<'a, M> From<&'a M> for Weights<'a, M> {
    fn from(model: &'a M) -> Self {
        Self { model, mean: None }
    }
}

/// Writes a checkpoint and returns its folder. `carry` has the values of the state that the next batch starts from.
///
/// # Errors
///
/// When the disk is full or not writable; existing checkpoints are kept.
pub fn save<'a, M: Module + 'a>(
    run: &RunFolder,
    progress: &Progress,
    weights: impl Into<Weights<'a, M>>,
    optimizer: &Optimizer,
    carry: Option<Vec<TensorData>>,
) -> Result<PathBuf, TrainError> {
    let path = folder(run, progress.step);
    let partial = path.with_extension("partial");
    files::remove(&partial)?;
    files::make_folder(&partial)?;
    let written = write_files(&partial, progress, weights.into(), optimizer, carry).and_then(|()| {
        // An existing checkpoint of this step is a damaged one that a resumed run skipped.
        files::remove(&path)?;
        fs::rename(&partial, &path).map_err(TrainError::io("write", &path))?;
        files::sync_parent(&path)
    });
    written.inspect_err(|_| {
        let _ = fs::remove_dir_all(&partial);
    })?;
    Ok(path)
}

fn write_files<M: Module>(
    partial: &Path,
    progress: &Progress,
    weights: Weights<'_, M>,
    optimizer: &Optimizer,
    carry: Option<Vec<TensorData>>,
) -> Result<(), TrainError> {
    let encoded = |name: &str, bytes: Result<Bytes, String>| {
        bytes.map_err(|reason| TrainError::Malformed { path: partial.join(name), reason })
    };
    let record = |model: M| model.into_record().into_bytes().map_err(|e| e.to_string());
    let (weights, model, format) = match (weights.model.clone(), weights.mean) {
        (weights, Some(mean)) => (Some(weights), mean, FORMAT),
        (weights, None) => (None, weights, WITHOUT_MEAN),
    };
    let mut contents = vec![
        (MODEL, encoded(MODEL, record(model))?),
        (OPTIMIZER, encoded(OPTIMIZER, optimizer.into_bytes().map_err(|e| e.to_string()))?),
    ];
    if let Some(weights) = weights {
        contents.push((WEIGHTS, encoded(WEIGHTS, record(weights))?));
    }
    if let Some(carry) = carry {
        contents.push((CARRY, encoded(CARRY, pack(carry))?));
    }
    let mut files = BTreeMap::new();
    for (name, bytes) in contents {
        files::write_synced(&partial.join(name), &bytes)?;
        files.insert(name.to_owned(), Seal::of(&bytes));
    }
    let training = Training { format, progress: progress.clone(), files, sha256: Some(UNSEALED.to_owned()) };
    let json = serde_json::to_string_pretty(&training).expect("plain numbers and strings can be written as JSON");
    let sealed = json.replace(UNSEALED, &files::sha256([&json]));
    files::write_synced(&partial.join(TRAINING), sealed.as_bytes())?;
    files::sync_parent(&partial.join(TRAINING))
}

/// Deletes all checkpoints except the best, that of step `last`, which was just written, and the `keep - 1` before it.
/// Checkpoints of later steps are damaged ones that the resumed run skipped.
///
/// # Errors
///
/// When a folder cannot be read or deleted.
pub(crate) fn prune(run: &RunFolder, keep: usize, best: Option<u64>, last: u64) -> Result<(), TrainError> {
    let steps = steps(run)?;
    let (past, later) = steps.split_at(steps.partition_point(|&step| step <= last));
    let old = past[..past.len().saturating_sub(keep)].iter().filter(|&&step| Some(step) != best);
    old.chain(later).try_for_each(|&step| files::remove(&folder(run, step)))
}

/// Reads a checkpoint. For [`Which::Last`], and [`Which::Best`] of a run without evaluations, damaged ones are skipped
/// and the one before is read.
///
/// # Errors
///
/// When none can be read, or it was written by a newer version.
pub fn load(run: &RunFolder, which: Which) -> Result<Checkpoint, TrainError> {
    match which {
        Which::Step(step) => {
            let steps = steps(run)?;
            if steps.contains(&step) { load_one_of(run, &[step]) } else { Err(TrainError::NoSuchStep { step, steps }) }
        }
        Which::Last => load_one_of(run, &steps(run)?),
        Which::Best => {
            let last = load(run, Which::Last)?;
            match last.progress.best {
                Some(best) if best.step != last.progress.step => {
                    let wanted = load_one_of(run, &[best.step]);
                    // The best one may be damaged too; the remaining ones are used, with a report.
                    Ok(match wanted {
                        Ok(best) => Checkpoint { rejected: last.rejected, ..best },
                        Err(e) => Checkpoint { rejected: [last.rejected, vec![e.to_string()]].concat(), ..last },
                    })
                }
                _ => Ok(last),
            }
        }
    }
}

/// The newest readable one of `steps` (in rising order).
fn load_one_of(run: &RunFolder, steps: &[u64]) -> Result<Checkpoint, TrainError> {
    let mut rejected = Vec::new();
    for &step in steps.iter().rev() {
        match read(&folder(run, step)) {
            Ok((progress, files)) => return Ok(Checkpoint { path: folder(run, step), progress, rejected, files }),
            Err(e @ TrainError::NewerFormat { .. }) => return Err(e),
            Err(e) => rejected.push(e.to_string()),
        }
    }
    Err(TrainError::NoCheckpoint { path: run.checkpoints(), rejected })
}

type Files = BTreeMap<&'static str, Vec<u8>>;

fn read(folder: &Path) -> Result<(Progress, Files), TrainError> {
    let json = files::read(&folder.join(TRAINING))?;
    let malformed = |name: &str, reason: String| TrainError::Malformed { path: folder.join(name), reason };
    let value: Value = serde_json::from_slice(&json).map_err(|e| malformed(TRAINING, e.to_string()))?;
    if let Some(found) = value["format"].as_u64().filter(|found| *found > FORMAT.into()) {
        let (path, found) = (folder.join(TRAINING), found.try_into().unwrap_or(u32::MAX));
        return Err(TrainError::NewerFormat { path, found, known: FORMAT });
    }
    let training: Training = serde_json::from_value(value).map_err(|e| malformed(TRAINING, e.to_string()))?;
    if let Some(sha256) = &training.sha256 {
        let unsealed = String::from_utf8_lossy(&json).replace(sha256, UNSEALED);
        if files::sha256([&unsealed]) != *sha256 {
            return Err(malformed(TRAINING, "damaged: its bytes are not those that were written".to_owned()));
        }
    }
    let mut files = BTreeMap::new();
    for name in [MODEL, WEIGHTS, OPTIMIZER, CARRY] {
        let Some(seal) = training.files.get(name) else { continue };
        let path = folder.join(name);
        let bytes = files::read(&path)?;
        seal.check(&path, &bytes)?;
        files.insert(name, bytes);
    }
    Ok((training.progress, files))
}

impl Checkpoint {
    /// Loads the weights into `model`: their mean, if the run has one.
    ///
    /// # Errors
    ///
    /// When they do not fit `model`.
    pub fn model<M: Module>(&self, model: M) -> Result<M, TrainError> {
        self.load(MODEL, model)
    }

    /// Loads the weights that training goes on with into `model`.
    ///
    /// # Errors
    ///
    /// When they do not fit `model`.
    pub fn in_training<M: Module>(&self, model: M) -> Result<M, TrainError> {
        self.load(if self.files.contains_key(WEIGHTS) { WEIGHTS } else { MODEL }, model)
    }

    fn load<M: Module>(&self, name: &'static str, model: M) -> Result<M, TrainError> {
        ModuleRecord::from_bytes(self.bytes(name)?)
            .and_then(|record| model.try_load_record(record))
            .map_err(|e| self.malformed(name, e.to_string()))
    }

    /// Loads the state into `optimizer`. Call [`in_training`](Self::in_training) too: the state is matched by parameter
    /// id.
    ///
    /// # Errors
    ///
    /// When they cannot be decoded.
    pub fn optimizer(&self, optimizer: Optimizer) -> Result<Optimizer, TrainError> {
        optimizer.from_bytes(self.bytes(OPTIMIZER)?).map_err(|e| self.malformed(OPTIMIZER, e.to_string()))
    }

    /// The carry of the next batch, rebuilt by `restore` from the saved tensors; none if nothing is carried.
    ///
    /// # Errors
    ///
    /// When it cannot be decoded.
    pub fn carry<C>(&self, restore: impl FnOnce(Vec<TensorData>) -> Option<C>) -> Result<Option<C>, TrainError> {
        if !self.files.contains_key(CARRY) {
            return Ok(None);
        }
        let data = unpack(self.bytes(CARRY)?).map_err(|reason| self.malformed(CARRY, reason))?;
        restore(data).map(Some).ok_or_else(|| self.malformed(CARRY, "not the state of this model".to_owned()))
    }

    /// Whether it has a carried state.
    pub fn has_carry(&self) -> bool {
        self.files.contains_key(CARRY)
    }

    /// The weights of any model, by its field names.
    ///
    /// # Errors
    ///
    /// When they cannot be decoded.
    pub fn tensors(&self) -> Result<BTreeMap<String, WeightTensor>, TrainError> {
        let malformed = |reason: String| self.malformed(MODEL, reason);
        let reader = burn_pack::Reader::from_bytes(self.bytes(MODEL)?).map_err(|e| malformed(e.to_string()))?;
        let tensors = reader.into_tensors().map_err(|e| malformed(e.to_string()))?;
        let tensor = |tensor: burn_pack::Tensor| {
            let name = tensor.name.clone();
            let data = tensor_data(tensor).map_err(malformed)?;
            let (shape, values) = (data.shape().to_vec(), data.convert::<f32>().try_to_vec());
            let values = values.map_err(|e| malformed(format!("{e:?}")))?;
            Ok((name, WeightTensor::new(shape, values).map_err(|e| malformed(e.to_string()))?))
        };
        tensors.into_iter().map(tensor).collect()
    }

    fn bytes(&self, name: &'static str) -> Result<Bytes, TrainError> {
        let bytes = self.files.get(name).ok_or_else(|| self.malformed(TRAINING, format!("no {name} is listed")))?;
        Ok(Bytes::from_bytes_vec(bytes.clone()))
    }

    fn malformed(&self, name: &str, reason: String) -> TrainError {
        TrainError::Malformed { path: self.path.join(name), reason }
    }
}

/// The best evaluation, from the newest readable checkpoint, whose weights are not read; none if nothing was evaluated.
pub(crate) fn best(run: &RunFolder) -> Option<Best> {
    let read = |step: &u64| -> Option<Training> {
        serde_json::from_slice(&files::read(&folder(run, *step).join(TRAINING)).ok()?).ok()
    };
    steps(run).ok()?.iter().rev().find_map(read)?.progress.best
}

fn folder(run: &RunFolder, step: u64) -> PathBuf {
    run.checkpoints().join(format!("step-{step:08}"))
}

/// The steps that have checkpoints, in rising order.
///
/// # Errors
///
/// When the folder cannot be read.
pub fn steps(run: &RunFolder) -> Result<Vec<u64>, TrainError> {
    let path = run.checkpoints();
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(TrainError::io("read", path)(e)),
    };
    let mut steps = Vec::new();
    for entry in entries {
        let name = entry.map_err(TrainError::io("read", &path))?.file_name();
        let step: Option<u64> =
            name.to_str().and_then(|name| name.strip_prefix("step-")).and_then(|step| step.parse().ok());
        steps.extend(step);
    }
    steps.sort_unstable();
    Ok(steps)
}

/// The number of parameters of the newest checkpoint, from the head of its file alone: nothing is checked. None without
/// a checkpoint whose head can be read.
pub fn parameters(run: &RunFolder) -> Option<usize> {
    let step = steps(run).ok()?.pop()?;
    let tensors = burn_pack::Reader::from_file_exact(folder(run, step).join(MODEL)).ok()?.into_tensors().ok()?;
    Some(tensors.iter().map(|tensor| tensor.shape.iter().product::<usize>()).sum())
}

pub(crate) fn pack(data: Vec<TensorData>) -> Result<Bytes, String> {
    let tensor = |(index, data): (usize, TensorData)| {
        let (bytes, shape, dtype) = data.into_parts();
        burn_pack::Tensor::new(format!("{index:04}"), dtype, shape, None, bytes)
    };
    let tensors = data.into_iter().enumerate().map(tensor).collect();
    burn_pack::Writer::new(tensors).into_bytes().map_err(|e| e.to_string())
}

pub(crate) fn unpack(bytes: Bytes) -> Result<Vec<TensorData>, String> {
    let mut tensors = burn_pack::Reader::from_bytes(bytes).and_then(|r| r.into_tensors()).map_err(|e| e.to_string())?;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    tensors.into_iter().map(tensor_data).collect()
}

/// Packed tensors, each of floating-point numbers with the values that `change` returns.
pub(crate) fn mapped(
    bytes: Bytes,
    mut change: impl FnMut(TensorData) -> Result<TensorData, String>,
) -> Result<Bytes, String> {
    let reader = burn_pack::Reader::from_bytes(bytes).map_err(|e| e.to_string())?;
    let (metadata, scalars) = (reader.metadata().clone(), reader.scalars().clone());
    let changed = reader.into_tensors().map_err(|e| e.to_string())?.into_iter().map(|tensor| {
        let (name, dtype, shape, id, bytes) = tensor.into_parts().map_err(|e| e.to_string())?;
        let data = TensorData::from_bytes(bytes, shape, dtype);
        let (bytes, shape, dtype) = if dtype.is_float() { change(data)? } else { data }.into_parts();
        Ok(burn_pack::Tensor::new(name, dtype, shape, id, bytes))
    });
    let writer = burn_pack::Writer::new(changed.collect::<Result<Vec<_>, String>>()?);
    let writer = metadata.iter().fold(writer, |writer, (key, value)| writer.with_metadata(key, value));
    let writer = scalars.into_iter().fold(writer, |writer, (key, value)| writer.with_scalar(&key, value));
    writer.into_bytes().map_err(|e| e.to_string())
}

fn tensor_data(tensor: burn_pack::Tensor) -> Result<TensorData, String> {
    let (_, dtype, shape, _, bytes) = tensor.into_parts().map_err(|e| e.to_string())?;
    Ok(TensorData::from_bytes(bytes, shape, dtype))
}
