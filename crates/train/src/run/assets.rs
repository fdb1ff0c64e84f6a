//! Assets: what a model needs in addition to settings and weights, such as its vocabulary.
//!
//! They are files in the run folder. `assets.json` lists each with its length and SHA-256; a file that has changed is
//! rejected, by name. Runs of version 0.1 have no such list, and their files are not checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{TaskError, TrainError};
use crate::files::{self, Seal};

/// The list of the assets.
pub(super) const INDEX: &str = "assets.json";
/// The format of that list.
const FORMAT: u32 = 1;
/// The assets that a run of version 0.1 may have.
pub(super) const UNSEALED: [&str; 3] = ["vocab.json", "images.json", "encoder.safetensors"];

/// What a model needs in addition to settings and weights. `()` for nothing.
pub trait Assets: Sized {
    /// Writes the assets into a new run.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    fn save(&self, to: &mut AssetWriter<'_>) -> Result<(), TaskError>;

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// When a file is missing, damaged or invalid.
    fn load(from: &AssetReader) -> Result<Self, TaskError>;
}

impl Assets for () {
    fn save(&self, _: &mut AssetWriter<'_>) -> Result<(), TaskError> {
        Ok(())
    }

    fn load(_: &AssetReader) -> Result<Self, TaskError> {
        Ok(())
    }
}

/// Implements [`Assets`] for a vocabulary with its own file format: `vocab.json`.
macro_rules! vocabulary_file {
    ($vocabulary:ty) => {
        impl $crate::run::assets::Assets for $vocabulary {
            fn save(&self, to: &mut $crate::run::assets::AssetWriter<'_>) -> Result<(), $crate::TaskError> {
                to.write_with("vocab.json", |path| self.save(path))
            }

            fn load(from: &$crate::run::assets::AssetReader) -> Result<Self, $crate::TaskError> {
                Ok(Self::load(from.checked("vocab.json")?)?)
            }
        }
    };
}

pub(crate) use vocabulary_file;

#[derive(Serialize, Deserialize)]
struct Index {
    format: u32,
    files: BTreeMap<String, Seal>,
}

/// Writes assets into the folder of a run.
#[derive(Debug)]
pub struct AssetWriter<'a> {
    folder: &'a Path,
    files: BTreeMap<String, Seal>,
}

impl<'a> AssetWriter<'a> {
    pub(super) fn new(folder: &'a Path) -> Self {
        Self { folder, files: BTreeMap::new() }
    }

    /// Writes the file `name`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
        files::write(&self.folder.join(name), bytes)?;
        self.files.insert(name.to_owned(), Seal::of(bytes));
        Ok(())
    }

    /// Writes `value` as a JSON file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_json(&mut self, name: &str, value: &impl Serialize) -> Result<(), TaskError> {
        Ok(self.write(name, &serde_json::to_vec_pretty(value)?)?)
    }

    /// Calls `save` to write the file `name` to the path that it is given.
    ///
    /// # Errors
    ///
    /// When `save` fails or does not write the file.
    pub fn write_with<E: Into<TaskError>>(
        &mut self,
        name: &str,
        save: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), TaskError> {
        let path = self.folder.join(name);
        save(&path).map_err(Into::into)?;
        self.files.insert(name.to_owned(), Seal::of(&files::read(&path)?));
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), TrainError> {
        let index = Index { format: FORMAT, files: self.files };
        let json = serde_json::to_vec_pretty(&index).expect("names and numbers can be written as JSON");
        files::write(&self.folder.join(INDEX), &json)
    }
}

/// Reads the assets of a run.
#[derive(Debug)]
pub struct AssetReader {
    folder: PathBuf,
    /// None for a run of version 0.1.
    seals: Option<BTreeMap<String, Seal>>,
}

impl AssetReader {
    /// Opens the assets in the folder of a run.
    ///
    /// # Errors
    ///
    /// When their list cannot be read or is of a newer version.
    pub fn open(folder: &Path) -> Result<Self, TrainError> {
        let (folder, path) = (folder.to_owned(), folder.join(INDEX));
        if !path.exists() {
            return Ok(Self { folder, seals: None });
        }
        let malformed = |e: serde_json::Error| TrainError::Malformed { path: path.clone(), reason: e.to_string() };
        let index: Index = serde_json::from_slice(&files::read(&path)?).map_err(malformed)?;
        if index.format > FORMAT {
            return Err(TrainError::NewerFormat { path, found: index.format, known: FORMAT });
        }
        Ok(Self { folder, seals: Some(index.files) })
    }

    /// The names of the asset files.
    pub fn names(&self) -> Vec<String> {
        match &self.seals {
            Some(seals) => seals.keys().cloned().collect(),
            None => UNSEALED.iter().filter(|name| self.path(name).exists()).map(|&name| name.to_owned()).collect(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The path of the file `name`, after checking its content.
    ///
    /// # Errors
    ///
    /// When the file is missing, not in the list, or different from the one that was written.
    pub fn checked(&self, name: &str) -> Result<PathBuf, TrainError> {
        self.bytes(name)?;
        Ok(self.path(name))
    }

    /// The content of the file `name`.
    ///
    /// # Errors
    ///
    /// As [`checked`](Self::checked).
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, TrainError> {
        let path = self.path(name);
        let bytes = files::read(&path)?;
        if let Some(seals) = &self.seals {
            let unlisted = || self.malformed(INDEX, format!("no {name} is listed"));
            seals.get(name).ok_or_else(unlisted)?.check(&path, &bytes)?;
        }
        Ok(bytes)
    }

    /// Parses the JSON file `name`.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes), and when it does not hold such a value.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, TrainError> {
        serde_json::from_slice(&self.bytes(name)?).map_err(|e| self.malformed(name, e.to_string()))
    }

    /// The error for a file `name` with invalid content.
    pub fn malformed(&self, name: &str, reason: impl Into<String>) -> TrainError {
        TrainError::Malformed { path: self.path(name), reason: reason.into() }
    }
}
