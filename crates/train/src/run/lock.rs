//! One process trains a run at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::TrainError;

/// The file that is locked. It holds the number of the process.
pub(super) const LOCK: &str = "lock";

/// The right to train the run in a folder. The system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct RunLock(#[allow(dead_code, reason = "the lock is held as long as the file is open")] File);

impl RunLock {
    /// Takes the lock of the run in `folder`.
    ///
    /// # Errors
    ///
    /// [`TrainError::InUse`] when another process has it.
    pub(crate) fn take(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(LOCK);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(TrainError::io("write", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                // Where the number cannot be read, the lock still stands.
                let _ = file.read_to_string(&mut process);
                return Err(TrainError::InUse { path: folder.to_owned(), process });
            }
            // Some network folders know no locks.
            Err(TryLockError::Error(_)) => return Ok(Self(file)),
        }
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        written.map_err(TrainError::io("write", &path))?;
        Ok(Self(file))
    }
}
