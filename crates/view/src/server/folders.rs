//! The folders that are shown, and the rule that nothing outside of them is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rekindle_train::sha256;

use super::error::ViewError;

/// Folders within folders that are searched for runs.
const DEPTH: usize = 5;
/// Folders and files that are looked at in a search.
const ENTRIES: usize = 50_000;
/// The most runs that are shown.
const RUNS: usize = 1000;
/// The file that makes a folder a run.
const CONFIG: &str = "config.toml";
/// Digits of a run's id.
const ID: usize = 16;
/// Folders within a run that are checked for links.
const RUN_DEPTH: usize = 4;

/// The folders that were given.
#[derive(Debug)]
pub(super) struct Folders {
    given: Vec<PathBuf>,
    /// Without links, in the same order.
    roots: Vec<PathBuf>,
}

/// A run that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its id in addresses.
    pub id: String,
    /// Its folder, without links.
    pub path: PathBuf,
    /// A short name that no other run has.
    pub name: String,
}

impl Folders {
    pub fn open(given: &[PathBuf]) -> Result<Self, ViewError> {
        let root = |path: &PathBuf| {
            let folder = fs::canonicalize(path).and_then(|root| fs::read_dir(&root).map(|_| root));
            folder.map_err(|source| ViewError::Folder { path: path.clone(), source })
        };
        Ok(Self { given: given.to_vec(), roots: given.iter().map(root).collect::<Result<_, _>>()? })
    }

    /// The folders as given.
    pub fn given(&self) -> &[PathBuf] {
        &self.given
    }

    /// Whether a file or folder is in one of the folders, wherever links lead.
    pub fn hold(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|path| self.roots.iter().any(|root| path.starts_with(root)))
    }

    /// The same of a file in a run, which is usually no link.
    pub fn hold_file(&self, path: &Path) -> bool {
        fs::symlink_metadata(path)
            .is_ok_and(|file| file.is_file() || file.is_symlink() && self.hold(path) && path.is_file())
    }

    /// The first file of a run that links lead out of the folders.
    pub fn link_out(&self, run: &Path) -> Option<PathBuf> {
        let mut waiting = vec![(run.to_owned(), 0)];
        let mut seen = 0;
        while let Some((folder, depth)) = waiting.pop() {
            for entry in fs::read_dir(folder).ok()?.flatten() {
                seen += 1;
                let (path, kind) = (entry.path(), entry.file_type().ok()?);
                if kind.is_symlink() && !self.hold(&path) {
                    return Some(path);
                }
                if kind.is_dir() && depth < RUN_DEPTH && seen < ENTRIES {
                    waiting.push((path, depth + 1));
                }
            }
        }
        None
    }

    /// All runs in the folders, in the order of their paths. Links are not followed.
    pub fn runs(&self) -> Vec<Found> {
        let mut found: BTreeMap<PathBuf, String> = BTreeMap::new();
        let mut left = ENTRIES;
        for root in &self.roots {
            let mut waiting = vec![(root.clone(), 0)];
            while let Some((folder, depth)) = waiting.pop() {
                if found.len() == RUNS || left == 0 {
                    break;
                }
                if fs::symlink_metadata(folder.join(CONFIG)).is_ok() {
                    let within = folder.strip_prefix(root).unwrap_or(&folder);
                    let own =
                        if within.as_os_str().is_empty() { folder.file_name().map(Path::new) } else { Some(within) };
                    let name = own.unwrap_or(&folder).to_string_lossy().into_owned();
                    found.entry(folder).or_insert(name);
                    continue;
                }
                let Ok(entries) = fs::read_dir(&folder) else { continue };
                for entry in entries.flatten().take(left) {
                    left -= 1;
                    let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                    if depth < DEPTH && !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                        waiting.push((entry.path(), depth + 1));
                    }
                }
            }
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        found.values().for_each(|name| *counts.entry(name.clone()).or_default() += 1);
        let run = |(path, name): (PathBuf, String)| {
            let mut id = sha256([path.as_os_str().as_encoded_bytes()]);
            id.truncate(ID);
            let name = if counts[&name] > 1 { path.to_string_lossy().into_owned() } else { name };
            Found { id, path, name }
        };
        found.into_iter().map(run).collect()
    }
}

#[cfg(test)]
mod tests;
