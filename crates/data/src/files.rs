//! Opening files: gzip, encodings, byte-order marks, and limits on what an archive may unpack to.

mod encoding;
mod signature;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

pub use encoding::Encoding;
pub(crate) use encoding::{invalid_utf8, without_mark};
pub(crate) use signature::signature;

use crate::{DataError, ErrorKind};

/// The first bytes of a gzip file.
pub(crate) const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Bytes that any gzip file may unpack to; beyond that, the ratio is limited.
const FREE: u64 = 64 << 20;

/// The largest ratio of a gzip file's content to its size, unless [`set_ratio`] is called. Text has 3 to 10, DEFLATE
/// allows 1032.
const RATIO: u64 = 100;

static ALLOWED: AtomicU64 = AtomicU64::new(RATIO);

/// Sets the largest ratio of content to size for every gzip file that this process opens from now on. The limit
/// protects the memory of the process, so all readers share it.
pub fn set_ratio(times: u64) {
    ALLOWED.store(times, Ordering::Relaxed);
}

/// Opens a file for streaming; unpacks gzip, whatever the file's name.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] and [`ErrorKind::Read`]. Later reads fail if a gzip file is damaged or unpacks to too much:
/// [`DataError::read`] gives the reason.
pub fn open(path: &Path) -> Result<Box<dyn BufRead>, DataError> {
    let failed = |source| DataError::read(path, source);
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut file = BufReader::new(file);
    let packed = file.fill_buf().map_err(failed)?.starts_with(&GZIP);
    Ok(if packed { Box::new(BufReader::new(Bounded::new(file, size))) } else { Box::new(file) })
}

/// The raw content of a file. The path `-` is standard input.
fn raw(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|source| DataError::read(path, source))?;
    Ok(bytes)
}

/// The content of a file, with gzip unpacked. The path `-` is standard input.
///
/// # Errors
///
/// [`ErrorKind::NotFound`], [`ErrorKind::Read`], [`ErrorKind::Format`] for a damaged gzip file and
/// [`ErrorKind::TooLarge`] for one that unpacks to too much.
pub fn bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = raw(path)?;
    if bytes.starts_with(&GZIP) { unpacked(&bytes, path) } else { Ok(bytes) }
}

/// The content of a gzip file, given as its bytes.
///
/// # Errors
///
/// [`ErrorKind::Format`] for a damaged file and [`ErrorKind::TooLarge`] for one that unpacks to too much.
pub(crate) fn unpacked(packed: &[u8], path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    Bounded::new(packed, packed.len() as u64).read_to_end(&mut bytes).map_err(|source| match source.kind() {
        io::ErrorKind::FileTooLarge => DataError::read(path, source),
        _ => ErrorKind::Format.error("not a whole gzip file").within(path).because(source),
    })?;
    Ok(bytes)
}

/// The text of a UTF-8 file, with gzip unpacked, without its byte-order mark. A UTF-16 mark takes precedence.
///
/// # Errors
///
/// As [`bytes`]; [`ErrorKind::Encoding`] with the line of the first byte that is not UTF-8.
pub fn text(path: &Path) -> Result<String, DataError> {
    // Where an option chooses the encoding, its own reader is used.
    Encoding::UTF_8.read_with(path, "convert it to UTF-8")
}

/// The entries of a folder in natural order: `2_1.txt` before `10_1.txt`. Hidden ones, whose names begin with a dot,
/// are skipped: programs leave such files beside those of a user.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] and [`ErrorKind::Read`].
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let read = || -> io::Result<Vec<PathBuf>> { fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect() };
    let mut entries = read().map_err(|source| DataError::read(folder, source))?;
    entries.retain(|path| path.file_name().is_none_or(|name| !name.as_encoded_bytes().starts_with(b".")));
    alphanumeric_sort::sort_path_slice(&mut entries);
    Ok(entries)
}

/// The file, or the same with `.gz` after its name if only that exists.
pub(crate) fn existing(path: &Path) -> Option<PathBuf> {
    [path.to_owned(), path.with_added_extension("gz")].into_iter().find(|path| path.is_file())
}

/// Whether a file name ends in `.extension`, in any case.
pub(crate) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// Writes `text` and a newline to `path` atomically: an interruption leaves the old content or the new.
///
/// # Errors
///
/// [`ErrorKind::Write`].
pub(crate) fn write(path: &Path, text: &str) -> Result<(), DataError> {
    let part = path.with_added_extension("part");
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|source| {
        // The user needs the error of the write, not one of removing the left-over file.
        let _ = fs::remove_file(&part);
        DataError::write(path, source)
    })
}

/// The content of a gzip file; fails when the ratio is far beyond that of text.
struct Bounded<R> {
    inner: MultiGzDecoder<R>,
    left: u64,
    limit: u64,
    ratio: u64,
}

impl<R: BufRead> Bounded<R> {
    /// Unpacks a file of `size` bytes.
    fn new(packed: R, size: u64) -> Self {
        let ratio = ALLOWED.load(Ordering::Relaxed);
        let limit = size.saturating_mul(ratio).max(FREE);
        Self { inner: MultiGzDecoder::new(packed), left: limit, limit, ratio }
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let reason = format!(
                "this gzip file unpacks to more than {} MiB, over {} times its size; if you trust it, raise \
                 --gzip-ratio",
                self.limit >> 20,
                self.ratio
            );
            io::Error::new(io::ErrorKind::FileTooLarge, reason)
        })?;
        Ok(read)
    }
}
