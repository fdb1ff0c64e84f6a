//! Reading sentence pairs.

use std::path::Path;

use super::dates;
use crate::{DataError, ErrorKind, counted, files};

/// Sentences and their translations, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Sentences of the source language.
    pub sources: Vec<String>,
    /// Their translations, as many.
    pub targets: Vec<String>,
}

impl Pairs {
    /// Reads two line-aligned files, where each line of one translates that line of the other. Files may be gzipped.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is not UTF-8, or the numbers of lines differ.
    pub fn read_files(source: &Path, target: &Path) -> Result<Self, DataError> {
        let (sources, targets) = rayon::join(|| lines(source), || lines(target));
        let (sources, targets) = (sources?, targets?);
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

    /// Reads a table with a pair per line and tab-separated columns, as from Tatoeba and Anki; it may be gzipped.
    /// Columns are counted from 1. Blank lines are skipped.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not UTF-8, or a line lacks a column.
    pub fn read_table(path: &Path, source_column: usize, target_column: usize) -> Result<Self, DataError> {
        Self::read_columns(path, [source_column, target_column], "")
    }

    /// The same, with `advice` for a line without tabs.
    pub(super) fn read_columns(path: &Path, wanted: [usize; 2], advice: &str) -> Result<Self, DataError> {
        let [source_column, target_column] = wanted;
        let mut pairs = Self::default();
        for (number, line) in (1..).zip(lines(path)?).filter(|(_, line)| !line.trim().is_empty()) {
            let columns: Vec<&str> = line.split('\t').collect();
            let column = |wanted: usize| match wanted.checked_sub(1).and_then(|column| columns.get(column)) {
                Some(text) => Ok((*text).to_owned()),
                None => {
                    let advice = match columns.len() {
                        1 => format!("; columns are separated by tabs{advice}"),
                        _ => String::new(),
                    };
                    let message = format!("want column {wanted} of {}{advice}", counted(columns.len(), "columns"));
                    Err(ErrorKind::Column.error(message).within(path).line(number))
                }
            };
            pairs.sources.push(column(source_column)?);
            pairs.targets.push(column(target_column)?);
        }
        Ok(pairs)
    }

    /// Generates `count` dates in English words and in ISO format, "the third of march nineteen ninety" and
    /// "1990-03-03", from the years 1900 to 2099. The same `seed` gives the same dates.
    pub fn dates(count: usize, seed: u64) -> Self {
        let (sources, targets) = dates::draw(count, seed).unzip();
        Self { sources, targets }
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Removes pairs with an empty side, and returns their number. For training only: an evaluation keeps them, so
    /// that line numbers stay the same.
    pub fn drop_empty(&mut self) -> usize {
        let before = self.len();
        let pairs = std::mem::take(self);
        let filled = |text: &String| !text.trim().is_empty();
        let kept = pairs.sources.into_iter().zip(pairs.targets).filter(|(s, t)| filled(s) && filled(t));
        (self.sources, self.targets) = kept.unzip();
        before - self.len()
    }

    /// Splits off the last `count` pairs.
    pub(crate) fn split_off_last(&mut self, count: usize) -> Self {
        let at = self.len().saturating_sub(count);
        Self { sources: self.sources.split_off(at), targets: self.targets.split_off(at) }
    }
}

/// The lines of a file, with gzip unpacked. Those of an old Mac end in a carriage return alone.
fn lines(path: &Path) -> Result<Vec<String>, DataError> {
    let text = files::text(path)?;
    let of_old_mac = text.contains('\r') && !text.contains('\n');
    let lines: Vec<&str> = if of_old_mac { text.split_terminator('\r').collect() } else { text.lines().collect() };
    Ok(lines.into_iter().map(str::to_owned).collect())
}
