//! Where a text comes from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use globset::GlobBuilder;
use walkdir::WalkDir;

use crate::Error;

/// The pattern of a folder for which none is given.
const EVERY_FILE: &str = "**/*";
const BUILTIN_PREFIX: &str = "builtin:";

/// One file, several, a folder, or a text that the crate carries with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextSource {
    /// One file.
    File(PathBuf),
    /// Several files, read one after the other in this order.
    Files(Vec<PathBuf>),
    /// The files below a folder whose path matches a pattern, in the order of their paths.
    ///
    /// Hidden files and folders (their names begin with a dot) and links are left out.
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
    /// Reads `PATH`, `PATH,PATH` or `builtin:NAME`; a path that is a folder takes every file in it.
    ///
    /// A path that exists is taken whole even where it has a comma in it. Whether files exist is seen on opening.
    ///
    /// # Errors
    /// [`Error::NoSource`] for an empty string or an empty part of a list.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Some(name) = text.strip_prefix(BUILTIN_PREFIX) {
            return Ok(Self::Builtin(name.into()));
        }
        let path = PathBuf::from(text);
        if path.is_dir() {
            return Ok(Self::Folder { path, pattern: EVERY_FILE.into() });
        }
        if text.split(',').any(|part| part.is_empty()) {
            return Err(Error::NoSource { text: text.into() });
        }
        if !text.contains(',') || path.exists() {
            return Ok(Self::File(path));
        }
        Ok(Self::Files(text.split(',').map(PathBuf::from).collect()))
    }

    /// The same folder with another pattern.
    ///
    /// # Errors
    /// [`Error::PatternWithoutFolder`] where the source is not a folder, [`Error::BadPattern`] for a glob with a
    /// mistake in it.
    pub fn with_pattern(self, pattern: &str) -> Result<Self, Error> {
        matcher(pattern)?;
        match self {
            Self::Folder { path, .. } => Ok(Self::Folder { path, pattern: pattern.into() }),
            other => Err(Error::PatternWithoutFolder { source_text: other.to_string(), pattern: pattern.into() }),
        }
    }

    /// The files of a source that is on disk, in reading order; none for a built-in text.
    ///
    /// # Errors
    /// Those of a folder that cannot be read, has a bad pattern or has no match ([`Error::NoMatch`]).
    pub fn files(&self) -> Result<Vec<PathBuf>, Error> {
        match self {
            Self::File(path) => Ok(vec![path.clone()]),
            Self::Files(paths) => Ok(paths.clone()),
            Self::Folder { path, pattern } => files_below(path, pattern),
            Self::Builtin(_) => Ok(Vec::new()),
        }
    }
}

fn matcher(pattern: &str) -> Result<globset::GlobMatcher, Error> {
    let anywhere = if pattern.contains('/') { pattern.to_owned() } else { format!("**/{pattern}") };
    GlobBuilder::new(&anywhere)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|source| Error::BadPattern { pattern: pattern.into(), source })
}

fn files_below(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let matcher = matcher(pattern)?;
    let mut files = Vec::new();
    let visible =
        |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".");
    for entry in WalkDir::new(folder).into_iter().filter_entry(visible) {
        let entry = entry.map_err(|error| Error::read(error.path().unwrap_or(folder).to_owned(), error.into()))?;
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        if entry.file_type().is_file() && matcher.is_match(below) {
            files.push(entry.into_path());
        }
    }
    if files.is_empty() {
        return Err(Error::NoMatch { path: folder.into(), pattern: pattern.into() });
    }
    files.sort();
    Ok(files)
}

impl FromStr for TextSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
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
            Self::Builtin(name) => write!(f, "{BUILTIN_PREFIX}{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_source_is_read_from_its_command_line_form() {
        let folder = tempfile::tempdir().unwrap();
        let comma = folder.path().join("a,b.txt");
        fs::write(&comma, "x").unwrap();

        let parse = |text: &str| TextSource::parse(text).unwrap();
        assert_eq!(parse("builtin:source"), TextSource::Builtin("source".into()));
        assert_eq!(parse("no/such.txt"), TextSource::File("no/such.txt".into()));
        assert_eq!(parse("a.txt,b.txt"), TextSource::Files(vec!["a.txt".into(), "b.txt".into()]));
        assert_eq!(parse(comma.to_str().unwrap()), TextSource::File(comma.clone()));
        assert_eq!(
            parse(folder.path().to_str().unwrap()),
            TextSource::Folder { path: folder.path().into(), pattern: "**/*".into() }
        );
        for text in ["builtin:source", "a.txt", "a.txt,b.txt"] {
            assert_eq!(parse(text).to_string(), text);
        }
        for text in ["", ",", "a.txt,", ",b.txt"] {
            assert!(matches!(TextSource::parse(text), Err(Error::NoSource { .. })), "{text:?}");
        }
    }

    #[test]
    fn a_folder_gives_its_matching_files_in_order_without_hidden_ones() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.c", "a.h", "z/a.c", "z/note.md", ".git/x.c", "z/.hidden.c"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let source = TextSource::parse(folder.path().to_str().unwrap()).unwrap();
        let names = |pattern: &str| -> Vec<String> {
            let files = source.clone().with_pattern(pattern).unwrap().files().unwrap();
            let below = files.iter().map(|file| file.strip_prefix(folder.path()).unwrap());
            below.map(|file| file.to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("**/*"), ["a.h", "b.c", "z/a.c", "z/note.md"]);
        assert_eq!(names("**/*.{c,h}"), ["a.h", "b.c", "z/a.c"]);
        assert_eq!(names("*.c"), ["b.c", "z/a.c"]);
        assert_eq!(names("z/*"), ["z/a.c", "z/note.md"]);
    }

    #[test]
    fn patterns_that_cannot_work_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let source = TextSource::parse(folder.path().to_str().unwrap()).unwrap();
        assert!(matches!(source.clone().with_pattern("*.{c"), Err(Error::BadPattern { .. })));
        assert!(matches!(source.files(), Err(Error::NoMatch { .. })));
        let file = TextSource::File("a.txt".into());
        assert!(matches!(file.with_pattern("*.c"), Err(Error::PatternWithoutFolder { .. })));
        let gone = TextSource::Folder { path: folder.path().join("gone"), pattern: "*".into() };
        assert!(matches!(gone.files(), Err(Error::NoSuchFile { .. })));
    }
}
