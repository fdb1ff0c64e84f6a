//! A lock, so that only one process trains a run at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use crate::error::TrainError;

/// The lock file, which holds the process id.
pub(super) const LOCK: &str = "lock";

/// [`RunLock::is_taken`] holds the lock for a moment: a run that begins then tries again.
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(10);

/// The lock of a run in training. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct RunLock(#[allow(dead_code, reason = "the lock is held as long as the file is open")] File);

impl RunLock {
    /// Takes the lock of the run in `folder`.
    ///
    /// # Errors
    ///
    /// [`TrainError::InUse`] when another process has the lock.
    pub(crate) fn take(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(LOCK);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(TrainError::io("write", &path))?;
        let mut taken = file.try_lock();
        for _ in 0..ATTEMPTS {
            if !matches!(taken, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(PAUSE);
            taken = file.try_lock();
        }
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                // The lock holds even if the process id cannot be read.
                let _ = file.read_to_string(&mut process);
                return Err(TrainError::InUse { path: folder.to_owned(), process });
            }
            // Some network file systems do not support locks.
            Err(TryLockError::Error(_)) => return Ok(Self(file)),
        }
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        written.map_err(TrainError::io("write", &path))?;
        Ok(Self(file))
    }

    /// Whether another process, or another part of this one, has the lock.
    pub(crate) fn is_taken(folder: &Path) -> bool {
        let Ok(file) = File::open(folder.join(LOCK)) else { return false };
        // A shared lock, so that those who ask at the same time do not take each other for the training.
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}
