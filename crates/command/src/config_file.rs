//! Files of settings: recipes, and the `config.toml` of runs.

#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use rekindle_settings::{Table, Value, line_of};
use rekindle_train::registry::Registered;
use rekindle_train::{TrainError, run, tasks};

/// A file of settings: the tables of a run's `config.toml`, any of which may be missing.
pub struct ConfigFile {
    path: PathBuf,
    text: String,
    /// The task whose settings they are, where the file has it.
    task: Option<String>,
    tables: Table,
}

impl ConfigFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!(error).context(format!("cannot read {shown}{}", beside(path))),
            _ => anyhow!(error).context(format!("cannot read {shown}")),
        })?;
        let mut tables = run::tables(&text).map_err(|reason| anyhow!("{shown} cannot be read: {reason}"))?;
        // The head of a run's file is not part of the settings.
        ["format", "rekindle"].iter().for_each(|key| drop(tables.remove(*key)));
        let task = match tables.remove("task") {
            Some(Value::String(task)) => Some(task),
            Some(other) => bail!("{shown}: `task` must be the name of a task, and is {other}"),
            None => None,
        };
        Ok(Self { path: path.to_owned(), text, task, tables })
    }

    /// Its settings, for the task `task`.
    pub fn settings(&self, task: &dyn Registered) -> Result<Table> {
        match &self.task {
            Some(other) if other != task.name() => {
                bail!("{} holds settings of `{other}`, not of `{}`", self.path.display(), task.name())
            }
            _ => Ok(self.tables.clone()),
        }
    }

    /// Adds to `error` the file, and its line if an invalid setting stands there.
    pub fn explain(&self, error: TrainError) -> anyhow::Error {
        let file = self.path.display();
        let line = match &error {
            TrainError::Setting(error) => line_of(&self.text, error),
            _ => None,
        };
        let place = line.map_or_else(|| format!("with the settings of {file}"), |line| format!("{file}, line {line}"));
        anyhow::Error::from(error).context(place)
    }
}

/// The TOML files that are where `path` is not, in words.
fn beside(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = entries.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let mut names: Vec<_> = files.filter_map(|path| Some(path.file_name()?.display().to_string())).collect();
    names.sort();
    if names.is_empty() { String::new() } else { format!(" (in {} there are {})", folder.display(), names.join(", ")) }
}

/// The arguments of the program, with the name of the task where `train --config FILE` leaves it to the file.
pub fn with_task(mut arguments: Vec<OsString>) -> Result<Vec<OsString>> {
    let is_option = |argument: &OsString| argument.as_encoded_bytes().starts_with(b"-");
    // The options before a command, such as `-q`, take no values.
    let command = arguments.iter().skip(1).take_while(|argument| is_option(argument)).count() + 1;
    let train = arguments.get(command).is_some_and(|name| name == "train");
    let left_out = train && arguments.get(command + 1).is_some_and(is_option);
    // A resumed run has its settings, and `train` refuses the two options together.
    if !left_out || arguments.iter().any(|argument| argument == "--resume") {
        return Ok(arguments);
    }
    if let Some(path) = config_of(&arguments) {
        let file = ConfigFile::read(Path::new(path))?;
        let names = || tasks::ALL.iter().map(|task| task.name()).collect::<Vec<_>>().join(", ");
        let task = file.task.with_context(|| {
            let shown = path.display();
            format!("{shown} does not say its task: write `task = \"NAME\"` at its top, NAME being one of {}", names())
        })?;
        if !tasks::ALL.iter().any(|known| known.name() == task) {
            bail!("{}: there is no task `{task}`; there are {}", path.display(), names());
        }
        arguments.insert(command + 1, task.into());
    }
    Ok(arguments)
}

/// The value of `--config`.
fn config_of(arguments: &[OsString]) -> Option<&OsStr> {
    let after = |(at, argument): (usize, &OsString)| (argument == "--config").then(|| arguments.get(at + 1))?;
    let separate = arguments.iter().enumerate().find_map(after).map(OsString::as_os_str);
    separate
        .or_else(|| arguments.iter().find_map(|argument| argument.to_str()?.strip_prefix("--config=")).map(OsStr::new))
}
