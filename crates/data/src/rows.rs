//! A file of rows of numbers that are computed once and read many times, such as image features.
//!
//! ```text
//! RKROWS01 | length of the head, u32 | head, JSON | rows of numbers of 16 bits | SHA-256 of all before it
//! ```
//!
//! Little-endian. The head identifies the source of the rows: a file with another head, a truncated file and one with
//! a flipped bit do not open. A file is written under a temporary name and renamed: a kill leaves no partial one. One
//! process writes a file, under a lock that ends with the process; others wait for it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{DataError, ErrorKind};

const MAGIC: [u8; 8] = *b"RKROWS01";
/// Bytes of the digest.
const DIGEST: u64 = 32;
/// Time between two attempts to lock a file that another process is writing.
const PAUSE: Duration = Duration::from_millis(200);

/// A file of rows, open for reading.
#[derive(Debug)]
pub struct RowFile {
    path: PathBuf,
    file: File,
    /// Offset of the first row.
    start: u64,
    /// Numbers per row.
    width: usize,
}

impl RowFile {
    /// Opens a file of `count` rows of `width` numbers, computed from the source `head`; none if it does not exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Mismatch`] when the file is another, truncated or damaged; others when it cannot be read.
    pub fn open(path: &Path, head: &impl Serialize, count: usize, width: usize) -> Result<Option<Self>, DataError> {
        let failed = |source| DataError::read(path, source);
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        let unfit = |reason: String| ErrorKind::Mismatch.error(reason).within(path);
        let (mut magic, mut length) = ([0; 8], [0; 4]);
        let fixed = file.read_exact(&mut magic).and_then(|()| file.read_exact(&mut length));
        fixed.map_err(|_| unfit("it is cut off".to_owned()))?;
        if magic != MAGIC {
            return Err(unfit("it is not of this version".to_owned()));
        }
        let length = u32::from_le_bytes(length);
        let mut text = Vec::new();
        (&file).take(length.into()).read_to_end(&mut text).map_err(failed)?;
        let found: Value = serde_json::from_slice(&text).map_err(|_| unfit("its head is damaged".to_owned()))?;
        let wanted = serde_json::to_value(head).map_err(|error| unfit(error.to_string()))?;
        let fields = wanted.as_object().into_iter().flatten();
        if let Some((field, _)) = fields.into_iter().find(|(field, value)| found.get(field) != Some(value)) {
            return Err(unfit(format!("it is of other {field}")));
        }
        let start = 12 + u64::from(length);
        let rows = count as u64 * bytes(width);
        let size = file.metadata().map_err(failed)?.len();
        if size != start + rows + DIGEST {
            return Err(unfit(format!("it is cut off: {size} bytes of {}", start + rows + DIGEST)));
        }
        let hash = hash_of(&mut file, start + rows).map_err(failed)?;
        let mut digest = [0; DIGEST as usize];
        file.read_exact(&mut digest).map_err(failed)?;
        if hash.finalize()[..] != digest {
            return Err(unfit("it is damaged: its bytes are not those that were written".to_owned()));
        }
        Ok(Some(Self { path: path.to_owned(), file, start, width }))
    }

    /// Reads some rows, concatenated.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has no such row.
    pub fn rows(&self, rows: &[usize]) -> Result<Vec<f32>, DataError> {
        let size = bytes(self.width);
        let mut file = &self.file;
        let mut values = vec![0.0_f32; rows.len() * self.width];
        let mut buffer = vec![0; size as usize];
        for (&row, values) in rows.iter().zip(values.chunks_mut(self.width)) {
            file.seek(SeekFrom::Start(self.start + row as u64 * size))
                .and_then(|_| file.read_exact(&mut buffer))
                .map_err(|source| DataError::read(&self.path, source))?;
            let bits: Vec<u16> = buffer.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            bits.reinterpret_cast::<f16>().convert_to_f32_slice(values);
        }
        Ok(values)
    }
}

/// A writer of a file of rows. It continues an interrupted file.
#[derive(Debug)]
pub struct RowWriter {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
}

