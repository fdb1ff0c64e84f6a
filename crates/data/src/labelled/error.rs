//! What can go wrong with labelled texts.

use std::io;
use std::path::PathBuf;

/// What is wrong with labelled texts, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelledError {
    /// A source with nothing in it, or an empty part in a list.
    #[error("`{text}` does not name labelled texts: want PATH, PATH,PATH or builtin:reviews")]
    NoSource {
        /// What was given.
        text: String,
    },
    /// A built-in set of this name does not exist.
    #[error("there are no built-in texts `{name}` with labels; there is: reviews")]
    NoSuchBuiltin {
        /// The name asked for.
        name: String,
    },
    /// A file of a kind that is not known.
    #[error(
        "{}: not known by its name; labelled texts are in .csv, .tsv, .jsonl (or these with .gz), in a folder with a \
         sub-folder for each class, or in a file for each class (a.pos,a.neg)",
        path.display()
    )]
    UnknownKind {
        /// The file.
        path: PathBuf,
    },
    /// An encoding of this name does not exist.
    #[error(
        "there is no text encoding `{name}`; examples: utf-8, windows-1252, iso-8859-15, shift_jis; `auto` detects"
    )]
    NoSuchEncoding {
        /// The name asked for.
        name: String,
    },
    /// Bytes that are no text in the encoding that was asked for.
    #[error("{}, line {line}: not {encoding}; give another --encoding, or `auto`", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The first line that is not, from 1.
        line: usize,
        /// The encoding.
        encoding: &'static str,
    },
    /// A compressed file that is damaged, cut off, or no such file.
    #[error("{}: not a whole gzip file", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A table that is malformed.
    #[error("{}: not a table that can be read", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        source: Box<csv::Error>,
    },
    /// A row with more or fewer fields than the first one.
    #[error("{}, line {line}: {found} fields, and the first row has {wanted}", path.display())]
    FieldCount {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Fields of the row.
        found: u64,
        /// Fields of the first row.
        wanted: u64,
    },
    /// A table whose columns cannot be told.
    #[error(
        "{}: {found} columns without names that are known: say which are text and label with --text-column and \
         --label-column, by name, or by number from 1 where there is no header",
        path.display()
    )]
    UnknownColumns {
        /// The file.
        path: PathBuf,
        /// Columns of the first row.
        found: usize,
    },
    /// A column that is not there.
    #[error("{}: there is no column `{column}`; there are: {known}", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column that was looked for.
        column: String,
        /// Those that there are.
        known: String,
    },
    /// A line of JSON Lines that is no object with a text and a label.
    #[error("{}, line {line}: {reason}", path.display())]
    JsonLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A text without a label.
    #[error("{}, line {line}: the label is empty", path.display())]
    EmptyLabel {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// A folder that has no sub-folder with texts.
    #[error("{}: no sub-folder of this folder holds a .txt file, and none of its files is named by its class", path.display())]
    NoClassFolders {
        /// The folder.
        path: PathBuf,
    },
    /// A file of lines whose class is not in its name.
    #[error("{}: a file of lines is named by its class, such as reviews.pos", path.display())]
    NoClassInName {
        /// The file.
        path: PathBuf,
    },
    /// There is no text at all.
    #[error("{name}: there is no text in it")]
    NoTexts {
        /// The source.
        name: String,
    },
    /// Fewer than two classes: there is nothing to tell apart.
    #[error("{name}: every text is labelled `{label}`; two classes or more are needed to learn from")]
    OneClass {
        /// The source.
        name: String,
        /// The only label.
        label: String,
    },
    /// A label that the model does not know.
    #[error("{name}, {place}: the label `{label}` is none of the model's: {known}")]
    UnknownLabel {
        /// The source.
        name: String,
        /// Where it stands.
        place: String,
        /// The label.
        label: String,
        /// Those that the model knows.
        known: String,
    },
    /// A share to hold out that leaves one part empty.
    #[error("a share of {share} of {texts} texts cannot be held out: both parts need a text")]
    BadShare {
        /// The share.
        share: f64,
        /// The texts there are.
        texts: usize,
    },
    /// Limits that leave no word.
    #[error("no word is left: of {words} distinct words none appears {min_count} times; lower --min-count")]
    NoWords {
        /// Distinct words.
        words: usize,
        /// How often a word must appear.
        min_count: u64,
    },
    /// A line of word vectors that is none.
    #[error("{}, line {line}: {reason}", path.display())]
    WordVector {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of words and classes that is damaged.
    #[error("{}: not a file of words and classes: {reason}", path.display())]
    BadVocabulary {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
