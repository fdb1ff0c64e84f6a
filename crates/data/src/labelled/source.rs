//! Sources of labelled texts, and settings for reading them.

use std::path::{Path, PathBuf};

use super::{LabelledText, LabelledTexts, Reviews, folder, json_lines, line_files, table};
use crate::alias::Alias;
use crate::files::Encoding;
use crate::table::Dialect;
use crate::{DataError, ErrorKind, Part, builtin, files};

/// Settings for reading labelled texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextReader {
    /// The encoding of files.
    pub encoding: Encoding,
    /// The text column, by name, or by number from 1 in a table without a header.
    pub text_column: Option<String>,
    /// The label column, by name, or by number from 1 in a table without a header.
    pub label_column: Option<String>,
    /// Alternative spellings of labels.
    pub aliases: Vec<Alias>,
    /// Labels are neither needed nor read, except those that are names of files and folders. Unlabelled reviews of
    /// `aclImdb` are read too.
    pub unlabelled: bool,
}

/// The source of labelled texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledSource(Place);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Builtin,
    Path(PathBuf),
    /// A file of lines per class.
    LineFiles(Vec<PathBuf>),
}

impl LabelledSource {
    /// Parses `PATH`, `PATH,PATH` (a file of lines per class) or `builtin:reviews`.
    ///
    /// # Errors
    ///
    /// When it names nothing, or a built-in set that does not exist.
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
    /// A path is a table (`.csv`; `.tsv` or `.txt` with tabs; `.jsonl`, `.ndjson`; each also with `.gz`), a folder with
    /// a sub-folder of `.txt` files for each class (of its sub-folder `train`, if any, as in `aclImdb`; unlabelled
    /// reviews in `unsup` are skipped), a folder with a table `train`, as `train.tsv` (see [`part`](Self::part) for its
    /// other tables), or a folder of files of lines, `NAME.CLASS`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is malformed, a column is missing, or there is no text.
    pub fn read(&self, reader: &TextReader) -> Result<LabelledTexts, DataError> {
        let (name, texts) = match &self.0 {
            Place::Builtin => return Ok(Reviews::texts()),
            Place::LineFiles(paths) => (line_files::name(paths), line_files::read(paths, reader.encoding)?),
            Place::Path(path) => {
                let table = table_of(path, Part::Train);
                let path = table.as_ref().unwrap_or(path);
                let texts = if path.is_dir() { folder::read(path, reader)? } else { file(path, reader)? };
                (path.display().to_string(), texts)
            }
        };
        let mut texts = LabelledTexts::new(name, texts)?;
        for text in &mut texts.texts {
            text.label = Alias::resolve(&reader.aliases, &text.label).to_owned();
        }
        Ok(texts)
    }

    /// This source, unless it is a folder divided into splits, of which [`read`](Self::read) returns the training
    /// texts. For an evaluation, which needs the split that was meant; `option` gave the source.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setting`] for a folder with a table or a sub-folder `train`. It lists the splits.
    pub fn undivided(self, option: &str) -> Result<Self, DataError> {
        let Place::Path(folder) = &self.0 else { return Ok(self) };
        if self.part(Part::Train).is_none() {
            return Ok(self);
        }
        let splits = [Part::Validation, Part::Test, Part::Train].into_iter().filter_map(|part| self.part(part)?.path());
        let splits: Vec<String> = splits.map(|path| format!("{option} {}", path.display())).collect();
        let message = format!("this folder is divided into splits; give one of them: {}", splits.join(" or "));
        Err(ErrorKind::Setting.error(message).within(folder))
    }

    fn path(self) -> Option<PathBuf> {
        match self.0 {
            Place::Path(path) => Some(path),
            Place::Builtin | Place::LineFiles(_) => None,
        }
    }

    /// The texts of another split beside the training texts of a folder, if any: its table `dev.tsv` or `test.csv`,
    /// for instance, or the folder `test` beside `train`.
    pub fn part(&self, part: Part) -> Option<Self> {
        let Place::Path(folder) = &self.0 else { return None };
        let folders = || part.names().iter().map(|name| folder.join(name));
        let inside = || folders().find(|inside| inside.is_dir()).filter(|_| folder.join(Part::Train.name()).is_dir());
        table_of(folder, part).or_else(inside).map(|path| Self(Place::Path(path)))
    }
}

/// The table of a split in a folder: `train.tsv`, `dev.tsv`.
fn table_of(folder: &Path, part: Part) -> Option<PathBuf> {
    let kinds = ["csv", "tsv", "jsonl", "ndjson"];
    let mut names = part.names().iter().flat_map(|name| kinds.map(|kind| format!("{name}.{kind}")));
    names.find_map(|name| files::existing(&folder.join(name)))
}

/// The extension of a file in lower case, without `.gz`.
fn extension(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or("", |(_, extension)| extension).to_owned()
}

/// The dialect of a table of rows, by its name; none for other files.
pub(super) fn dialect(path: &Path) -> Option<Dialect> {
    match &*extension(path) {
        "csv" => Some(Dialect::CSV),
        "tsv" | "txt" | "tab" => Some(Dialect::TSV),
        _ => None,
    }
}

fn file(path: &Path, reader: &TextReader) -> Result<Vec<LabelledText>, DataError> {
    if let Some(dialect) = dialect(path) {
        return table::read(path, dialect, reader);
    }
    match &*extension(path) {
        "jsonl" | "ndjson" => json_lines::read(path, reader),
        // A missing file is reported as such, whatever its name.
        _ if !path.exists() => reader.encoding.read(path).map(|_| Vec::new()),
        _ => {
            let message = "unknown file type; labelled texts are in .csv, .tsv, .jsonl (or these with .gz), in a \
                           folder with a sub-folder for each class, or in a file for each class (a.pos,a.neg)";
            Err(ErrorKind::Format.error(message).within(path))
        }
    }
}
