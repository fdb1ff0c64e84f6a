//! Files that are either whole or not there.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::TrainError;

/// Writes `bytes` to `path` so that a kill at any instant leaves the old file or the new one.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
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
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut file = File::create(path).map_err(TrainError::io("write", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(TrainError::io("write", path))
}

/// Waits until a renaming in the folder of `path` is on the disk.
pub(super) fn sync_parent(path: &Path) -> Result<(), TrainError> {
    // Only Unix lets a folder be opened and synced; elsewhere the system sees to it.
    if cfg!(unix) {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|folder| folder.sync_all()).map_err(TrainError::io("write", parent))?;
    }
    Ok(())
}
