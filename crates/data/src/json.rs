//! JSON documents, JSON Lines, and the versioned files that belong to a model.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{DataError, ErrorKind, files};

/// Reads a JSON file of any size, with gzip unpacked, with or without a byte-order mark. `wanted` describes the
/// expected content.
///
/// # Errors
///
/// Those of [`files::text`], and [`ErrorKind::Format`] with the line and column of the mistake, or the missing key.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, wanted: &str) -> Result<T, DataError> {
    parse(path, &files::text(path)?, wanted)
}

/// Parses JSON. `path` is for errors, `wanted` describes the expected content.
///
/// # Errors
///
/// [`ErrorKind::Format`].
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, json: &str, wanted: &str) -> Result<T, DataError> {
    serde_json::from_str(json).map_err(|error| ErrorKind::Format.error(format!("not {wanted}: {error}")).within(path))
}

/// The objects of JSON Lines, each with its line from 1. Blank lines are skipped.
///
/// # Errors
///
/// [`ErrorKind::Format`] for a line that is not an object.
pub(crate) fn lines<'a>(
    path: &'a Path,
    text: &'a str,
) -> impl Iterator<Item = Result<(u64, Map<String, Value>), DataError>> + 'a {
    let filled = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    filled.map(move |(number, line)| match serde_json::from_str(line) {
        Ok(object) => Ok((number, object)),
        Err(e) => Err(ErrorKind::Format.error(format!("not a JSON object: {e}")).within(path).line(number)),
    })
}

/// Parses a versioned document, after checking its `format`, if given, and that its version is at most `newest`.
///
/// # Errors
///
/// [`ErrorKind::Format`] and [`ErrorKind::Version`].
pub(crate) fn document<T: DeserializeOwned>(
    path: &Path,
    json: &str,
    format: Option<&str>,
    newest: u64,
) -> Result<T, DataError> {
    let value: Value = parse(path, json, "a vocabulary")?;
    if let Some(wanted) = format {
        let seen = value["format"].as_str().unwrap_or_default();
        if seen != wanted {
            let message = format!("not a vocabulary: its format is `{seen}`, want `{wanted}`");
            return Err(ErrorKind::Format.error(message).within(path));
        }
    }
    if let Some(seen) = value["version"].as_u64().filter(|&seen| seen > newest) {
        let message = format!(
            "the vocabulary has format version {seen}, and this program reads up to {newest}; \
             use a newer version of the program"
        );
        return Err(ErrorKind::Version.error(message).within(path));
    }
    serde_json::from_value(value)
        .map_err(|error| ErrorKind::Format.error(format!("not a vocabulary: {error}")).within(path))
}
