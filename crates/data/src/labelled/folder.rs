//! Folders: a sub-folder of texts for each class, as in `aclImdb`, or a file of lines for each.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Encoding, LabelledError, LabelledText, line_files};
use crate::Error;

/// The sub-folder of `aclImdb` whose reviews have no label.
const UNLABELLED: &str = "unsup";

/// Reads a folder; its part `train` alone, where it has one.
///
/// # Errors
///
/// When a file cannot be read, or nothing in the folder has a class.
pub(super) fn read(path: &Path, encoding: Encoding) -> Result<Vec<LabelledText>, Error> {
    let train = path.join("train");
    let path = if train.is_dir() { &train } else { path };
    let mut texts = Vec::new();
    let entries = entries(path)?;
    for folder in entries.iter().filter(|entry| entry.is_dir()) {
        let label = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if label == UNLABELLED {
            continue;
        }
        let files = self::entries(folder)?;
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "txt")) {
            let place = format!("{label}/{}", file.file_name().unwrap_or_default().to_string_lossy());
            texts.push(LabelledText { text: encoding.read(file)?, label: label.clone(), place });
        }
    }
    if !texts.is_empty() {
        return Ok(texts);
    }
    // Files of notes, such as README.1.0 and pictures, are no classes: only those that share their name with another.
    let files: Vec<PathBuf> = entries.iter().filter(|entry| is_one_of_several(entry, &entries)).cloned().collect();
    if files.is_empty() {
        return Err(LabelledError::NoClassFolders { path: path.to_owned() }.into());
    }
    line_files::read(&files, encoding)
}

/// Whether another file differs from this one in its class alone.
fn is_one_of_several(path: &Path, all: &[PathBuf]) -> bool {
    let stem = |path: &Path| {
        let class = line_files::class(path).filter(|_| path.is_file())?;
        path.to_str()?.rsplit_once(&format!(".{class}")).map(|(stem, _)| stem.to_owned())
    };
    let Some(own) = stem(path) else { return false };
    all.iter().any(|other| other != path && stem(other).is_some_and(|other| other == own))
}

/// What is in a folder, sorted by name as a person would: `2_1.txt` before `10_1.txt`.
fn entries(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = || -> std::io::Result<Vec<PathBuf>> { fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect() };
    let mut entries = read().map_err(|e| Error::read(path.to_owned(), e))?;
    alphanumeric_sort::sort_path_slice(&mut entries);
    Ok(entries)
}
