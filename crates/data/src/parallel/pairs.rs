//! Reading pairs of sentences.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::ParallelError;
use super::dates;
use crate::Error;

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
    pub fn read_files(source: &Path, target: &Path) -> Result<Self, Error> {
        let (sources, targets) = (lines(source)?, lines(target)?);
        if sources.len() != targets.len() {
            return Err(ParallelError::LineCounts {
                source_path: source.into(),
                source_lines: sources.len(),
                target_path: target.into(),
                target_lines: targets.len(),
            }
            .into());
        }
        Ok(Self { sources, targets })
    }

    /// Reads a table with a pair a line and tabs between the columns, as Tatoeba and Anki give them out; it may be
    /// compressed by gzip. Columns are counted from 1. Lines of white space are passed over.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not UTF-8, or a line lacks a column.
    pub fn read_table(path: &Path, source_column: usize, target_column: usize) -> Result<Self, Error> {
        let mut pairs = Self::default();
        for (index, line) in lines(path)?.into_iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let columns: Vec<&str> = line.split('\t').collect();
            let column = |wanted: usize| match wanted.checked_sub(1).and_then(|column| columns.get(column)) {
                Some(text) => Ok((*text).to_owned()),
                None => {
                    Err(ParallelError::NoColumn { path: path.into(), line: index + 1, columns: columns.len(), wanted })
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
    pub fn split_off_last(&mut self, count: usize) -> Self {
        let at = self.len().saturating_sub(count);
        Self { sources: self.sources.split_off(at), targets: self.targets.split_off(at) }
    }
}

/// The lines of a file, decompressed if it is gzip (by its first bytes, not by its name).
fn lines(path: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Error::read(path.into(), source);
    let mut bytes = Vec::new();
    File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.starts_with(&[0x1F, 0x8B]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain).map_err(failed)?;
        bytes = plain;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.trim_start_matches('\u{FEFF}').lines().map(str::to_owned).collect()),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let line = 1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count();
            Err(ParallelError::InvalidUtf8 { path: path.into(), line, byte: bytes[at] }.into())
        }
    }
}
