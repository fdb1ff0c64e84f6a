//! The bytes of one file, mapped into memory rather than read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::Unit;
use crate::DataError;
use crate::files::{self, Encoding, GZIP, invalid_utf8, without_mark};

/// Files up to this size are read: a mapping takes at least a page of memory too, and a system allows
/// only so many of them (65,530 by default on Linux, fewer than the files of a kernel tree).
const PAGE: u64 = 4096;

/// A text that is open for reading.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// The path, or the name of a text that is not on disk.
    pub(crate) path: PathBuf,
    /// Where this file begins in the whole corpus, in bytes.
    pub(crate) start: usize,
    content: Content,
    /// Bytes before the text: a byte-order mark.
    skipped: usize,
}

#[derive(Debug)]
enum Content {
    Mapped(Mmap),
    Read(Vec<u8>),
    Static(&'static [u8]),
}

impl TextFile {
    /// Opens a file that begins at byte `start` of the corpus. A gzip file is unpacked into memory, and so is UTF-16 for
    /// characters and words; a byte-order mark is left out for these.
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

    /// A text that is in memory already.
    pub(crate) fn owned(name: &str, text: Vec<u8>) -> Self {
        Self { path: name.into(), start: 0, content: Content::Read(text), skipped: 0 }
    }

    /// A text that is part of the program.
    pub(crate) fn built_in(name: &str, text: &'static str) -> Self {
        Self { path: name.into(), start: 0, content: Content::Static(text.as_bytes()), skipped: 0 }
    }

    /// All the bytes of the text.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.content.bytes()[self.skipped..]
    }

    /// The bytes as text.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Encoding`, with what the file is where it is a known binary format.
    pub(crate) fn utf8(&self) -> Result<&str, DataError> {
        let bytes = self.bytes();
        let advice = "convert the file, or read it with byte units (`--units byte`)";
        std::str::from_utf8(bytes).map_err(|_| invalid_utf8(&self.path, bytes, advice))
    }
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Read(bytes) => bytes,
            Self::Static(bytes) => bytes,
        }
    }
}

fn open_content(path: &Path) -> std::io::Result<Content> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() > PAGE {
        return map(&file).map(Content::Mapped);
    }
    // Small files, and what has no size to map: pipes and devices.
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Content::Read(bytes))
}

/// Maps a whole file for reading.
#[allow(unsafe_code, reason = "a memory map has no safe constructor; this is the crate's only use")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is read-only and private to this type, and is used as plain bytes only: every
    // reader decodes them anew with checks, and none keeps a `str` beyond the opening scan. What is
    // left is the risk that every map bears: another program that changes the file while it is open
    // changes the text that is read (wrong symbols, never undefined ones), and one that cuts it short
    // makes the system end this process. The docs of `Corpus` ask the user not to do either.
    unsafe { Mmap::map(file) }
}
