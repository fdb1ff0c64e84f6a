//! A folder whose files appear atomically.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{Builder, TempDir};

/// Suffix of the name of an incomplete folder.
const PARTIAL: &str = ".partial";

/// An export takes seconds: an older folder was left by a process that was killed.
const LEFT_BEHIND: Duration = Duration::from_secs(600);

/// A folder that is filled under a temporary name beside its target.
pub struct Staging {
    temporary: TempDir,
    target: PathBuf,
}

impl Staging {
    /// An empty folder that becomes `target` with [`Staging::publish`]; it is removed if dropped before.
    pub fn new(target: &Path) -> io::Result<Self> {
        let target = if target.exists() { target.canonicalize()? } else { target.to_owned() };
        // The root of a file system has no parent.
        let parent = target.parent().unwrap_or(&target);
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        fs::create_dir_all(parent)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{name}.");
        sweep(parent, &prefix);
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(PARTIAL);
        // Temporary folders are private to their owner; this one has the permissions of the user's mask.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        Ok(Self { temporary: builder.tempdir_in(parent)?, target })
    }

    /// The folder to write to.
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Renames the folder to its target. A target with only files of the same names and those of `earlier` is replaced
    /// atomically. Beside other files and into the working directory, those of `earlier` are deleted, and the new ones
    /// moved one by one, `last` after the others; until then there is no `last`.
    pub fn publish(self, last: &str, earlier: &[String]) -> io::Result<()> {
        let Self { temporary, target } = self;
        let names = names(temporary.path())?;
        let is_file = |name: &&OsString| target.join(name).symlink_metadata().is_ok_and(|file| !file.is_dir());
        let earlier: Vec<OsString> = earlier.iter().map(OsString::from).collect();
        let earlier: Vec<&OsString> = earlier.iter().filter(|name| !names.contains(name)).filter(is_file).collect();
        let is_replaced = |name: &OsString| names.contains(name) || earlier.contains(&name);
        for name in &names {
            File::open(temporary.path().join(name))?.sync_all()?;
        }
        sync_folder(temporary.path())?;
        if !target.exists() {
            fs::rename(temporary.path(), &target)?;
            // The temporary folder no longer exists.
            let _ = temporary.keep();
        } else if !is_working_directory(&target) && self::names(&target)?.iter().all(is_replaced) {
            exchange(temporary.path(), &target)?;
        } else {
            // While `last` names them: whoever comes after a crash here can delete the rest.
            for name in &earlier {
                fs::remove_file(target.join(name))?;
            }
            match fs::remove_file(target.join(last)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let (end, others): (Vec<_>, Vec<_>) = names.iter().partition(|name| *name == last);
            for name in others.into_iter().chain(end) {
                fs::rename(temporary.path().join(name), target.join(name))?;
            }
            return sync_folder(&target);
        }
        sync_folder(target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    }
}

/// The names of all entries of a folder.
fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// Whether a folder is the working directory, which would be a deleted one after it was replaced.
fn is_working_directory(folder: &Path) -> bool {
    std::env::current_dir().and_then(|current| current.canonicalize()).is_ok_and(|current| current == folder)
}

/// Exchanges the names of two folders.
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    // Not every system and file system can do it atomically. In between, there is no folder of that name.
    let aside = new.with_extension("old");
    fs::rename(old, &aside)?;
    fs::rename(new, old)?;
    fs::rename(&aside, new)
}

/// Removes the folders left by processes that were killed.
fn sweep(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|at| at.elapsed().ok());
        if name.starts_with(prefix) && name.ends_with(PARTIAL) && age.is_some_and(|age| age > LEFT_BEHIND) {
            // A folder that cannot be removed does no harm.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Only Unix can sync folders.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
