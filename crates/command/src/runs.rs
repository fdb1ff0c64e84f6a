//! Finding runs: `latest`, and those in a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use rekindle_train::run::RunFolder;

/// Where runs are, unless folders are given.
pub const RUNS: &str = "runs";
/// In place of a run: the one in [`RUNS`] that was trained last.
const LATEST: &str = "latest";
/// How deep runs are in a folder: `runs/sweep/learning-rate=0.01`.
const DEPTH: usize = 3;

/// A run in a folder.
#[derive(Debug)]
pub struct Found {
    /// Its folder.
    pub path: PathBuf,
    /// When its figures were last written; for a run without figures, its settings.
    pub trained: SystemTime,
}

/// The folder of a run, as it was given or [`LATEST`].
pub fn folder(given: &Path) -> Result<PathBuf> {
    if given != Path::new(LATEST) || given.exists() {
        return Ok(given.to_owned());
    }
    let newest = found(&[PathBuf::from(RUNS)]).into_iter().next();
    newest.map(|run| run.path).with_context(|| {
        format!("{LATEST}: there is no run in `{RUNS}` here; give the folder of a run, or train one: rekindle train")
    })
}

/// Opens a run, as it was given or [`LATEST`].
pub fn open(given: &Path) -> Result<RunFolder> {
    Ok(RunFolder::open(folder(given)?)?)
}

/// Refuses to make the run `out` of `inputs`, which are files and folders, where one would replace the other: `out` is
/// an input, is inside of one or contains it.
pub fn check_apart<'p>(out: &Path, inputs: impl IntoIterator<Item = &'p Path>) -> Result<()> {
    let place = canonical(out);
    for input in inputs {
        let read = canonical(input);
        let relation = match (place.starts_with(&read), read.starts_with(&place)) {
            (false, false) => continue,
            (true, true) => "is",
            (true, false) => "is inside of",
            (false, true) => "contains",
        };
        let (out, input) = (out.display(), input.display());
        bail!("--out {out}: it {relation} {input}, which the new run is made from: give another --out");
    }
    Ok(())
}

/// A path without links, as far as it exists.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => canonical(Path::new(".")).join(name),
        (Some(parent), Some(name)) => canonical(parent).join(name),
        _ => path.to_owned(),
    })
}

/// The folders to find runs in: those that were given, or [`RUNS`].
pub fn folders(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    match given {
        [] if !Path::new(RUNS).is_dir() => {
            bail!("there is no folder `{RUNS}` here: give the folder of a run, or one with runs in it")
        }
        [] => Ok(vec![PathBuf::from(RUNS)]),
        given => {
            let folders = given.iter().map(|path| folder(path)).collect::<Result<Vec<_>>>()?;
            match folders.iter().find(|folder| !folder.is_dir()) {
                Some(missing) => bail!("{}: there is no such folder", missing.display()),
                None => Ok(folders),
            }
        }
    }
}

/// The runs in these folders, the last trained first. Links are not followed.
pub fn found(folders: &[PathBuf]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut waiting: Vec<(PathBuf, usize)> = folders.iter().map(|folder| (folder.clone(), 0)).collect();
    while let Some((path, depth)) = waiting.pop() {
        let run = RunFolder::at(&path);
        let changed = |file: PathBuf| fs::metadata(file).and_then(|file| file.modified()).ok();
        // Without this file it is no run.
        if let Some(made) = changed(run.config_path()) {
            if run.head().is_ok() {
                found.push(Found { trained: changed(run.metrics_path()).unwrap_or(made), path });
            }
            continue;
        }
        let entries = fs::read_dir(&path).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        if depth < DEPTH {
            waiting.extend(folders.map(|entry| (entry.path(), depth + 1)));
        }
    }
    found.sort_by(|a, b| b.trained.cmp(&a.trained).then_with(|| a.path.cmp(&b.path)));
    found
}

#[cfg(test)]
mod tests;
