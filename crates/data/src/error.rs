//! Everything that can go wrong in this crate.

use std::io;
use std::path::PathBuf;

use crate::text::{Unit, UnknownSymbol};

/// What went wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder is not there.
    #[error("{}: no such file or folder", path.display())]
    NoSuchFile {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder cannot be read.
    #[error("{}: cannot read", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder cannot be written, made or renamed.
    #[error("{}: cannot write", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder stands in a list of files.
    #[error("{}: is a folder; give one folder alone, or files only", path.display())]
    IsFolder {
        /// The path.
        path: PathBuf,
    },
    /// No file of a folder fits the pattern.
    #[error("{}: no file in this folder matches the pattern `{pattern}`", path.display())]
    NoMatch {
        /// The folder.
        path: PathBuf,
        /// The pattern.
        pattern: String,
    },
    /// A glob has a mistake in it.
    #[error("the pattern `{pattern}` is not a valid glob")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What the mistake is.
        source: globset::Error,
    },
    /// A pattern was given for something else than a folder.
    #[error("the pattern `{pattern}` needs a folder, and `{source_text}` is not one")]
    PatternWithoutFolder {
        /// The source it was given for.
        source_text: String,
        /// The pattern.
        pattern: String,
    },
    /// A source with nothing in it, or an empty part in a list.
    #[error("`{text}` does not name a text: want PATH, PATH,PATH or builtin:NAME")]
    NoSource {
        /// What was given.
        text: String,
    },
    /// A built-in text of this name does not exist.
    #[error("there is no built-in text `{name}`; there is: {known}")]
    NoSuchBuiltin {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// There is no text to read.
    #[error("{name}: the text is empty")]
    EmptyText {
        /// The file, or the source where all its files are empty.
        name: String,
    },
    /// A text read by character or word is not UTF-8.
    #[error(
        "{}: byte {offset} (line {line}) is 0x{byte:02x}, which is not valid UTF-8; \
         convert the file, or read it with byte units (`--units byte`)",
        path.display()
    )]
    InvalidUtf8 {
        /// The file.
        path: PathBuf,
        /// The offset of the first bad byte.
        offset: usize,
        /// The line it is on, from 1.
        line: usize,
        /// The byte.
        byte: u8,
    },
    /// A unit of this name does not exist.
    #[error("there is no unit `{name}`; want char, byte or word")]
    NoSuchUnit {
        /// The name asked for.
        name: String,
    },
    /// A vocabulary of fewer than two symbols: there is nothing to predict.
    #[error(
        "{name}: the vocabulary would have {symbols} symbol(s) of the {distinct} in the text, and a \
         model needs two or more; use another text, a lower minimum count or a larger vocabulary"
    )]
    TooFewSymbols {
        /// The text.
        name: String,
        /// Symbols left, the unknown one included.
        symbols: usize,
        /// Distinct symbols in the text.
        distinct: usize,
    },
    /// More symbols than a `u32` can number.
    #[error("{name}: {symbols} distinct symbols are too many; set a largest vocabulary size")]
    TooManySymbols {
        /// The text.
        name: String,
        /// Distinct symbols in the text.
        symbols: usize,
    },
    /// A text has a symbol that the vocabulary lacks, and the vocabulary has no unknown symbol.
    #[error("{name}: the text does not fit the vocabulary")]
    UnknownSymbol {
        /// The file.
        name: String,
        /// The symbol and its place in the file.
        source: UnknownSymbol,
    },
    /// A text and a vocabulary are in different units.
    #[error("the text is read in {}, and the vocabulary is one of {}", corpus.plural(), vocabulary.plural())]
    UnitMismatch {
        /// The unit of the text.
        corpus: Unit,
        /// The unit of the vocabulary.
        vocabulary: Unit,
    },
    /// A vocabulary file that is not one, or is damaged.
    #[error("{name}: not a vocabulary: {reason}")]
    BadVocabulary {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A vocabulary file that is not valid JSON, or lacks a field.
    #[error("{name}: not a vocabulary")]
    VocabularySyntax {
        /// The file.
        name: String,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// A vocabulary file of a newer program.
    #[error(
        "{name}: the vocabulary has format version {seen}, and this program reads up to {newest}; \
         use a newer version of the program"
    )]
    VocabularyVersion {
        /// The file.
        name: String,
        /// The version in the file.
        seen: u64,
        /// The newest version that can be read.
        newest: u64,
    },
    /// Fractions of a split that are not fractions.
    #[error("the split {fractions:?} is not one: want three numbers of 0 or more that add up to 1 at most")]
    BadFractions {
        /// The train, validation and test fractions.
        fractions: [f64; 3],
    },
    /// A split that leaves nothing to train on.
    #[error("the split {fractions:?} of {tokens} tokens leaves nothing to train on")]
    EmptySplit {
        /// The train, validation and test fractions.
        fractions: [f64; 3],
        /// The tokens there are.
        tokens: usize,
    },
    /// A batch size or a sequence length of zero.
    #[error("the {what} is 0, and must be 1 or more")]
    Zero {
        /// Which of them.
        what: &'static str,
    },
    /// A range that ends past the text, or before it begins.
    #[error("the range {start}..{end} does not lie within the {tokens} tokens of the text")]
    BadRange {
        /// The first token.
        start: usize,
        /// One past the last token.
        end: usize,
        /// The tokens there are.
        tokens: usize,
    },
    /// A text that does not fill one batch.
    #[error(
        "the text is too short: {tokens} tokens, and one batch of {batch_size} streams of {sequence_length} \
         steps needs {needed}; lower the batch size or the sequence length, or use more text"
    )]
    TextTooShort {
        /// The tokens there are.
        tokens: usize,
        /// The tokens needed: one for each input, and one more for the last target.
        needed: usize,
        /// B, the number of streams.
        batch_size: usize,
        /// T, the number of steps.
        sequence_length: usize,
    },
    /// A data set of this name is not in the catalogue.
    #[error("there is no data set `{name}` in the catalogue; there is: {known}")]
    NoSuchDataSet {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A catalogue that is not valid TOML, or lacks a field.
    #[error("{name}: not a catalogue")]
    CatalogueSyntax {
        /// The file.
        name: String,
        /// What is wrong, with its line.
        source: Box<toml::de::Error>,
    },
    /// A catalogue with an entry that cannot work.
    #[error("{name}: not a catalogue: {reason}")]
    BadCatalogue {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Clips that cannot be read, or do not go together.
    #[error(transparent)]
    Frames(#[from] crate::frames::FramesError),
    /// Images that cannot be read.
    #[error(transparent)]
    Images(#[from] crate::images::ImagesError),
    /// Labelled texts that cannot be read, or do not fit a model.
    #[error(transparent)]
    Labelled(#[from] crate::labelled::LabelledError),
    /// Sentences that cannot be read, or do not go together.
    #[error(transparent)]
    Parallel(#[from] crate::parallel::ParallelError),
    /// Pictures or captions that are not as they should be.
    #[error(transparent)]
    Captions(#[from] crate::captions::CaptionsError),
    /// A server cannot be reached, or does not speak HTTP.
    #[error("{url}: cannot connect; see whether the address is reachable, or use a mirror")]
    Connection {
        /// The address.
        url: String,
        /// What failed.
        source: Box<ureq::Error>,
    },
    /// A server answers with something else than the file.
    #[error("{url}: the server answers with HTTP status {status}")]
    HttpStatus {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// A download that stopped before its end.
    #[error("{url}: the download stopped after {have} of {wanted} bytes; try again to go on from there")]
    Interrupted {
        /// The address.
        url: String,
        /// The bytes that are on disk.
        have: u64,
        /// The size of the file.
        wanted: u64,
        /// What failed, where it was not just the end of the answer.
        source: Option<io::Error>,
    },
    /// A server has a file of another size than the catalogue says.
    #[error("{url}: the file has {seen} bytes or more, and the catalogue says {wanted}; it has changed")]
    WrongSize {
        /// The address.
        url: String,
        /// The size in the catalogue.
        wanted: u64,
        /// The bytes announced or received.
        seen: u64,
    },
    /// A server has a file of another content than the catalogue says.
    #[error(
        "{url}: the SHA-256 of the file is {seen}, and the catalogue says {wanted}; \
         it was damaged on the way or has changed"
    )]
    WrongHash {
        /// The address.
        url: String,
        /// The hash in the catalogue.
        wanted: String,
        /// The hash of what was received.
        seen: String,
    },
    /// A file that is not the one of the catalogue has its name.
    #[error("{}: this file is not the one of the catalogue; move it away to download that one", path.display())]
    DifferentFile {
        /// The path.
        path: PathBuf,
    },
}

impl Error {
    /// A failed read, with the commonest reason told apart.
    pub(crate) fn read(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Error::NoSuchFile { path, source },
            _ => Error::Read { path, source },
        }
    }

    /// A failed write.
    pub(crate) fn write(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Error::Write { path: path.into(), source }
    }
}
