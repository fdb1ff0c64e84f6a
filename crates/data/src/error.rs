//! The error of this crate: a kind, a message, and a location.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// An error in data, with its location and its remedy.
///
/// Its text is `PATH, PLACE: MESSAGE`. [`source`](Error::source) is the error of the system or of a library.
#[derive(Debug)]
pub struct DataError(Box<Fault>);

#[derive(Debug)]
struct Fault {
    kind: ErrorKind,
    path: Option<PathBuf>,
    place: Option<Place>,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Kinds of errors, for programs that handle some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or folder does not exist.
    NotFound,
    /// A file or folder cannot be read.
    Read,
    /// A file or folder cannot be written, created or renamed.
    Write,
    /// Bytes that are not text in the encoding.
    Encoding,
    /// Content that is malformed, or of an unknown format.
    Format,
    /// Content of a newer version of this program.
    Version,
    /// Larger than allowed, such as an image or an archive made to exhaust memory.
    TooLarge,
    /// Empty, or smaller than a model needs.
    TooLittle,
    /// Sizes, counts or units that do not match.
    Mismatch,
    /// A column that is missing, or whose name is ambiguous.
    Column,
    /// A label that is missing or unknown.
    Label,
    /// A token that the vocabulary lacks.
    UnknownToken,
    /// An invalid setting, name or pattern.
    Setting,
    /// A server is unreachable or returns an error.
    Network,
    /// An interrupted download.
    Interrupted,
    /// A file that differs from the catalogue's.
    Changed,
}

/// A location in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line, from 1.
    Line(u64),
    /// Another named location: `pos/12_9.txt`, `number 7`.
    Item(String),
}

impl ErrorKind {
    /// An error of this kind. The message gives the problem and its remedy.
    pub fn error(self, message: impl Into<String>) -> DataError {
        DataError(Box::new(Fault { kind: self, path: None, place: None, message: message.into(), source: None }))
    }
}

impl DataError {
    /// Adds the file, folder or source of the error.
    #[must_use]
    pub fn within(mut self, path: impl AsRef<Path>) -> Self {
        self.0.path = Some(path.as_ref().to_owned());
        self
    }

    /// Adds the line of the error, from 1.
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.0.place = Some(Place::Line(line));
        self
    }

    /// Adds the item of the error.
    #[must_use]
    pub fn item(mut self, item: impl Into<String>) -> Self {
        self.0.place = Some(Place::Item(item.into()));
        self
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The error of reading `path`, with its kind from `source`.
    pub fn read(path: impl AsRef<Path>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound.error("no such file or folder").within(path),
            io::ErrorKind::FileTooLarge => ErrorKind::TooLarge.error(source.to_string()).within(path),
            _ => ErrorKind::Read.error("cannot read").within(path).because(source),
        }
    }

    /// The error of writing `path`.
    pub fn write(path: impl AsRef<Path>, source: io::Error) -> Self {
        ErrorKind::Write.error("cannot write").within(path).because(source)
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The file, folder or source of the error.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The location in the file.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { path, place, message, .. } = &*self.0;
        if let Some(path) = path {
            write!(f, "{}", path.display())?;
        }
        match place {
            Some(_) if path.is_some() => f.write_str(", ")?,
            None if path.is_some() => f.write_str(": ")?,
            _ => {}
        }
        match place {
            Some(Place::Line(line)) => write!(f, "line {line}: ")?,
            Some(Place::Item(item)) => write!(f, "{item}: ")?,
            None => {}
        }
        f.write_str(message)
    }
}

impl Error for DataError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
