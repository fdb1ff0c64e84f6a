//! The files of a text with the result of scanning them.

use super::Unit;
use super::file::TextFile;
use super::scan::{Scan, scan};
use crate::DataError;

/// The files of a text with the result of scanning them.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// The token unit.
    pub(crate) unit: Unit,
    /// Never empty, and without empty files.
    pub(crate) files: Vec<TextFile>,
    /// Total bytes.
    pub(crate) bytes: usize,
    /// Tokens, distinct tokens and positions.
    pub(crate) scan: Scan,
}

impl Scanned {
    /// Scans the files once.
    pub(crate) fn new(unit: Unit, files: Vec<TextFile>, bytes: usize) -> Result<Self, DataError> {
        let scan = scan(unit, &files)?;
        Ok(Self { unit, files, bytes, scan })
    }
}
