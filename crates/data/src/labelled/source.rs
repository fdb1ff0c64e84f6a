//! Where labelled texts are, and how they are read.

use std::path::{Path, PathBuf};

use super::{Encoding, LabelledError, LabelledTexts, Reviews, folder, json_lines, line_files, table};
use crate::Error;

/// How labelled texts are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextReader {
    /// The encoding of files.
    pub encoding: Encoding,
    /// The column of the texts, by name, or by number from 1 in a table without header.
    pub text_column: Option<String>,
    /// The column of the labels, by name, or by number from 1 in a table without header.
    pub label_column: Option<String>,
}

/// Where labelled texts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledSource(Place);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Builtin,
    Path(PathBuf),
    /// A file of lines for each class.
    LineFiles(Vec<PathBuf>),
}

impl LabelledSource {
    /// Reads `PATH`, `PATH,PATH` (a file of lines for each class) or `builtin:reviews`.
    ///
    /// # Errors
    ///
    /// When it names nothing, or a built-in set that there is not.
    pub fn parse(text: &str) -> Result<Self, LabelledError> {
        if let Some(name) = text.strip_prefix("builtin:") {
            return match name {
                Reviews::NAME => Ok(Self(Place::Builtin)),
                _ => Err(LabelledError::NoSuchBuiltin { name: name.to_owned() }),
            };
        }
        let paths: Vec<PathBuf> = text.split(',').map(PathBuf::from).collect();
        if paths.iter().any(|path| path.as_os_str().is_empty()) {
            return Err(LabelledError::NoSource { text: text.to_owned() });
        }
        match <[PathBuf; 1]>::try_from(paths) {
            Ok([path]) => Ok(Self(Place::Path(path))),
            Err(paths) => Ok(Self(Place::LineFiles(paths))),
        }
    }

    /// Reads the texts.
    ///
    /// A path is a table (`.csv`; `.tsv` or `.txt` with tabs; `.jsonl`, `.ndjson`; each also with `.gz`), a folder with a
    /// sub-folder of `.txt` files for each class (in it `train`, where there is one, as in `aclImdb`; reviews without a
    /// label, `unsup`, are left out), or a folder of files of lines, `NAME.CLASS`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is malformed, a column is missing, or there is no text.
    pub fn read(&self, reader: &TextReader) -> Result<LabelledTexts, Error> {
        let (name, texts) = match &self.0 {
            Place::Builtin => return Ok(Reviews::texts()),
            Place::LineFiles(paths) => (line_files::name(paths), line_files::read(paths, reader.encoding)?),
            Place::Path(path) if path.is_dir() => (path.display().to_string(), folder::read(path, reader.encoding)?),
            Place::Path(path) => (path.display().to_string(), file(path, reader)?),
        };
        Ok(LabelledTexts::new(name, texts)?)
    }
}

fn file(path: &Path, reader: &TextReader) -> Result<Vec<super::LabelledText>, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let kind = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match kind {
        "csv" => table::read(path, b',', reader),
        "tsv" | "txt" | "tab" => table::read(path, b'\t', reader),
        "jsonl" | "ndjson" => json_lines::read(path, reader),
        // A file that is not there is named as such, whatever its name.
        _ if !path.exists() => reader.encoding.read(path).map(|_| Vec::new()),
        _ => Err(LabelledError::UnknownKind { path: path.to_owned() }.into()),
    }
}
