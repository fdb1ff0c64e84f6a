//! A file of lines per class, named after it: `rt-polarity.pos` and `rt-polarity.neg`.

use std::path::{Path, PathBuf};

use super::LabelledText;
use crate::files::Encoding;
use crate::{DataError, ErrorKind};

/// Extensions of tables, and of copies of files: no classes.
const NO_CLASSES: [&str; 9] = ["csv", "tsv", "tab", "jsonl", "ndjson", "json", "gz", "bak", "txt"];

/// Reads the lines of every file as texts of the class given by its extension.
///
/// # Errors
///
/// When a file cannot be read, or has no extension or that of a table.
pub(super) fn read(paths: &[PathBuf], encoding: Encoding) -> Result<Vec<LabelledText>, DataError> {
    let mut texts = Vec::new();
    for path in paths {
        let label = class(path).ok_or_else(|| {
            ErrorKind::Format.error("a file of lines is named by its class, such as reviews.pos").within(path)
        })?;
        if NO_CLASSES.contains(&&*label.to_lowercase()) {
            let message = format!(
                "`{label}` is the extension of a table or of a copy, not a class: give one table by its path, or name \
                 it train.tsv and give its folder; a file of lines is named by its class, such as reviews.pos"
            );
            return Err(ErrorKind::Format.error(message).within(path));
        }
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        texts.extend((1..).zip(encoding.read(path)?.lines()).map(|(number, line)| LabelledText {
            text: line.to_owned(),
            label: label.clone(),
            place: format!("{shown}, line {number}"),
        }));
    }
    Ok(texts)
}

/// The class in a file name: its extension, or what precedes `.gz` or `.txt`.
pub(super) fn class(path: &Path) -> Option<String> {
    let mut name = path.file_name()?.to_str()?;
    for suffix in [".gz", ".txt"] {
        name = name.strip_suffix(suffix).unwrap_or(name);
    }
    name.rsplit_once('.')
        .map(|(stem, class)| (stem, class.trim()))
        .and_then(|(stem, class)| (!stem.is_empty() && !class.is_empty()).then(|| class.to_owned()))
}

/// The common name of the files.
pub(super) fn name(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(",")
}
