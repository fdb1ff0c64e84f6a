//! Where labelled texts are, and how they are read.

use std::path::{Path, PathBuf};

use super::{LabelledText, LabelledTexts, Reviews, folder, json_lines, line_files, table};
use crate::files::Encoding;
use crate::table::Dialect;
use crate::{DataError, ErrorKind, builtin, files};

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
    pub fn parse(text: &str) -> Result<Self, DataError> {
        if builtin::parse(text, "built-in set of labelled texts", &[(Reviews::NAME, ())])?.is_some() {
            return Ok(Self(Place::Builtin));
        }
        let paths: Vec<PathBuf> = text.split(',').map(PathBuf::from).collect();
        if paths.iter().any(|path| path.as_os_str().is_empty()) {
            let message = format!("`{text}` does not name labelled texts: want PATH, PATH,PATH or builtin:reviews");
            return Err(ErrorKind::Setting.error(message));
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
    /// label, `unsup`, are left out), a folder with a table `train` (`train.tsv`, say), or a folder of files of lines,
    /// `NAME.CLASS`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is malformed, a column is missing, or there is no text.
    pub fn read(&self, reader: &TextReader) -> Result<LabelledTexts, DataError> {
        let (name, texts) = match &self.0 {
            Place::Builtin => return Ok(Reviews::texts()),
            Place::LineFiles(paths) => (line_files::name(paths), line_files::read(paths, reader.encoding)?),
            Place::Path(path) => {
                let table = train_table(path);
                let path = table.as_ref().unwrap_or(path);
                let texts = if path.is_dir() { folder::read(path, reader.encoding)? } else { file(path, reader)? };
                (path.display().to_string(), texts)
            }
        };
        LabelledTexts::new(name, texts)
    }
}

/// The table of a folder that has one to train on, as `train.tsv` beside `dev.tsv`.
fn train_table(folder: &Path) -> Option<PathBuf> {
    ["csv", "tsv", "jsonl", "ndjson"].iter().find_map(|kind| files::existing(&folder.join(format!("train.{kind}"))))
}

fn file(path: &Path, reader: &TextReader) -> Result<Vec<LabelledText>, DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let kind = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match kind {
        "csv" => table::read(path, Dialect::CSV, reader),
        "tsv" | "txt" | "tab" => table::read(path, Dialect::TSV, reader),
        "jsonl" | "ndjson" => json_lines::read(path, reader),
        // A file that is not there is named as such, whatever its name.
        _ if !path.exists() => reader.encoding.read(path).map(|_| Vec::new()),
        _ => {
            let message = "not known by its name; labelled texts are in .csv, .tsv, .jsonl (or these with .gz), in a folder \
                           with a sub-folder for each class, or in a file for each class (a.pos,a.neg)";
            Err(ErrorKind::Format.error(message).within(path))
        }
    }
}
