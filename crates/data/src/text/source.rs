//! Sources of texts.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::WalkDir;

use crate::{DataError, ErrorKind, builtin};

/// Length limit of a pattern in bytes: its parser recurses for each brace.
const LONGEST_PATTERN: usize = 4096;

/// The default pattern of a folder.
const EVERY_FILE: &str = "**/*";

/// One file, several, a folder, or a built-in text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextSource {
    /// One file.
    File(PathBuf),
    /// Several files, read one after the other in this order.
    Files(Vec<PathBuf>),
    /// The files below a folder whose path matches a pattern, in the order of their paths.
    ///
    /// Hidden files and folders (with names that start with a dot) and links are skipped.
    Folder {
        /// The folder.
        path: PathBuf,
        /// A glob such as `**/*.{c,h}`, against the path below the folder. `*` does not cross a `/`; a pattern without
        /// a `/` is matched at any depth.
        pattern: String,
    },
    /// One of [`builtin::TEXTS`](crate::builtin::TEXTS).
    Builtin(String),
}

impl TextSource {
    /// Parses `PATH`, `PATH,PATH` or `builtin:NAME`; a folder stands for every file in it, and `-` for standard input.
    ///
    /// An existing path is used as a whole even if it contains a comma. Files are checked when they are opened.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] for an empty string or an empty part of a list.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        if let Some(name) = text.strip_prefix(builtin::PREFIX) {
            return Ok(Self::Builtin(name.into()));
        }
        let path = PathBuf::from(text);
        if path.is_dir() {
            return Ok(Self::Folder { path, pattern: EVERY_FILE.into() });
        }
        if text.split(',').any(|part| part.is_empty()) {
            let message = format!("`{text}` does not name a text: want PATH, PATH,PATH or builtin:NAME");
            return Err(ErrorKind::Setting.error(message));
        }
        if !text.contains(',') || path.exists() {
            return Ok(Self::File(path));
        }
        Ok(Self::Files(text.split(',').map(PathBuf::from).collect()))
    }

    /// The same folder with another pattern.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] when the source is not a folder, and for an invalid glob.
    pub fn with_pattern(self, pattern: &str) -> Result<Self, DataError> {
        matcher(pattern)?;
        match self {
            Self::Folder { path, .. } => Ok(Self::Folder { path, pattern: pattern.into() }),
            other => {
                let message = format!("the pattern `{pattern}` needs a folder, and `{other}` is not one");
                Err(ErrorKind::Setting.error(message))
            }
        }
    }

    /// The files of a source on disk, in reading order; none for a built-in text.
    ///
    /// # Errors
    /// Those of a folder that cannot be read, has a bad pattern or has no match ([`ErrorKind::NotFound`]).
    pub fn files(&self) -> Result<Vec<PathBuf>, DataError> {
        match self {
            Self::File(path) => Ok(vec![path.clone()]),
            Self::Files(paths) => Ok(paths.clone()),
            Self::Folder { path, pattern } => files_below(path, pattern),
            Self::Builtin(_) => Ok(Vec::new()),
        }
    }
}

fn matcher(pattern: &str) -> Result<GlobSet, DataError> {
    if pattern.len() > LONGEST_PATTERN {
        let message = format!("--pattern: {} bytes, and {LONGEST_PATTERN} is the most", pattern.len());
        return Err(ErrorKind::Setting.error(message));
    }
    let anywhere = if pattern.contains('/') { pattern.to_owned() } else { format!("**/{pattern}") };
    let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
    // A set, because a single glob panics if its braces are nested too deep for a regular expression.
    glob.and_then(|glob| GlobSetBuilder::new().add(glob).build()).map_err(|source| {
        ErrorKind::Setting.error(format!("the pattern `{pattern}` is not a valid glob")).because(source)
    })
}

fn files_below(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, DataError> {
    let matcher = matcher(pattern)?;
    let mut files = Vec::new();
    let visible =
        |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".");
    for entry in WalkDir::new(folder).into_iter().filter_entry(visible) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_owned();
            DataError::read(path, error.into())
        })?;
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        if entry.file_type().is_file() && matcher.is_match(below) {
            files.push(entry.into_path());
        }
    }
    if files.is_empty() {
        let message = format!("no file in this folder matches the pattern `{pattern}`");
        return Err(ErrorKind::NotFound.error(message).within(folder));
    }
    files.sort();
    Ok(files)
}

impl FromStr for TextSource {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        Self::parse(text)
    }
}

impl fmt::Display for TextSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Files(paths) => {
                for (index, path) in paths.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { "," }, path.display())?;
                }
                Ok(())
            }
            Self::Folder { path, pattern } if pattern == EVERY_FILE => write!(f, "{}", path.display()),
            Self::Folder { path, pattern } => write!(f, "{} ({pattern})", path.display()),
            Self::Builtin(name) => write!(f, "{}{name}", builtin::PREFIX),
        }
    }
}

#[cfg(test)]
mod tests;
