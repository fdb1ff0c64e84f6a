//! The run folder: all that a run is, in files that explain themselves.
//!
//! ```text
//! config.toml      every setting, defaults included
//! vocab.json       what the model reads and writes, for tasks with text
//! encoder.safetensors  the weights of a network that sees and is not trained
//! images.json      the size of the images, for tasks that draw
//! metrics.jsonl    the figures, a line each
//! samples/         what the model wrote on its way
//! pictures/        the learning curve, and the best evaluation's pictures
//! checkpoints/     the last few and the best, a folder each
//! export/          the weights for other programs, where they were asked for
//! ```

mod atomic;
pub mod checkpoint;
mod metrics_log;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::pictures::Picture;
use crate::settings::TrainingSettings;
pub use metrics_log::MetricsLog;

/// Settings of a task, as they stand in `config.toml`.
pub trait RunSettings: Serialize + DeserializeOwned {
    /// The name of the task, on the command line and in the run folder.
    const TASK: &'static str;

    /// What the training loop is told.
    fn training(&mut self) -> &mut TrainingSettings;
}

/// The format of run folders that this version writes; it reads all up to this one.
pub const FORMAT: u32 = 1;

const CONFIG: &str = "config.toml";
const VOCABULARY: &str = "vocab.json";
const IMAGES: &str = "images.json";
const ENCODER: &str = "encoder.safetensors";
const METRICS: &str = "metrics.jsonl";
const SAMPLES: &str = "samples";
const PICTURES: &str = "pictures";
const CHECKPOINTS: &str = "checkpoints";
const EXPORT: &str = "export";

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

/// The head of `config.toml`: what is true of every task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Format of the folder.
    pub format: u32,
    /// The task that made it.
    pub task: String,
    /// The version of Rekindle that made it.
    pub rekindle: String,
}

#[derive(Serialize)]
struct Config<'a, S> {
    #[serde(flatten)]
    head: Head,
    #[serde(flatten)]
    settings: &'a S,
}

impl RunFolder {
    /// Makes the folder of a new run and writes its `config.toml`. With `replace`, a run that is there already is
    /// deleted; a folder with anything else in it never is.
    ///
    /// # Errors
    ///
    /// When `path` holds a run (and `replace` is not set) or other files, or cannot be written.
    pub fn create<S: RunSettings>(path: impl Into<PathBuf>, settings: &S, replace: bool) -> Result<Self, TrainError> {
        let run = Self { path: path.into() };
        run.make_room(replace)?;
        for folder in [SAMPLES, PICTURES, CHECKPOINTS] {
            let folder = run.path.join(folder);
            fs::create_dir_all(&folder).map_err(TrainError::io("make the folder", folder))?;
        }
        run.write_settings(settings)?;
        Ok(run)
    }

    /// Writes `config.toml` anew.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_settings<S: RunSettings>(&self, settings: &S) -> Result<(), TrainError> {
        let head = Head { format: FORMAT, task: S::TASK.to_owned(), rekindle: env!("CARGO_PKG_VERSION").to_owned() };
        let text = toml::to_string(&Config { head, settings })
            .map_err(|e| TrainError::Malformed { path: self.path.join(CONFIG), reason: e.to_string() })?;
        atomic::write(&self.path.join(CONFIG), text.as_bytes())
    }

    fn make_room(&self, replace: bool) -> Result<(), TrainError> {
        let mut entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(TrainError::io("read", &self.path)(e)),
        };
        if entries.next().is_none() {
            return Ok(());
        }
        if !self.path.join(CONFIG).exists() {
            return Err(TrainError::NotARunFolder { path: self.path.clone() });
        }
        if !replace {
            return Err(TrainError::RunExists { path: self.path.clone() });
        }
        for name in [SAMPLES, PICTURES, CHECKPOINTS, EXPORT, METRICS, VOCABULARY, IMAGES, ENCODER, CONFIG] {
            let path = self.path.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(TrainError::io("delete", path)(e)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Opens the folder of a run.
    ///
    /// # Errors
    ///
    /// When there is no run at `path`, or one of a newer format.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TrainError> {
        let run = Self { path: path.into() };
        run.head()?;
        Ok(run)
    }

    /// The head of `config.toml`.
    ///
    /// # Errors
    ///
    /// When the file is missing, is not such a file, or is of a newer format.
    pub fn head(&self) -> Result<Head, TrainError> {
        let path = self.path.join(CONFIG);
        let head: Head = self.parse_config()?;
        if head.format > FORMAT {
            return Err(TrainError::NewerFormat { path, found: head.format, known: FORMAT });
        }
        Ok(head)
    }

    /// The settings of a run of the task of `S`.
    ///
    /// # Errors
    ///
    /// When the run is of another task, or its `config.toml` is damaged.
    pub fn settings<S: RunSettings>(&self) -> Result<S, TrainError> {
        let head = self.head()?;
        if head.task != S::TASK {
            return Err(TrainError::OtherTask { path: self.path.clone(), found: head.task, wanted: S::TASK });
        }
        self.parse_config()
    }

    fn parse_config<C: DeserializeOwned>(&self) -> Result<C, TrainError> {
        let path = self.path.join(CONFIG);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(TrainError::NotARun { path: self.path.clone(), file: CONFIG });
            }
            Err(e) => return Err(TrainError::io("read", path)(e)),
        };
        toml::from_str(&text).map_err(|e| TrainError::Malformed { path, reason: e.to_string() })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the vocabulary is.
    pub fn vocabulary(&self) -> PathBuf {
        self.path.join(VOCABULARY)
    }

    /// Where the size of the images is.
    pub fn images(&self) -> PathBuf {
        self.path.join(IMAGES)
    }

    /// Where the weights of a network are that sees and is not trained.
    pub fn encoder(&self) -> PathBuf {
        self.path.join(ENCODER)
    }

    /// Where the checkpoints are.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// Where the weights for other programs go.
    pub fn export(&self) -> PathBuf {
        self.path.join(EXPORT)
    }

    /// The figures, open for appending; lines of steps after `step` are removed first.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written.
    pub fn metrics(&self, step: u64) -> Result<MetricsLog, TrainError> {
        MetricsLog::open(self.path.join(METRICS), step)
    }

    /// Writes a picture, in place of an older one of its name.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_picture(&self, picture: &Picture) -> Result<(), TrainError> {
        let folder = self.path.join(PICTURES);
        // A run made by an older version has none.
        fs::create_dir_all(&folder).map_err(TrainError::io("make the folder", &folder))?;
        atomic::write(&folder.join(format!("{}.svg", picture.name)), picture.svg.as_bytes())
    }

    /// Writes down what the model wrote after `step`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_sample(&self, step: u64, text: &str) -> Result<(), TrainError> {
        atomic::write(&self.path.join(SAMPLES).join(format!("step-{step:08}.txt")), text.as_bytes())
    }
}
