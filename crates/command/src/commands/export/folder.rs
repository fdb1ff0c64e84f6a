//! Checks that an export may be written to a folder.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Component, Path};

use anyhow::{Context, Result, bail};
use rekindle_train::import::exported::{CONFIG, FORMAT};
use rekindle_train::run::RunFolder;
use serde_json::Value;

/// Refuses the folder of a run: an export has files of the same names, such as `vocab.json`.
pub fn check_no_run(folder: &Path) -> Result<()> {
    let run = RunFolder::at(folder);
    if run.config_path().exists() && run.checkpoints().exists() {
        bail!("{} holds a run, whose files an export would replace: give another --out", folder.display());
    }
    Ok(())
}

/// Refuses to replace files of `folder` by those in `staged`, unless it holds an earlier export.
pub fn check_files(staged: &Path, folder: &Path) -> Result<()> {
    if description(folder).is_some() {
        return Ok(());
    }
    let entries = fs::read_dir(staged).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.with_context(|| format!("cannot read {}", staged.display()))?;
    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.file_name()).collect();
    names.sort();
    // A link that leads nowhere would be replaced too.
    match names.iter().find(|name| fs::symlink_metadata(folder.join(name)).is_ok()) {
        Some(name) => bail!(
            "{} already holds {}, and no earlier export: give another --out",
            folder.display(),
            name.to_string_lossy()
        ),
        None => Ok(()),
    }
}

/// The names of the files of an earlier export in `folder`, but for its description.
pub fn earlier_files(folder: &Path) -> Vec<String> {
    let Some(description) = description(folder) else { return Vec::new() };
    let list = |key: &str| description[key].as_array().into_iter().flatten();
    let names = list("graphs").map(|graph| &graph["file"]).chain(list("beside")).chain([&description["weights"]]);
    names.filter_map(Value::as_str).filter(|name| is_plain(name)).map(str::to_owned).collect()
}

/// Whether a name is that of a file in the folder itself.
fn is_plain(name: &str) -> bool {
    Path::new(name).components().eq([Component::Normal(name.as_ref())]) && !name.starts_with('.')
}

/// The description of the export in `folder`; none without one.
fn description(folder: &Path) -> Option<Value> {
    let description: Value = serde_json::from_slice(&fs::read(folder.join(CONFIG)).ok()?).ok()?;
    (description["format"] == FORMAT).then_some(description)
}
