//! Checks that an export may be written to a folder.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

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
    if holds_export(folder) {
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

/// Whether the description of an export is in `folder`.
fn holds_export(folder: &Path) -> bool {
    let description = fs::read(folder.join(CONFIG)).ok();
    let description: Option<Value> = description.and_then(|text| serde_json::from_slice(&text).ok());
    description.is_some_and(|description| description["format"] == FORMAT)
}
