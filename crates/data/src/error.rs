//! The error of this crate: a kind, a message, and where the fault lies.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// What is wrong with data, where, and what to do about it.
///
/// It is shown as `PATH, PLACE: MESSAGE`. [`source`](Error::source) is what the system or a library says.
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

/// Kinds of faults, for programs that go on differently after some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or folder does not exist.
    NotFound,
    /// A file or folder cannot be read.
    Read,
    /// A file or folder cannot be written, made or renamed.
    Write,
    /// Bytes that are not text in the encoding.
    Encoding,
    /// Content that is malformed, or of an unknown format.
    Format,
    /// Content of a newer version of this program.
    Version,
    /// Larger than is allowed, such as a picture or an archive that was made to fill the memory.
    TooLarge,
    /// Nothing in it, or less than a model needs.
    TooLittle,
    /// Things that do not go together: sizes, counts, units.
    Mismatch,
    /// A column that is missing, or that more than one has the name of.
    Column,
    /// A label that is missing or unknown.
    Label,
    /// A token that the vocabulary lacks.
    UnknownToken,
    /// A setting, name or pattern that has no meaning.
    Setting,
    /// A server cannot be reached, or answers with an error.
    Network,
    /// A download that stopped before its end.
    Interrupted,
    /// A file that is not the one of the catalogue.
    Changed,
}

/// A place within a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line, from 1.
    Line(u64),
    /// Anything else that has a name: `pos/12_9.txt`, `number 7`.
    Item(String),
}

impl ErrorKind {
    /// An error of this kind. The message says what is wrong and what to do about it.
    pub fn error(self, message: impl Into<String>) -> DataError {
        DataError(Box::new(Fault { kind: self, path: None, place: None, message: message.into(), source: None }))
    }
}

impl DataError {
    /// Names the file, folder or source of the fault.
    #[must_use]
    pub fn within(mut self, path: impl AsRef<Path>) -> Self {
        self.0.path = Some(path.as_ref().to_owned());
        self
    }

    /// Names the line of the fault, from 1.
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.0.place = Some(Place::Line(line));
        self
    }

    /// Names the item of the fault.
    #[must_use]
    pub fn item(mut self, item: impl Into<String>) -> Self {
        self.0.place = Some(Place::Item(item.into()));
        self
    }

    /// Keeps the error that this one comes from.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// A failed read of `path`, by its reason.
    pub fn read(path: impl AsRef<Path>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound.error("no such file or folder").within(path),
            io::ErrorKind::FileTooLarge => ErrorKind::TooLarge.error(source.to_string()).within(path),
            _ => ErrorKind::Read.error("cannot read").within(path).because(source),
        }
    }

    /// A failed write of `path`.
    pub fn write(path: impl AsRef<Path>, source: io::Error) -> Self {
        ErrorKind::Write.error("cannot write").within(path).because(source)
    }

    /// What kind of fault it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The file, folder or source that it lies in.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Where it lies in the file.
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
