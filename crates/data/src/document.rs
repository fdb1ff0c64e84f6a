//! Small files that travel with a model: vocabularies, schemas.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::Error;

/// Writes `text` and the end of a line to `path`, which has the old content or the new whatever happens in between.
///
/// # Errors
///
/// [`Error::Write`].
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let part = path.with_added_extension("part");
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|source| {
        // The failed write is what the user must hear of, not a left-over that cannot be removed.
        let _ = fs::remove_file(&part);
        Error::write(path, source)
    })
}
