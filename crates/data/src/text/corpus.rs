//! A text that is open for reading: its files, its symbols and where its tokens stand.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::cursor::Cursor;
use super::file::TextFile;
use super::scan::{Scan, SymbolCount, scan};
use super::{TextSource, Unit, Vocabulary};
use crate::{Error, builtin};

/// A text that is open for reading.
///
/// Its files are mapped into memory one after the other and never copied. Opening reads them once, to
/// check them, to count the symbols and to build a sparse index of the tokens (8 bytes for every
/// 16,384 tokens). A token never spans two files. Clones share everything.
///
/// The files must not be changed while they are open: the model would read the changed text, and a
/// file that is cut short ends the process when the missing part is read.
#[derive(Clone, Debug)]
pub struct Corpus {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    unit: Unit,
    /// Never empty; none of the files is.
    files: Vec<TextFile>,
    bytes: usize,
    scan: Scan,
}

impl Corpus {
    /// Opens a source and reads it through once.
    ///
    /// # Errors
    /// A file that is missing ([`Error::NoSuchFile`]), empty ([`Error::EmptyText`]; in a folder, empty
    /// files are left out) or, for characters and words, not UTF-8 ([`Error::InvalidUtf8`]); a folder
    /// that matches nothing ([`Error::NoMatch`]); a name that is not built in
    /// ([`Error::NoSuchBuiltin`]).
    pub fn open(source: &TextSource, unit: Unit) -> Result<Self, Error> {
        if let TextSource::Builtin(name) = source {
            let text = builtin::text(name)?;
            return Self::new(source.to_string(), unit, vec![TextFile::built_in(name, text)]);
        }
        let mut files = Vec::new();
        let mut start = 0;
        for path in source.files()? {
            if path.is_dir() {
                return Err(Error::IsFolder { path });
            }
            let file = TextFile::open(path, start)?;
            if !file.bytes().is_empty() {
                start += file.bytes().len();
                files.push(file);
            } else if !matches!(source, TextSource::Folder { .. }) {
                return Err(Error::EmptyText { name: file.path.display().to_string() });
            }
        }
        Self::new(source.to_string(), unit, files)
    }

    /// A corpus of a text that is in memory already; `name` stands for it in messages.
    ///
    /// # Errors
    /// [`Error::EmptyText`], and [`Error::InvalidUtf8`] for characters and words.
    pub fn from_text(name: &str, text: impl Into<Vec<u8>>, unit: Unit) -> Result<Self, Error> {
        let file = TextFile::owned(name, text.into());
        Self::new(name.into(), unit, vec![file])
    }

    fn new(name: String, unit: Unit, files: Vec<TextFile>) -> Result<Self, Error> {
        let bytes = files.iter().map(|file| file.bytes().len()).sum();
        if bytes == 0 {
            return Err(Error::EmptyText { name });
        }
        let scan = scan(unit, &files)?;
        Ok(Self { shared: Arc::new(Shared { name, unit, files, bytes, scan }) })
    }

    /// What messages call this text: its source as the user gave it.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The unit in which it is read.
    pub fn unit(&self) -> Unit {
        self.shared.unit
    }

    /// The number of tokens.
    pub fn tokens(&self) -> usize {
        self.shared.scan.tokens
    }

    /// The bytes of its files, in their order.
    pub fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.shared.files.iter().map(TextFile::bytes)
    }

    /// The number of bytes.
    pub fn bytes(&self) -> usize {
        self.shared.bytes
    }

    /// The number of distinct symbols.
    pub fn distinct(&self) -> usize {
        self.shared.scan.symbols.len()
    }

    /// The files in reading order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.shared.files.iter().map(|file| file.path.as_path())
    }

    /// The tokens of a range as they stand in the text, as far as there are any; bytes that are not
    /// UTF-8 come out as replacement characters.
    pub fn text(&self, range: Range<usize>) -> String {
        let bytes = Cursor::at(self, range.start).copy(self, range.len());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The ids of the tokens of a range, all at once: for short ranges.
    ///
    /// # Errors
    /// [`Error::BadRange`], [`Error::UnitMismatch`], and [`Error::UnknownSymbol`] as for
    /// [`Corpus::check_vocabulary`].
    pub fn ids(&self, vocabulary: &Vocabulary, range: Range<usize>) -> Result<Vec<u32>, Error> {
        self.check_vocabulary(vocabulary)?;
        self.check_range(&range)?;
        let mut ids = vec![0; range.len()];
        Cursor::at(self, range.start).read(self, vocabulary, &mut ids);
        Ok(ids)
    }

    /// Makes sure that a vocabulary can encode this text.
    ///
    /// # Errors
    /// [`Error::UnitMismatch`], and [`Error::UnknownSymbol`] with file and offset where the vocabulary
    /// lacks a symbol and has no unknown symbol to put in its place.
    pub fn check_vocabulary(&self, vocabulary: &Vocabulary) -> Result<(), Error> {
        if vocabulary.unit() != self.unit() {
            return Err(Error::UnitMismatch { corpus: self.unit(), vocabulary: vocabulary.unit() });
        }
        if vocabulary.unknown_id().is_some() {
            return Ok(());
        }
        for symbol in self.symbols() {
            let (file, token) = self.token(symbol);
            if let Err(source) = vocabulary.check(token, symbol.offset - file.start) {
                return Err(Error::UnknownSymbol { name: file.path.display().to_string(), source });
            }
        }
        Ok(())
    }

    /// Makes sure that a range lies within the text.
    pub(crate) fn check_range(&self, range: &Range<usize>) -> Result<(), Error> {
        if range.start > range.end || range.end > self.tokens() {
            let (start, end) = (range.start, range.end);
            return Err(Error::BadRange { start, end, tokens: self.tokens() });
        }
        Ok(())
    }

    /// The distinct symbols in the order of their first appearance.
    pub(crate) fn symbols(&self) -> &[SymbolCount] {
        &self.shared.scan.symbols
    }

    /// The file in which a symbol first appears, and the bytes of it.
    pub(crate) fn token(&self, symbol: &SymbolCount) -> (&TextFile, &[u8]) {
        let after = self.files().partition_point(|file| file.start <= symbol.offset);
        let file = &self.files()[after - 1];
        let start = symbol.offset - file.start;
        (file, &file.bytes()[start..start + symbol.length])
    }

    pub(crate) fn files(&self) -> &[TextFile] {
        &self.shared.files
    }

    pub(crate) fn index(&self) -> &[usize] {
        &self.shared.scan.index
    }
}
