//! An open text: its files, its distinct tokens and the positions of its tokens.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use ahash::AHashMap;

use super::cursor::Cursor;
use super::file::TextFile;
use super::pieces::{Pieces, cut_word};
use super::scan::SymbolCount;
use super::scanned::Scanned;
use super::tokenizer::{ID, tokens};
use super::{TextSource, Unit, Vocabulary};
use crate::{DataError, ErrorKind, Split, builtin, counted};

/// An open text.
///
/// Its files are mapped into memory one after the other and never copied. Opening reads them once, to check them, to
/// count the distinct tokens and to build a sparse index (8 bytes for every 16,384 tokens). A token never spans two
/// files. Clones share everything.
///
/// The files must not be changed while they are open. [`Streams::check`](super::Streams::check) and [`Corpus::ids`]
/// detect a change before they read tokens; if a file is truncated during a read, the system ends the process.
#[derive(Clone, Debug)]
pub struct Corpus {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    text: Scanned,
    /// The text in words, and the vocabulary by which it was cut into pieces.
    whole: Option<(Corpus, Vocabulary)>,
}

impl Corpus {
    /// Opens a source and scans it once.
    ///
    /// # Errors
    /// A file that is missing ([`ErrorKind::NotFound`]), empty ([`ErrorKind::TooLittle`]; in a folder, empty files are
    /// skipped) or, for characters and words, not UTF-8 ([`ErrorKind::Encoding`]); a folder without a match
    /// ([`ErrorKind::NotFound`]); an unknown built-in name ([`ErrorKind::Setting`]).
    pub fn open(source: &TextSource, unit: Unit) -> Result<Self, DataError> {
        if let TextSource::Builtin(name) = source {
            let text = builtin::text(name)?;
            return Self::new(source.to_string(), unit, vec![TextFile::built_in(name, text)]);
        }
        let mut files = Vec::new();
        let mut start = 0;
        for path in source.files()? {
            if path.is_dir() {
                let message = "is a folder; give one folder alone, or files only";
                return Err(ErrorKind::Setting.error(message).within(path));
            }
            let file = TextFile::open(path, start, unit)?;
            if !file.bytes().is_empty() {
                start += file.bytes().len();
                files.push(file);
            } else if !matches!(source, TextSource::Folder { .. }) {
                return Err(empty_text(&file.path));
            }
        }
        Self::new(source.to_string(), unit, files)
    }

    /// A corpus from a text in memory; `name` is its name in messages.
    ///
    /// # Errors
    /// [`ErrorKind::TooLittle`] for an empty text, and [`ErrorKind::Encoding`] for characters and words.
    pub fn from_text(name: &str, text: impl Into<Vec<u8>>, unit: Unit) -> Result<Self, DataError> {
        let file = TextFile::owned(name, text.into());
        Self::new(name.into(), unit, vec![file])
    }

    fn new(name: String, unit: Unit, files: Vec<TextFile>) -> Result<Self, DataError> {
        let bytes = files.iter().map(|file| file.bytes().len()).sum();
        if bytes == 0 {
            return Err(empty_text(Path::new(&name)));
        }
        if unit == Unit::Bpe {
            let message = "a text is opened in words before a vocabulary cuts it into pieces";
            return Err(ErrorKind::Setting.error(message).within(name));
        }
        Ok(Self { shared: Arc::new(Shared { name, text: Scanned::new(unit, files, bytes)?, whole: None }) })
    }

    /// This text, opened in words, in the pieces of `vocabulary`, whose ids are held in memory. If the tokens of
    /// `vocabulary` are no pieces, the text as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] when the text is not in words.
    pub fn cut(self, vocabulary: &Vocabulary) -> Result<Self, DataError> {
        let Some(pieces) = vocabulary.pieces() else { return Ok(self) };
        if self.unit() != Unit::Word {
            return Err(self.other_unit(vocabulary));
        }
        let mut files = self.cut_files(pieces);
        let mut bytes = 0;
        for file in &mut files {
            file.start = bytes;
            bytes += file.bytes().len();
        }
        let (name, text) = (self.name().to_owned(), Scanned::new(Unit::Bpe, files, bytes)?);
        Ok(Self { shared: Arc::new(Shared { name, text, whole: Some((self, vocabulary.clone())) }) })
    }

    /// The ids of the pieces of each file. Each distinct word is cut once.
    fn cut_files(&self, pieces: &Pieces) -> Vec<TextFile> {
        let cut = |symbol: &SymbolCount| {
            let (word, mut ids) = (self.token(symbol).1, Vec::new());
            cut_word(pieces, word, &mut ids);
            (word, ids.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>())
        };
        let words: AHashMap<&[u8], Vec<u8>> = self.symbols().iter().map(cut).collect();
        let of_file = |file: &TextFile| {
            let ids = tokens(Unit::Word, file.bytes()).filter_map(|word| words.get(word)).flatten().copied().collect();
            TextFile::owned(&file.path.to_string_lossy(), ids)
        };
        self.scanned().files.iter().map(of_file).collect()
    }

