//! Folders: a sub-folder of texts for each class, as in `aclImdb`, or a file of lines per class.

use std::path::{Path, PathBuf};

use super::{LabelledText, TextReader, line_files};
use crate::files::entries;
use crate::{DataError, ErrorKind};

/// The sub-folder of `aclImdb` with unlabelled reviews.
const UNLABELLED: &str = "unsup";

/// Reads a folder; only its sub-folder `train`, if it has one. Unlabelled reviews are read only if no labels are
/// wanted.
///
/// # Errors
///
/// When a file cannot be read, or the folder has no classes.
pub(super) fn read(path: &Path, reader: &TextReader) -> Result<Vec<LabelledText>, DataError> {
    let encoding = reader.encoding;
    let train = path.join("train");
    let path = if train.is_dir() { &train } else { path };
    let mut texts = Vec::new();
    let found = entries(path)?;
    for folder in found.iter().filter(|entry| entry.is_dir()) {
        let label = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if label == UNLABELLED && !reader.unlabelled {
            continue;
        }
        let files = entries(folder)?;
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "txt")) {
            let place = format!("{label}/{}", file.file_name().unwrap_or_default().to_string_lossy());
            texts.push(LabelledText { text: encoding.read(file)?, label: label.clone(), place });
        }
    }
    if !texts.is_empty() {
        return Ok(texts);
    }
    // Only files that share their stem with another are classes, not notes or images such as README.1.0.
    let files: Vec<PathBuf> = found.iter().filter(|entry| is_one_of_several(entry, &found)).cloned().collect();
    if files.is_empty() {
        let message = "no sub-folder of this folder holds a .txt file, and no file name ends in a class";
        return Err(ErrorKind::Format.error(message).within(path));
    }
    line_files::read(&files, encoding)
}

/// Whether another file differs from this one only in its class.
fn is_one_of_several(path: &Path, all: &[PathBuf]) -> bool {
    let stem = |path: &Path| {
        let class = line_files::class(path).filter(|_| path.is_file())?;
        path.to_str()?.rsplit_once(&format!(".{class}")).map(|(stem, _)| stem.to_owned())
    };
    let Some(own) = stem(path) else { return false };
    all.iter().any(|other| other != path && stem(other).is_some_and(|other| other == own))
}
