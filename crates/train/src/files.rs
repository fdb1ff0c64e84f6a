//! Files that are either whole or not there, and seals that show damage.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::TrainError;

/// Writes `bytes` to `path` so that a kill at any instant leaves the old file or the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut name = path.file_name().expect("a file of the run has a name").to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    write_synced(&partial, bytes).inspect_err(|_| {
        // What is left of a file that a full disk cut off is of no use, and takes room.
        let _ = fs::remove_file(&partial);
    })?;
    fs::rename(&partial, path).map_err(TrainError::io("write", path))?;
    sync_parent(path)
}

/// Writes `bytes` to a new file `path` and waits until they are on the disk.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut file = File::create(path).map_err(TrainError::io("write", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(TrainError::io("write", path))
}

/// Waits until a renaming in the folder of `path` is on the disk.
pub(crate) fn sync_parent(path: &Path) -> Result<(), TrainError> {
    // Only Unix lets a folder be opened and synced; elsewhere the system sees to it.
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

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), TrainError> {
    fs::create_dir_all(path).map_err(TrainError::io("make the folder", path))
}

/// Deletes a file or a folder with all that is in it; nothing where there is none.
pub(crate) fn remove(path: &Path) -> Result<(), TrainError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(TrainError::io("delete", path)(e)),
        _ => Ok(()),
    }
}

/// The length and the SHA-256 that a file must have to be trusted.
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
    /// [`TrainError::Damaged`] when it is another.
    pub fn check(&self, path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
        if Self::of(bytes) == *self {
            return Ok(());
        }
        Err(TrainError::Damaged { path: path.to_owned(), found: bytes.len() as u64, written: self.bytes })
    }
}

/// The SHA-256 of pieces that follow each other, in hexadecimal digits.
pub fn sha256<B: AsRef<[u8]>>(pieces: impl IntoIterator<Item = B>) -> String {
    let mut hash = Sha256::new();
    pieces.into_iter().for_each(|piece| hash.update(piece.as_ref()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
