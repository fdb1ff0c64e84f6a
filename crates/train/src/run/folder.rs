//! The run folder.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rekindle_pictures::Picture;
use rekindle_settings::{Sections, SettingError, Table, Tables, Value, typed};
use serde::{Deserialize, Serialize};

use super::assets::{AssetReader, AssetWriter, Assets, INDEX, UNSEALED};
use super::figures::Entry;
use super::lock::{LOCK, RunLock};
use super::metrics_log::MetricsLog;
use crate::error::TrainError;
use crate::files;
use crate::tensorboard;

/// The format of run folders that this version writes; it reads this and all earlier ones. Since 2, assets are sealed
/// and some settings have other names. Since 3, `config.toml` has a last line.
pub const FORMAT: u32 = 3;

/// The last line of `config.toml`: of a file that was cut short at the end of a line, the rest is valid TOML.
const END: &str = "# End of the settings";
/// The first format with that line.
const WITH_END: i64 = 3;

const CONFIG: &str = "config.toml";
const METRICS: &str = "metrics.jsonl";
const SAMPLES: &str = "samples";
const PICTURES: &str = "pictures";
const CHECKPOINTS: &str = "checkpoints";
const EXPORT: &str = "export";
/// A file that marks a folder in which a run is being created.
const UNFINISHED: &str = "unfinished";
/// Settings of models that say how they are trained, not what they compute.
const OF_TRAINING: [&str; 2] = ["init", "kl_warmup"];
/// The ending of that folder's name.
const PARTIAL: &str = "partial";
/// The action of which errors say that it failed.
const MAKE_RUN: &str = "make a run of";

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