    /// The name of this text in messages: its source as given by the user.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The token unit.
    pub fn unit(&self) -> Unit {
        self.shared.text.unit
    }

    /// The number of tokens.
    pub fn tokens(&self) -> usize {
        self.shared.text.scan.tokens
    }

    /// The bytes of its files, in order.
    pub fn contents(&self) -> impl Iterator<Item = &[u8]> {
        let Self { shared } = self.whole();
        shared.text.files.iter().map(TextFile::bytes)
    }

    /// The number of bytes.
    pub fn bytes(&self) -> usize {
        self.whole().shared.text.bytes
    }

    /// The number of distinct tokens; 0 for pieces, which are not counted.
    pub fn distinct(&self) -> usize {
        self.shared.text.scan.symbols.len()
    }

    /// The files in reading order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.shared.text.files.iter().map(|file| file.path.as_path())
    }

    /// This text before it was cut into pieces.
    fn whole(&self) -> &Self {
        self.shared.whole.as_ref().map_or(self, |(whole, _)| whole)
    }

    /// The text of a range of tokens, as far as it exists; bytes that are not UTF-8 become replacement characters.
    pub fn text(&self, range: Range<usize>) -> String {
        let bytes = Cursor::at(self.scanned(), range.start).copy(self.scanned(), range.len());
        let Some((_, vocabulary)) = &self.shared.whole else { return String::from_utf8_lossy(&bytes).into_owned() };
        let mut ids = vec![0; bytes.len() / ID];
        vocabulary.fill(&bytes, &mut ids);
        vocabulary.decode(&ids)
    }

    /// The ids of a range of tokens, all at once: for short ranges.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] for a range outside of the text, [`ErrorKind::Changed`] for a changed file, and those of
    /// [`Corpus::check_vocabulary`].
    pub fn ids(&self, vocabulary: &Vocabulary, range: Range<usize>) -> Result<Vec<u32>, DataError> {
        self.check_vocabulary(vocabulary)?;
        self.check_range(&range)?;
        let mut ids = vec![0; range.len()];
        let mut cursor = Cursor::at(self.scanned(), range.start);
        cursor.check(self.scanned())?;
        cursor.read(self.scanned(), vocabulary, &mut ids);
        Ok(ids)
    }

    /// Checks that a vocabulary can encode this text.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] for another unit, and [`ErrorKind::UnknownToken`] with file and offset when the
    /// vocabulary lacks a token and has no unknown token.
    pub fn check_vocabulary(&self, vocabulary: &Vocabulary) -> Result<(), DataError> {
        if vocabulary.unit() != self.unit() {
            return Err(self.other_unit(vocabulary));
        }
        if self.shared.whole.as_ref().is_some_and(|(_, own)| own != vocabulary) {
            return Err(ErrorKind::Mismatch.error("the text is cut into the pieces of another vocabulary"));
        }
        if vocabulary.unknown_id().is_some() {
            return Ok(());
        }
        for symbol in self.symbols() {
            let (file, token) = self.token(symbol);
            if let Err(source) = vocabulary.check(token, symbol.offset - file.start) {
                let message = "the text does not fit the vocabulary";
                return Err(ErrorKind::UnknownToken.error(message).within(&file.path).because(source));
            }
        }
        Ok(())
    }

    fn other_unit(&self, vocabulary: &Vocabulary) -> DataError {
        let (text, known) = (self.unit().plural(), vocabulary.unit().plural());
        ErrorKind::Mismatch.error(format!("the text is read in {text}, and the vocabulary is one of {known}"))
    }

    /// Checks that a range is within the text.
    pub(crate) fn check_range(&self, range: &Range<usize>) -> Result<(), DataError> {
        if range.start > range.end || range.end > self.tokens() {
            let message =
                format!("the range {range:?} does not lie within the {} of the text", counted(self.tokens(), "tokens"));
            return Err(ErrorKind::Setting.error(message));
        }
        Ok(())
    }

    /// The distinct tokens in the order of their first occurrence.
    pub(crate) fn symbols(&self) -> &[SymbolCount] {
        &self.shared.text.scan.symbols
    }

    /// The file of a distinct token's first occurrence, and its bytes.
    pub(crate) fn token(&self, symbol: &SymbolCount) -> (&TextFile, &[u8]) {
        symbol.token(&self.scanned().files)
    }

    /// The scanned text.
    pub(crate) fn scanned(&self) -> &Scanned {
        &self.shared.text
    }
}

impl Split {
    /// Splits a text by fractions: train, validation, test. See [`Split::of_tokens`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn by_fractions(corpus: &Corpus, fractions: [f64; 3]) -> Result<Self, DataError> {
        Self::of_tokens(corpus.tokens(), fractions)
    }
}

fn empty_text(name: &Path) -> DataError {
    ErrorKind::TooLittle.error("the text is empty").within(name)
}
