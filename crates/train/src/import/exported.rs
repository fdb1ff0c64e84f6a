//! The export of a run, as `rekindle export` writes it.

use std::path::{Path, PathBuf};

use rekindle_settings::{Sections, Table};
use rekindle_weights::FoundParts;
use serde::Deserialize;
use serde_json::Value;

use super::data::{self, DATA};
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
/// A run's settings, those of the data and their paths included.
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
    /// The settings of the data; earlier versions wrote none.
    #[serde(default)]
    data: Option<Value>,
}

/// The settings of the run of an export, without those of its model.
#[derive(Debug)]
pub(super) struct OfRun<S> {
    /// The settings. Those that `origin` does not have are the defaults.
    pub settings: S,
    /// Where they are from.
    pub origin: Origin,
}

/// Where the settings of an export's data are from.
#[derive(Debug)]
pub(super) enum Origin {
    /// This `config.toml` of the run. It has the paths of the data too.
    Run(PathBuf),
    /// The export's `config.json`.
    Export,
    /// None: they are the defaults.
    Defaults,
}

impl Origin {
    /// A note for the user, unless the export has the settings. `training` says whether those of training are from
    /// there too.
    pub fn note(&self, training: bool) -> Option<String> {
        match self {
            Self::Run(path) => {
                let which = if training { "the data and of training" } else { "the data" };
                Some(format!("settings of {which} are those of {}", path.display()))
            }
            Self::Export => None,
            Self::Defaults => Some(
                "settings of the data are the defaults: the export has none, and there is no config.toml beside it"
                    .to_owned(),
            ),
        }
    }
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

    /// The model of the export, and where the settings of its data are from.
    ///
    /// # Errors
    ///
    /// When it is one of another task, an asset is missing, or a setting is invalid.
    pub fn found<T: Importable>(&self, file: Opened) -> Result<(Found<T>, Origin), TaskError> {
        if self.task != T::NAME {
            let (path, found) = (file.path, self.task.clone());
            return Err(ImportError::OtherTask { path, found, wanted: T::NAME }.into());
        }
        for name in &self.beside {
            let missing = || ImportError::NotBeside { path: file.path.clone(), name: name.clone() };
            file.source.beside(name)?.ok_or_else(missing)?;
        }
        let config = config_of(&file.source)?;
        let assets = T::Assets::load(&AssetReader::open(config.parent().unwrap_or(Path::new(".")))?)?;
        let OfRun { settings, origin } = self.of_run::<T>(&file.source)?;
        let model = to_table(&self.model, &config, "the model")?;
        let in_config = |source| TrainError::SettingIn { path: config.clone(), source };
        let settings = data::replaced(&settings, "model", model).map_err(in_config)?;
        if matches!(origin, Origin::Export) {
            settings.validate().map_err(in_config)?;
        }
        let parts = FoundParts { tensors: file.tensors, ..FoundParts::default() };
        let notes = origin.note(true).into_iter().collect();
        Ok((Found { settings, assets, parts, notes }, origin))
    }

    /// The settings of the run but for the model's: of the run that has the export in its folder, or of a `config.toml`
    /// beside it; else of the data alone, as the export carries them.
    ///
    /// # Errors
    ///
    /// When the export carries settings that no run of the task has.
    pub fn of_run<T: Importable>(&self, source: &Source) -> Result<OfRun<T::Settings>, TaskError> {
        let above = Path::new("..").join(SETTINGS);
        for name in [SETTINGS, &above.to_string_lossy()] {
            let Some(path) = source.beside(name)? else { continue };
            let path = path.canonicalize().unwrap_or(path);
            let run = RunFolder::at(path.parent().unwrap_or(Path::new(".")));
            let is_of_task = run.head().is_ok_and(|head| head.task == T::NAME);
            if is_of_task && let Ok(settings) = run.settings::<T::Settings>(T::NAME) {
                return Ok(OfRun { settings, origin: Origin::Run(path) });
            }
        }
        let settings = T::Settings::default();
        let Some(carried) = &self.data else { return Ok(OfRun { settings, origin: Origin::Defaults }) };
        let config = config_of(source)?;
        let carried = to_table(carried, &config, "the data")?;
        if let Some(key) = data::foreign(&T::Settings::sections(), &carried) {
            let reason = format!("`{key}` in `data`: an export has no paths and no settings of a machine; remove it");
            return Err(TrainError::Malformed { path: config, reason }.into());
        }
        let settings = data::replaced(&settings, DATA, carried);
        let settings = settings.map_err(|source| TrainError::SettingIn { path: config, source })?;
        Ok(OfRun { settings, origin: Origin::Export })
    }
}

/// The path of the description beside an export's weights.
fn config_of(source: &Source) -> Result<PathBuf, TaskError> {
    Ok(source.beside(CONFIG)?.unwrap_or_else(|| CONFIG.into()))
}

/// The settings in a description.
fn to_table(settings: &Value, config: &Path, of: &str) -> Result<Table, TrainError> {
    let table = of_json(settings.clone()).and_then(|settings| Table::try_from(settings).ok());
    table.ok_or_else(|| TrainError::Malformed {
        path: config.to_owned(),
        reason: format!("the settings of {of} are not an object"),
    })
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