/// The head of `config.toml`, the same for every task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Format of the folder.
    pub format: u32,
    /// The task that created it.
    pub task: String,
    /// The version of Rekindle that created it.
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
    /// Creates the folder of a new run of the task `task`: its settings, its assets, and what `fill` adds. With
    /// `replace`, an existing run is deleted; other files in its folder never are.
    ///
    /// The folder is created under another name and renamed when it is complete: after a kill at any instant, there is
    /// no run, or one that can be resumed.
    ///
    /// # Errors
    ///
    /// When `path` holds a run (and `replace` is not set) or other files, is the working directory, or cannot be
    /// written.
    pub fn create<S: Sections, A: Assets>(
        path: impl Into<PathBuf>,
        task: &str,
        settings: &S,
        assets: &A,
        replace: bool,
        fill: impl FnOnce(&Self) -> Result<(), TrainError>,
    ) -> Result<Self, TrainError> {
        let run = Self { path: path.into() };
        run.check_room(replace)?;
        let place = Self { path: run.place()? };
        let partial = Self { path: beside(&place.path, PARTIAL) };
        partial.remove_unfinished()?;
        let made = partial.make(task, settings, assets, fill).and_then(|()| place.take_over(&partial));
        made.inspect_err(|_| {
            // A folder that a full disk cut off is useless, and takes space.
            let _ = partial.remove_unfinished();
        })?;
        Ok(run)
    }

    fn make<S: Sections, A: Assets>(
        &self,
        task: &str,
        settings: &S,
        assets: &A,
        fill: impl FnOnce(&Self) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        files::make_folder(&self.path)?;
        files::write_synced(&self.path.join(UNFINISHED), b"")?;
        for folder in [SAMPLES, PICTURES, CHECKPOINTS] {
            files::make_folder(&self.path.join(folder))?;
        }
        self.write_settings(task, settings)?;
        let mut writer = AssetWriter::new(&self.path);
        assets.save(&mut writer)?;
        writer.finish()?;
        fill(self)
    }

    /// Moves the finished folder `made` to the place of this one.
    fn take_over(&self, made: &Self) -> Result<(), TrainError> {
        let old = Self { path: beside(&self.path, "replaced") };
        if self.path.exists() && self.names()?.is_empty() {
            fs::remove_dir(&self.path).map_err(busy(&self.path))?;
        } else if self.path.exists() {
            // One may exist already, of a program that was stopped here.
            old.clear_into(&self.path)?;
            fs::rename(&self.path, &old.path).map_err(busy(&self.path))?;
        }
        rename(&made.path, &self.path)?;
        files::sync_parent(&self.path)?;
        files::remove(&self.path.join(UNFINISHED))?;
        old.clear_into(&self.path)
    }

    /// Deletes the run and its folder, if any; other files in the folder are moved to `other`.
    fn clear_into(&self, other: &Path) -> Result<(), TrainError> {
        if !self.path.exists() {
            return Ok(());
        }
        for name in self.own_files()? {
            files::remove(&self.path.join(name))?;
        }
        for name in self.names()? {
            rename(&self.path.join(&name), &other.join(name))?;
        }
        files::remove(&self.path)
    }

    /// The names of everything in the folder.
    fn names(&self) -> Result<Vec<OsString>, TrainError> {
        let entries = fs::read_dir(&self.path).map_err(TrainError::io("read", &self.path))?;
        let names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>();
        names.map_err(TrainError::io("read", &self.path))
    }

    /// The names of everything that belongs to the run.
    fn own_files(&self) -> Result<Vec<String>, TrainError> {
        // A run is also replaced if its assets cannot be listed.
        let mut names = self.assets().unwrap_or_default();
        let own = [SAMPLES, PICTURES, CHECKPOINTS, EXPORT, METRICS, INDEX, CONFIG, LOCK, UNFINISHED];
        names.extend(own.iter().chain(&UNSEALED).map(|&name| name.to_owned()));
        let others = self.names()?.into_iter().filter_map(|name| name.into_string().ok());
        names.extend(others.filter(|name| name.starts_with(tensorboard::PREFIX)));
        Ok(names)
    }

    /// Rewrites `config.toml`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(crate) fn write_settings<S: Sections>(&self, task: &str, settings: &S) -> Result<(), TrainError> {
        let head = Head { format: FORMAT, task: task.to_owned(), rekindle: env!("CARGO_PKG_VERSION").to_owned() };
        let text = toml::to_string(&Config { head, settings })
            .map_err(|e| TrainError::Malformed { path: self.path.join(CONFIG), reason: e.to_string() })?;
        files::write(&self.path.join(CONFIG), format!("{text}\n{END}\n").as_bytes())
    }

    /// Checks that a run may be created here. With `replace`, an existing run may be replaced.
    ///
    /// # Errors
    ///
    /// When the folder holds a run (and `replace` is not set, or the run is in training) or other files, is the working
    /// directory, or cannot be read.
    pub fn check_room(&self, replace: bool) -> Result<(), TrainError> {
        let mut entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(TrainError::io("read", &self.path)(e)),
        };
        let path = self.path.clone();
        match (entries.next().is_some(), self.path.join(CONFIG).exists()) {
            (false, _) => {}
            (true, false) => return Err(TrainError::NotARunFolder { path }),
            // A run that another process is training is not replaced.
            (true, true) if replace => drop(RunLock::take(&path)?),
            (true, true) => return Err(TrainError::RunExists { path }),
        }
        // The folder is replaced by another one: a shell in it would stay in the deleted one.
        let place = self.place()?;
        match env::current_dir().and_then(|current| current.canonicalize()) {
            Ok(current) if current == place => {
                let reason = "it is the working directory; give the name of a new folder with --out";
                Err(TrainError::io(MAKE_RUN, &self.path)(io::Error::other(reason)))
            }
            _ => Ok(()),
        }
    }

    /// The folder without links, if it exists, so that it can be replaced.
    fn place(&self) -> Result<PathBuf, TrainError> {
        match self.path.canonicalize() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(self.path.clone()),
            place => place.map_err(TrainError::io("read", &self.path)),
        }
    }

    /// Deletes the rest of a run whose creation here was interrupted, if any.
    fn remove_unfinished(&self) -> Result<(), TrainError> {
        if !self.path.exists() {
            return Ok(());
        }
        let names = self.names()?;
        if !names.is_empty() && !names.iter().any(|name| name == UNFINISHED) {
            return Err(TrainError::NotARunFolder { path: self.path.clone() });
        }
        // The mark goes last, so that the rest is recognised as such wherever this is interrupted.
        for name in names.iter().filter(|name| *name != UNFINISHED) {
            files::remove(&self.path.join(name))?;
        }
        files::remove(&self.path)
    }

    /// The folder of a run, which may be missing or damaged.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Opens the folder of a run.
    ///
    /// # Errors
    ///
    /// When there is no run at `path`, or it has a newer format.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TrainError> {
        let run = Self { path: path.into() };
        run.head()?;
        Ok(run)
    }

    /// The head of `config.toml`.
    ///
    /// # Errors
    ///
    /// When the file is missing, is not a run's, or has a newer format.
    pub fn head(&self) -> Result<Head, TrainError> {
        // Under its final name a run is complete, and the mark was about to be removed.
        if self.path.extension().is_some_and(|ending| ending == PARTIAL) && self.path.join(UNFINISHED).exists() {
            return Err(TrainError::Unfinished { path: self.path.clone() });
        }
        let path = self.path.join(CONFIG);
        let head: Head = self
            .config()?
            .try_into()
            .map_err(|e: toml::de::Error| TrainError::Malformed { path: path.clone(), reason: e.to_string() })?;
        if head.format > FORMAT {
            return Err(TrainError::NewerFormat { path, found: head.format, known: FORMAT });
        }
        Ok(head)
    }

    /// The settings of a run of the task `task`, checked like those of a new run.
    ///
    /// # Errors
    ///
    /// When the run is of another task, or its `config.toml` is damaged or has an invalid setting.
    pub fn settings<S: Sections>(&self, task: &'static str) -> Result<S, TrainError> {
        self.settings_with(task, Table::new())
    }

    /// The same, with the tables `given` overriding the file. If they set epochs and not steps, the file's steps are
    /// dropped.
    ///
    /// # Errors
    ///
    /// As [`settings`](Self::settings), and when a given setting is invalid.
    pub(crate) fn settings_with<S: Sections>(&self, task: &'static str, given: Table) -> Result<S, TrainError> {
        let head = self.head()?;
        if head.task != task {
            return Err(TrainError::OtherTask { path: self.path.clone(), found: head.task, wanted: task });
        }
        let mut file = self.config()?;
        let keys = Table::try_from(&head).unwrap_or_default();
        file.retain(|key, _| !keys.contains_key(key));
        let is_given = |key: &str| given.get("training").and_then(|training| training.get(key)).is_some();
        if let (true, Some(training)) = (is_given("epochs") && !is_given("steps"), file.get_mut("training")) {
            training.as_table_mut().and_then(|training| training.remove("steps"));
        }
        // Twice, so that an error says whether the file or an option is wrong.
        let in_file = S::from_tables(Tables { file: file.clone(), given: Table::new() });
        let in_file = in_file.map_err(|source| TrainError::SettingIn { path: self.path.join(CONFIG), source })?;
        if given.is_empty() { Ok(in_file) } else { Ok(S::from_tables(Tables { file, given })?) }
    }

    /// Checks that `settings` describe the model of the checkpoint, before it is allocated: sizes that were edited in
    /// `config.toml` do not fit the weights, and may need more memory than there is. Settings that only training uses
    /// may change.
    ///
    /// # Errors
    ///
    /// [`TrainError::SettingIn`] for the first setting that differs.
    pub(crate) fn check_model<S: Sections>(&self, settings: &S, checkpoint: Option<&Table>) -> Result<(), TrainError> {
        let Some(checkpoint) = checkpoint else { return Ok(()) };
        match other_model(checkpoint, &Table::try_from(settings).unwrap_or_default()).next() {
            Some((setting, [was, is])) => {
                let source = SettingError::invalid(setting, is, format!("{was}, as in the checkpoint"));
                Err(TrainError::SettingIn { path: self.path.join(CONFIG), source })
            }
            None => Ok(()),
        }
    }

    /// All tables of `config.toml`, with its head.
    ///
    /// # Errors
    ///
    /// When the file is missing or is not TOML.
    pub fn config(&self) -> Result<Table, TrainError> {
        let path = self.path.join(CONFIG);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(TrainError::NotARun { path: self.path.clone(), file: CONFIG });
            }
            Err(e) => return Err(TrainError::io("read", path)(e)),
        };
        tables(&text).map_err(|reason| TrainError::Malformed { path, reason })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the asset files.
    ///
    /// # Errors
    ///
    /// When their list cannot be read.
    pub fn assets(&self) -> Result<Vec<String>, TrainError> {
        Ok(AssetReader::open(&self.path)?.names())
    }

    /// The folder of the checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// The folder of the samples.
    pub fn samples(&self) -> PathBuf {
        self.path.join(SAMPLES)
    }

    /// The folder of the exported weights.
    pub fn export(&self) -> PathBuf {
        self.path.join(EXPORT)
    }

    /// Locks the run for training.
    ///
    /// # Errors
    ///
    /// [`TrainError::InUse`] when another process has the lock.
    pub(crate) fn lock(&self) -> Result<RunLock, TrainError> {
        RunLock::take(&self.path)
    }

    /// Opens `metrics.jsonl` for appending, after removing the lines of steps after `step`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written.
    pub fn metrics(&self, step: u64) -> Result<MetricsLog, TrainError> {
        MetricsLog::open(self.metrics_path(), step)
    }

    /// The lines of `metrics.jsonl`. Lines that are not of this kind are skipped: the last one of a run in training may
    /// be half written.
    ///
    /// # Errors
    ///
    /// When the file cannot be read. A run that has just begun has none, which is no error.
    pub fn figures(&self) -> Result<Vec<Entry>, TrainError> {
        let path = self.metrics_path();
        match fs::read(&path) {
            Ok(lines) => Ok(lines.split(|&byte| byte == b'\n').filter_map(Entry::parse).collect()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(TrainError::io("read", path)(e)),
        }
    }

    /// `metrics.jsonl`, which a run that has just begun has not.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// `config.toml`.
    pub fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// The folder of the pictures.
    pub fn pictures(&self) -> PathBuf {
        self.path.join(PICTURES)
    }

    /// Whether a process trains the run at this moment.
    pub fn is_in_training(&self) -> bool {
        RunLock::is_taken(&self.path)
    }

    /// Writes a picture; replaces an older one of the same name.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_picture(&self, picture: &Picture) -> Result<(), TrainError> {
        self.save(PICTURES, &format!("{}.svg", picture.name), &picture.svg)
    }

    /// Saves the sample generated after `step`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(crate) fn save_sample(&self, step: u64, text: &str) -> Result<(), TrainError> {
        self.save(SAMPLES, &format!("step-{step:08}.txt"), text)
    }

    fn save(&self, folder: &str, name: &str, text: &str) -> Result<(), TrainError> {
        let folder = self.path.join(folder);
        files::make_folder(&folder)?;
        files::write(&folder.join(name), text.as_bytes())
    }
}

