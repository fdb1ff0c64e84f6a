//! Files that may be packed with gzip.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::Error;

/// The two bytes that gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Opens a file to read what is in it, unpacked where it is a gzip file, whatever its name.
///
/// # Errors
///
/// When the file cannot be read.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead>, Error> {
    let unreadable = |e| Error::read(path.to_owned(), e);
    let mut file = File::open(path).map_err(unreadable)?;
    let mut head = Vec::new();
    file.by_ref().take(2).read_to_end(&mut head).map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let file = BufReader::new(file);
    Ok(if head == GZIP { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}
