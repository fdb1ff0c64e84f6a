//! The export of a run, as `rekindle export` writes it.

use std::path::Path;

use rekindle_settings::{Sections, Table, Tables};
use rekindle_weights::FoundParts;
use serde::Deserialize;
use serde_json::Value;

use super::error::ImportError;
use super::opened::Opened;
use super::source::Source;
use super::{Found, Importable};
use crate::error::{TaskError, TrainError};
use crate::files;
use crate::run::RunFolder;
use crate::run::assets::{AssetReader, Assets};

/// The file that describes an export.
pub const CONFIG: &str = "config.json";
/// The value of `format` in it.
pub const FORMAT: &str = "rekindle-export";
/// The version that is written, and the newest that is read.
pub const VERSION: u32 = 1;
/// A run's settings, which has those of the data too.
const SETTINGS: &str = "config.toml";

/// The description of an export.
#[derive(Debug, Deserialize)]
pub(super) struct Exported {
    version: u32,
    task: String,
    weights: String,
    #[serde(default)]
    beside: Vec<String>,
    model: Value,
}

impl Exported {
    /// The description beside `source`, if that is the export's file of weights.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn of(source: &Source) -> Result<Option<Self>, TaskError> {
        let Some(path) = source.beside(CONFIG)? else { return Ok(None) };
        let name = source.path().file_name();
        Ok(Self::read(&path)?.filter(|exported| name.is_some_and(|name| name == &exported.weights[..])))
    }

    /// Reads a description; none if the file is missing, or one of another program.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is damaged or of a newer version.
    pub fn read(path: &Path) -> Result<Option<Self>, TaskError> {
        if !path.is_file() {
            return Ok(None);
        }
        let Ok(value) = serde_json::from_slice::<Value>(&files::read(path)?) else { return Ok(None) };
        if value["format"] != FORMAT {
            return Ok(None);
        }
        let path = path.to_owned();
        if value.get("graphs").is_some() {
            return Err(ImportError::Graphs { path }.into());
        }
        let exported: Self = match serde_json::from_value(value) {
            Ok(exported) => exported,
            Err(e) => return Err(TrainError::Malformed { path, reason: e.to_string() }.into()),
        };
        if exported.version > VERSION {
            return Err(TrainError::NewerFormat { path, found: exported.version, known: VERSION }.into());
        }
        let plain = |name: &&String| Path::new(name).components().count() != 1 || name.starts_with('.');
        if let Some(name) = exported.beside.iter().chain([&exported.weights]).find(plain) {
            return Err(TrainError::Malformed { path, reason: format!("{name:?} is not the name of a file") }.into());
        }
        Ok(Some(exported))
    }

    pub fn task(&self) -> &str {
        &self.task
    }

    pub fn weights(&self) -> &str {
        &self.weights
    }

    /// The model of the export, and whether the settings of its data are known too: from the run that has the export in
    /// its folder, or from a `config.toml` beside it.
    ///
    /// # Errors
    ///
    /// When it is one of another task, an asset is missing, or a setting is invalid.
    pub fn found<T: Importable>(self, file: Opened) -> Result<(Found<T>, bool), TaskError> {
        if self.task != T::NAME {
            let (path, found) = (file.path, self.task);
            return Err(ImportError::OtherTask { path, found, wanted: T::NAME }.into());
        }
        for name in &self.beside {
            let missing = || ImportError::NotBeside { path: file.path.clone(), name: name.clone() };
            file.source.beside(name)?.ok_or_else(missing)?;
        }
        let config = file.source.beside(CONFIG)?;
        let folder = config.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
        let assets = T::Assets::load(&AssetReader::open(folder)?)?;
        let mut notes = Vec::new();
        let of_run = self.settings_of_run::<T>(&file, &mut notes)?;
        let mut tables = of_run.clone().unwrap_or_default();
        let model = of_json(self.model).and_then(|model| Table::try_from(model).ok());
        let model = model.ok_or_else(|| TrainError::Malformed {
            path: folder.join(CONFIG),
            reason: "the settings of the model are not an object".to_owned(),
        })?;
        tables.insert("model".to_owned(), rekindle_settings::Value::Table(model));
        let settings = T::Settings::from_tables(Tables { file: tables, given: Table::new() });
        let in_config = |source| TrainError::SettingIn { path: folder.join(CONFIG), source };
        let parts = FoundParts { tensors: file.tensors, ..FoundParts::default() };
        Ok((Found { settings: settings.map_err(in_config)?, assets, parts, notes }, of_run.is_some()))
    }

    /// The tables of the run's `config.toml`.
    fn settings_of_run<T: Importable>(
        &self,
        file: &Opened,
        notes: &mut Vec<String>,
    ) -> Result<Option<Table>, TaskError> {
        let above = Path::new("..").join(SETTINGS);
        for name in [SETTINGS, &above.to_string_lossy()] {
            let Some(path) = file.source.beside(name)? else { continue };
            let path = path.canonicalize().unwrap_or(path);
            let run = RunFolder::at(path.parent().unwrap_or(Path::new(".")));
            let is_of_task = run.head().is_ok_and(|head| head.task == T::NAME);
            if is_of_task && let Ok(settings) = run.settings::<T::Settings>(T::NAME) {
                notes.push(format!("settings of the data and of training are those of {}", path.display()));
                return Ok(Table::try_from(settings).ok());
            }
        }
        Ok(None)
    }
}

/// A JSON value without its `null`s, which TOML does not have: settings without a value.
fn of_json(value: Value) -> Option<Value> {
    match value {
        Value::Object(mut object) => {
            object.retain(|_, value| !value.is_null());
            Some(Value::Object(object))
        }
        _ => None,
    }
}