/// All tables of the text of a `config.toml`, with its head, or of another file of settings.
///
/// # Errors
///
/// When it is not TOML, or a run's and cut short.
pub fn tables(text: &str) -> Result<Table, String> {
    let tables: Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
    let format = tables.get("format").and_then(Value::as_integer);
    // What a newer format has at its end is unknown.
    let with_end = format.is_some_and(|format| (WITH_END..=i64::from(FORMAT)).contains(&format));
    if with_end && !text.lines().any(|line| line.trim_end() == END) {
        return Err(format!("it was cut short, as it has no line \"{END}\""));
    }
    Ok(tables)
}

/// The error of replacing the folder `path`.
fn busy(path: &Path) -> impl FnOnce(io::Error) -> TrainError {
    let reason = "it is a mount point, or in use; give the name of a new folder with --out";
    move |e| {
        let is_busy = e.kind() == io::ErrorKind::ResourceBusy;
        TrainError::io(MAKE_RUN, path)(if is_busy { io::Error::other(reason) } else { e })
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), TrainError> {
    fs::rename(from, to).map_err(TrainError::io("write", to))
}

/// `runs/chars.partial` beside `runs/chars`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// The settings of two models that differ, by the names of their options, with both values; but for rates, shares and
/// [`OF_TRAINING`], with which a model computes the same.
pub(crate) fn other_model(one: &Table, other: &Table) -> impl Iterator<Item = (String, [String; 2])> {
    let [one, other] =
        [one, other].map(|tables| tables.get("model").and_then(Value::as_table).cloned().unwrap_or_default());
    let is_compared = |(key, value): &(String, Value)| !value.is_float() && !OF_TRAINING.contains(&key.as_str());
    one.into_iter().filter(is_compared).filter_map(move |(key, value)| {
        let of_other = other.get(&key).filter(|of_other| **of_other != value)?;
        Some((key.replace('_', "-"), [typed(&value), typed(of_other)]))
    })
}
