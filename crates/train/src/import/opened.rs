//! A file of weights whose tensors were chosen and renamed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rekindle_weights::{Rename, WeightFile, WeightTensor, rename};

use super::WeightOptions;
use super::source::Source;
use crate::error::TaskError;

/// An opened file of weights.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub path: PathBuf,
    /// Its tensors, after `--key` and `--key-map`.
    pub tensors: BTreeMap<String, WeightTensor>,
    /// Its tables of texts: see [`WeightFile::tables`].
    pub tables: BTreeMap<String, Vec<String>>,
    /// Tensors of unsupported kinds, each with the reason.
    pub unread: BTreeMap<String, String>,
    /// The place of the file.
    pub source: Source,
}

impl Opened {
    /// Reads a file, chooses tensors and renames them.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or a name does not exist.
    pub(super) fn read(source: &Source, options: &WeightOptions) -> Result<Self, TaskError> {
        let named = |text: &String| text.parse().map_err(|e: String| format!("--key-map {text}: {e}"));
        let renames = options.key_map.iter().map(named).collect::<Result<Vec<Rename>, _>>()?;
        let path = source.path().to_owned();
        let mut file = WeightFile::open(&path)?;
        if let Some(key) = &options.key {
            file = file.within(key)?;
        }
        let (tables, unread) = (file.tables().clone(), file.unread().clone());
        let tensors = rename(file.into_tensors(), &renames)?;
        Ok(Self { path, tensors, tables, unread, source: source.clone() })
    }
}
