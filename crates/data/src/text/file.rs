//! The bytes of one file, memory-mapped.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::Unit;
use crate::files::{self, Encoding, GZIP, invalid_utf8, without_mark};
use crate::{DataError, ErrorKind};

/// Files up to this size are read: a mapping takes at least a page of memory too, and a system limits their number
/// (65,530 by default on Linux, fewer than the files of a kernel tree).
const PAGE: u64 = 4096;

/// A file of a corpus.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// The path, or the name of a text that is not a file.
    pub(crate) path: PathBuf,
    /// Offset of this file in the corpus, in bytes.
    pub(crate) start: usize,
    content: Content,
    /// Skipped bytes before the text: a byte-order mark.
    skipped: usize,
}

#[derive(Debug)]
enum Content {
    /// The mapping, and the file's metadata when it was mapped.
    Mapped(Mmap, Metadata),
    Read(Vec<u8>),
    Static(&'static [u8]),
}

impl TextFile {
    /// Opens a file that starts at byte `start` of the corpus. gzip is unpacked into memory, and so is UTF-16 for
    /// characters and words; a byte-order mark is skipped for these.
    pub(crate) fn open(path: PathBuf, start: usize, unit: Unit) -> Result<Self, DataError> {
        let failed = |source| DataError::read(&path, source);
        let mut content = if path == Path::new("-") {
            Content::Read(files::bytes(&path)?)
        } else {
            open_content(&path).map_err(failed)?
        };
        if content.bytes().starts_with(&GZIP) {
            content = Content::Read(files::unpacked(content.bytes(), &path)?);
        }
        let mut skipped = 0;
        if unit != Unit::Byte {
            let bytes = content.bytes();
            skipped = bytes.len() - without_mark(bytes).len();
            if skipped == 0 && encoding_rs::Encoding::for_bom(bytes).is_some() {
                content = Content::Read(Encoding::UTF_8.decode(bytes.to_vec(), &path)?.into_bytes());
            }
        }
        Ok(Self { path, start, content, skipped })
    }

    /// A text in memory.
    pub(crate) fn owned(name: &str, text: Vec<u8>) -> Self {
        Self { path: name.into(), start: 0, content: Content::Read(text), skipped: 0 }
    }

    /// A text included in the program.
    pub(crate) fn built_in(name: &str, text: &'static str) -> Self {
        Self { path: name.into(), start: 0, content: Content::Static(text.as_bytes()), skipped: 0 }
    }

    /// All bytes of the text.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.content.bytes()[self.skipped..]
    }

    /// Checks that the file has not changed since it was opened, by its length and times. A file that replaced it is
    /// another one, and does no harm.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Changed`] when it has.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let Content::Mapped(_, was) = &self.content else { return Ok(()) };
        // The system keeps a deleted file as long as it is mapped.
        let Ok(is) = self.path.metadata() else { return Ok(()) };
        let changed = is.len() != was.len() || is.modified().ok() != was.modified().ok();
        if same_file(was, &is) && changed {
            let message = "was changed while it was being read; restore it, or start again";
            return Err(ErrorKind::Changed.error(message).within(&self.path));
        }
        Ok(())
    }

    /// The bytes as text.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Encoding`, with the file's format if it is a known binary one.
    pub(crate) fn utf8(&self) -> Result<&str, DataError> {
        let bytes = self.bytes();
        let advice = "convert the file, or read it with byte units (`--units byte`)";
        std::str::from_utf8(bytes).map_err(|_| invalid_utf8(&self.path, bytes, advice))
    }
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map, _) => map,
            Self::Read(bytes) => bytes,
            Self::Static(bytes) => bytes,
        }
    }
}

fn open_content(path: &Path) -> std::io::Result<Content> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() > PAGE {
        return Ok(Content::Mapped(map(&file)?, metadata));
    }
    // Small files, and those without a size to map: pipes and devices.
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Content::Read(bytes))
}

#[cfg(unix)]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Other systems do not allow a mapped file to be replaced.
#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Maps a whole file for reading.
#[allow(unsafe_code, reason = "a memory map has no safe constructor; this is the crate's only use")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is read-only and private to this type, and is used as plain bytes only: every
    // reader decodes them again with checks, and none keeps a `str` beyond the opening scan. Every map
    // has the remaining risk: if another program changes the file while it is open, the text that is
    // read changes (wrong tokens, never undefined behaviour), and if it truncates the file, the system
    // ends this process. `TextFile::check` detects both before a batch is read, so that only a change
    // during a batch has these effects.
    unsafe { Mmap::map(file) }
}
