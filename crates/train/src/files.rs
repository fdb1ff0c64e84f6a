//! Atomic file writes, and checksums that detect damage.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::TrainError;

/// Writes `bytes` to `path` atomically: after a kill at any instant, the old file or the new one is there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut name = path.file_name().expect("a file of the run has a name").to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    write_synced(&partial, bytes).inspect_err(|_| {
        // A file that a full disk cut off is useless, and takes space.
        let _ = fs::remove_file(&partial);
    })?;
    fs::rename(&partial, path).map_err(TrainError::io("write", path))?;
    sync_parent(path)
}

/// Writes `bytes` to a new file `path` and syncs it to disk.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut file = File::create(path).map_err(TrainError::io("write", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(TrainError::io("write", path))
}

/// Syncs a rename in the folder of `path` to disk.
pub(crate) fn sync_parent(path: &Path) -> Result<(), TrainError> {
    // Only Unix can open and sync a folder; elsewhere the system does it.
    if cfg!(unix) {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|folder| folder.sync_all()).map_err(TrainError::io("write", parent))?;
    }
    Ok(())
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, TrainError> {
    fs::read(path).map_err(TrainError::io("read", path))
}

/// Creates a folder and its parents.
pub(crate) fn make_folder(path: &Path) -> Result<(), TrainError> {
    fs::create_dir_all(path).map_err(TrainError::io("make the folder", path))
}

/// Deletes a file or a folder with its content, if it exists.
pub(crate) fn remove(path: &Path) -> Result<(), TrainError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(TrainError::io("delete", path)(e)),
        _ => Ok(()),
    }
}

/// The length and SHA-256 of a file, to check that it is unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seal {
    bytes: u64,
    sha256: String,
}

impl Seal {
    /// The seal of a file with this content.
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, sha256: sha256([bytes]) }
    }

    /// Checks the content of the file `path`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Damaged`] when the content differs.
    pub fn check(&self, path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
        if Self::of(bytes) == *self {
            return Ok(());
        }
        Err(TrainError::Damaged { path: path.to_owned(), found: bytes.len() as u64, written: self.bytes })
    }
}

/// The SHA-256 of consecutive pieces, in hexadecimal digits.
pub fn sha256<B: AsRef<[u8]>>(pieces: impl IntoIterator<Item = B>) -> String {
    let mut hash = Sha256::new();
    pieces.into_iter().for_each(|piece| hash.update(piece.as_ref()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
