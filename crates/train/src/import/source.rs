//! The place of a file of weights, and of the files beside it.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ImportError;
use super::exported::{CONFIG, Exported};
use crate::error::TaskError;

/// The files beside a file of weights.
pub trait Beside: Debug + Send + Sync {
    /// The path of the file `name`, after fetching it if need be; none if there is none.
    ///
    /// # Errors
    ///
    /// When it cannot be fetched.
    fn file(&self, name: &str) -> Result<Option<PathBuf>, TaskError>;
}

/// A folder of this machine.
#[derive(Debug)]
struct Folder(PathBuf);

impl Beside for Folder {
    fn file(&self, name: &str) -> Result<Option<PathBuf>, TaskError> {
        let path = self.0.join(name);
        Ok(path.is_file().then_some(path))
    }
}

/// A file of weights to import.
#[derive(Clone, Debug)]
pub struct Source {
    file: PathBuf,
    beside: Arc<dyn Beside>,
}

impl Source {
    /// A file of this machine, or the folder of an export.
    ///
    /// # Errors
    ///
    /// When the folder has no export.
    pub fn of(path: &Path) -> Result<Self, TaskError> {
        let here = |folder: &Path, file: PathBuf| Self { file, beside: Arc::new(Folder(folder.to_owned())) };
        if path.is_dir() {
            let exported = Exported::read(&path.join(CONFIG))?;
            let exported = exported.ok_or_else(|| ImportError::NoExport { path: path.to_owned() })?;
            return Ok(here(path, path.join(exported.weights())));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(here(folder, path.to_owned()))
    }

    /// A file that was fetched from elsewhere, as those beside it are.
    pub fn fetched(file: PathBuf, beside: Arc<dyn Beside>) -> Self {
        Self { file, beside }
    }

    /// The task of the run whose export this is; none if it is no export.
    ///
    /// # Errors
    ///
    /// When the export's `config.json` cannot be read.
    pub fn task(&self) -> Result<Option<String>, TaskError> {
        Ok(Exported::of(self)?.map(|exported| exported.task().to_owned()))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// The path of a file beside it; none if there is none.
    ///
    /// # Errors
    ///
    /// When it cannot be fetched.
    pub fn beside(&self, name: &str) -> Result<Option<PathBuf>, TaskError> {
        self.beside.file(name)
    }
}
