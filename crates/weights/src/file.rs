//! Atomic file writes.

use std::io::Write as _;
use std::path::Path;

use tempfile::Builder;

use crate::error::WeightError;

/// Writes `bytes` under a temporary name, and renames the file when it is complete.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), WeightError> {
    let failed = |source| WeightError::Write { path: path.into(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = builder().tempfile_in(folder).map_err(failed)?;
    temporary.write_all(bytes).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Temporary files are private to their owner; the final file has the permissions of the user's mask.
fn builder() -> Builder<'static, 'static> {
    #[cfg_attr(not(unix), allow(unused_mut, reason = "other systems have no such permissions"))]
    let mut builder = Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}
