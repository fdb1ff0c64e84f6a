//! Reading pairs of sentences.

use std::path::Path;

use super::dates;
use crate::{DataError, ErrorKind, counted, files};

/// Sentences and their translations, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Sentences of the source language.
    pub sources: Vec<String>,
    /// Their translations: as many.
    pub targets: Vec<String>,
}

impl Pairs {
    /// Reads two files of which line N of one translates line N of the other. Files may be compressed by gzip.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is not UTF-8, or the files have not as many lines.
    pub fn read_files(source: &Path, target: &Path) -> Result<Self, DataError> {
        let (sources, targets) = (lines(source)?, lines(target)?);
        if sources.len() != targets.len() {
            let message = format!(
                "{} has {} and {} has {}; line N of one must translate line N of the other",
                source.display(),
                counted(sources.len(), "lines"),
                target.display(),
                targets.len()
            );
            return Err(ErrorKind::Mismatch.error(message));
        }
        Ok(Self { sources, targets })
    }

    /// Reads a table with a pair a line and tabs between the columns, as Tatoeba and Anki give them out; it may be
    /// compressed by gzip. Columns are counted from 1. Lines of white space are passed over.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not UTF-8, or a line lacks a column.
    pub fn read_table(path: &Path, source_column: usize, target_column: usize) -> Result<Self, DataError> {
        let mut pairs = Self::default();
        for (number, line) in (1..).zip(lines(path)?).filter(|(_, line)| !line.trim().is_empty()) {
            let columns: Vec<&str> = line.split('\t').collect();
            let column = |wanted: usize| match wanted.checked_sub(1).and_then(|column| columns.get(column)) {
                Some(text) => Ok((*text).to_owned()),
                None => {
                    let message = format!("want column {wanted} of {}", counted(columns.len(), "columns"));
                    Err(ErrorKind::Column.error(message).within(path).line(number))
                }
            };
            pairs.sources.push(column(source_column)?);
            pairs.targets.push(column(target_column)?);
        }
        Ok(pairs)
    }

    /// Dates in English words and in ISO form, "the third of march nineteen ninety" and "1990-03-03": `count` of them,
    /// drawn from the years 1900 to 2099. The same `seed` gives the same.
    pub fn dates(count: usize, seed: u64) -> Self {
        let (sources, targets) = dates::draw(count, seed).unzip();
        Self { sources, targets }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Takes the pairs out of which one side is empty, and says how many they were. For training: an evaluation keeps
    /// them, so that lines stay lines.
    pub fn drop_empty(&mut self) -> usize {
        let before = self.len();
        let pairs = std::mem::take(self);
        let filled = |text: &String| !text.trim().is_empty();
        let kept = pairs.sources.into_iter().zip(pairs.targets).filter(|(s, t)| filled(s) && filled(t));
        (self.sources, self.targets) = kept.unzip();
        before - self.len()
    }

    /// Cuts the last `count` pairs off.
    pub(crate) fn split_off_last(&mut self, count: usize) -> Self {
        let at = self.len().saturating_sub(count);
        Self { sources: self.sources.split_off(at), targets: self.targets.split_off(at) }
    }
}

/// The lines of a file, unpacked if it is gzip.
fn lines(path: &Path) -> Result<Vec<String>, DataError> {
    Ok(files::text(path)?.lines().map(str::to_owned).collect())
}
