//! What can be wrong with pairs of sentences.

use std::path::PathBuf;

/// What is wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParallelError {
    /// Two files that should go line by line do not.
    #[error(
        "{} has {source_lines} lines and {} has {target_lines}; line N of one must translate line N of the other",
        source_path.display(), target_path.display()
    )]
    LineCounts {
        /// The file of the source language.
        source_path: PathBuf,
        /// Its lines.
        source_lines: usize,
        /// The file of the target language.
        target_path: PathBuf,
        /// Its lines.
        target_lines: usize,
    },
    /// A line that is not UTF-8.
    #[error("{}, line {line}: byte 0x{byte:02x} is not valid UTF-8; convert the file", path.display())]
    InvalidUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The first bad byte.
        byte: u8,
    },
    /// A line of a table without the column.
    #[error("{}, line {line}: there are {columns} columns, and column {wanted} is wanted", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The columns of the line, divided by tabs.
        columns: usize,
        /// The column wanted, from 1.
        wanted: usize,
    },
    /// A file of vocabularies that is not one.
    #[error("not a vocabulary of words: {reason}")]
    BadVocabulary {
        /// What is wrong.
        reason: String,
    },
    /// Fewer pieces of words were asked for than there are characters, or there are none.
    #[error("{count} pieces of words cannot be learnt from a text of {characters} characters; give at least that many")]
    FewPieces {
        /// The pieces asked for.
        count: usize,
        /// The different characters of the text, and the mark of a word's beginning.
        characters: usize,
    },
    /// Pieces of words could not be learnt.
    #[error("no pieces of words can be learnt: {reason}")]
    NoPieces {
        /// What is wrong.
        reason: String,
    },
}