impl RowWriter {
    /// Creates a file, and its parent folders, or continues an interrupted one with the same head. Returns how many
    /// pieces of `piece` numbers it already holds: rows are added in whole pieces.
    ///
    /// While another process is writing the file, this waits and calls `waiting` several times a second, whose error
    /// ends the wait. None when the other process has completed the file: [`RowFile::open`] then reads it.
    ///
    /// # Errors
    ///
    /// When the disk is full or not writable, and those of `waiting`.
    pub fn open<E: From<DataError>>(
        path: &Path,
        head: &impl Serialize,
        piece: usize,
        mut waiting: impl FnMut() -> Result<(), E>,
    ) -> Result<Option<(Self, usize)>, E> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| DataError::write(folder, source))?;
        }
        let partial = path.with_extension("partial");
        let failed = |source| DataError::write(&partial, source);
        let text = serde_json::to_vec(head).map_err(|error| failed(error.into()))?;
        let start = [&MAGIC[..], &(text.len() as u32).to_le_bytes(), &text].concat();
        let mut file = loop {
            let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&partial);
            let file = opened.map_err(failed)?;
            while !is_locked(&file).map_err(failed)? {
                waiting()?;
                thread::sleep(PAUSE);
            }
            if is_at(&file, &partial).map_err(failed)? {
                break file;
            }
            // It is no longer partial: the other process has renamed it. If someone has removed it, this starts anew.
            if path.exists() {
                return Ok(None);
            }
        };
        let mut known = Vec::new();
        (&file).take(start.len() as u64).read_to_end(&mut known).map_err(failed)?;
        let mut pieces = 0;
        if known == start {
            let rows = file.metadata().map_err(failed)?.len() - start.len() as u64;
            pieces = rows / bytes(piece.max(1));
        } else {
            file.rewind().and_then(|()| file.write_all(&start)).map_err(failed)?;
        }
        // Existing data stays in place: a kill at any instant loses no more than is truncated here.
        let kept = start.len() as u64 + pieces * bytes(piece);
        file.set_len(kept).map_err(failed)?;
        let hash = hash_of(&mut file, kept).map_err(failed)?;
        let writer = Self { path: path.to_owned(), file: BufWriter::new(file), hash, partial };
        Ok(Some((writer, pieces as usize)))
    }

    /// Adds rows.
    ///
    /// # Errors
    ///
    /// When the disk is full or not writable.
    pub fn push(&mut self, values: &[f32]) -> Result<(), DataError> {
        self.write(&values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect::<Vec<u8>>())
    }

    /// Completes the file and renames it to its final name.
    ///
    /// # Errors
    ///
    /// When the disk is full or not writable.
    pub fn finish(mut self) -> Result<(), DataError> {
        let digest = self.hash.finalize_reset();
        let failed = |source| DataError::write(&self.partial, source);
        let whole = self.file.write_all(&digest).and_then(|()| self.file.flush());
        whole
            .and_then(|()| self.file.get_ref().sync_all())
            .and_then(|()| fs::rename(&self.partial, &self.path))
            .map_err(failed)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        self.hash.update(bytes);
        self.file.write_all(bytes).map_err(|source| DataError::write(&self.partial, source))
    }
}

/// Locks a file for this process; false while another has it. File systems without locks are written without one.
fn is_locked(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether an open file is still the one at `path`, which may have been renamed or removed.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether there is still a file at `path`.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
}

/// The hash of the first `length` bytes of a file, which is left positioned after them.
fn hash_of(file: &mut File, length: u64) -> io::Result<Sha256> {
    file.rewind()?;
    let (mut hash, mut content, mut piece) = (Sha256::new(), file.take(length), vec![0; 1 << 16]);
    loop {
        match content.read(&mut piece)? {
            0 => return Ok(hash),
            read => hash.update(&piece[..read]),
        }
    }
}

/// Bytes of this many numbers.
fn bytes(width: usize) -> u64 {
    2 * width as u64
}

#[cfg(test)]
mod tests;
