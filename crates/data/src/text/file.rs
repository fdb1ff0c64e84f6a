//! The bytes of one file, mapped into memory rather than read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::Error;

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
}

#[derive(Debug)]
enum Content {
    Mapped(Mmap),
    Read(Vec<u8>),
    Static(&'static [u8]),
}

impl TextFile {
    /// Opens a file that begins at byte `start` of the corpus.
    pub(crate) fn open(path: PathBuf, start: usize) -> Result<Self, Error> {
        let content = match open_content(&path) {
            Ok(content) => content,
            Err(source) => return Err(Error::read(path, source)),
        };
        Ok(Self { path, start, content })
    }

    /// A text that is in memory already.
    pub(crate) fn owned(name: &str, text: Vec<u8>) -> Self {
        Self { path: name.into(), start: 0, content: Content::Read(text) }
    }

    /// A text that is part of the program.
    pub(crate) fn built_in(name: &str, text: &'static str) -> Self {
        Self { path: name.into(), start: 0, content: Content::Static(text.as_bytes()) }
    }

    /// All the bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Mapped(map) => map,
            Content::Read(bytes) => bytes,
            Content::Static(bytes) => bytes,
        }
    }

    /// The bytes as text.
    pub(crate) fn utf8(&self) -> Result<&str, Error> {
        let bytes = self.bytes();
        std::str::from_utf8(bytes).map_err(|error| {
            let offset = error.valid_up_to();
            let line = 1 + bytes[..offset].iter().filter(|byte| **byte == b'\n').count();
            Error::InvalidUtf8 { path: self.path.clone(), offset, line, byte: bytes[offset] }
        })
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
