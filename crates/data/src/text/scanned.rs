//! The files of a text, and what one pass over them found.

use super::Unit;
use super::file::TextFile;
use super::scan::{Scan, scan};
use crate::DataError;

/// The files of a text, and what one pass over them found.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// The unit in which it is read.
    pub(crate) unit: Unit,
    /// Never empty; none of the files is.
    pub(crate) files: Vec<TextFile>,
    /// All bytes.
    pub(crate) bytes: usize,
    /// Tokens, symbols and where they stand.
    pub(crate) scan: Scan,
}

impl Scanned {
    /// Reads the files through once.
    pub(crate) fn new(unit: Unit, files: Vec<TextFile>, bytes: usize) -> Result<Self, DataError> {
        let scan = scan(unit, &files)?;
        Ok(Self { unit, files, bytes, scan })
    }
}
