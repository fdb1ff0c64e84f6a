//! The catalogue of public data sets that can be downloaded, with addresses, sizes and licences.
//!
//! ```
//! use rekindle_data::catalogue::Catalogue;
//!
//! let catalogue = Catalogue::embedded();
//! let entry = catalogue.find("tiny-shakespeare")?;
//! assert_eq!((entry.task.as_str(), entry.bytes()), ("chars", 1_115_394));
//! # Ok::<(), rekindle_data::DataError>(())
//! ```

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{DataError, ErrorKind};

/// The catalogue, in the order of this crate's file `catalogue.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The data sets.
    #[serde(rename = "entry")]
    pub entries: Vec<Entry>,
}

/// A data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name, on the command line and of the download folder.
    pub name: String,
    /// The task that uses it, such as `chars`.
    pub task: String,
    /// A one-line description.
    pub description: String,
    /// The terms of use.
    pub licence: String,
    /// Authors and reference.
    pub source: String,
    /// The files to download.
    pub files: Vec<RemoteFile>,
}

/// A file of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteFile {
    /// Its path in the folder of the data set, with `/` as separator.
    pub path: String,
    /// Its public URL.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

impl Catalogue {
    /// The catalogue included in this crate.
    pub fn embedded() -> Self {
        Self::parse("catalogue.toml", include_str!("catalogue/catalogue.toml"))
            .expect("a test of this crate reads the embedded catalogue")
    }

    /// The entry `name`.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`], with the existing names.
    pub fn find(&self, name: &str) -> Result<&Entry, DataError> {
        self.entries.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.entries.iter().map(|entry| entry.name.as_str()).collect();
            let message = format!("there is no data set `{name}` in the catalogue; there is: {}", known.join(", "));
            ErrorKind::Setting.error(message)
        })
    }

    fn parse(name: &str, toml: &str) -> Result<Self, DataError> {
        let catalogue: Self = toml::from_str(toml)
            .map_err(|source| ErrorKind::Format.error("not a catalogue").within(name).because(source))?;
        let bad = |reason: String| Err(ErrorKind::Format.error(format!("not a catalogue: {reason}")).within(name));
        let mut names = HashSet::new();
        for entry in &catalogue.entries {
            if !is_plain_path(&entry.name) || entry.name.contains('/') {
                return bad(format!("`{}` is not a plain name", entry.name));
            }
            if !names.insert(&entry.name) {
                return bad(format!("`{}` is in it twice", entry.name));
            }
            if entry.files.is_empty() {
                return bad(format!("`{}` has no files", entry.name));
            }
            for file in &entry.files {
                if let Some(reason) = file.fault() {
                    return bad(format!("`{}`, file `{}`: {reason}", entry.name, file.path));
                }
            }
        }
        Ok(catalogue)
    }
}

impl Entry {
    /// The total size of the files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The local path of a file in the data folder.
    pub fn local_path(&self, file: &RemoteFile, data_folder: &Path) -> PathBuf {
        data_folder.join(&self.name).join(&file.path)
    }

    /// Whether all files exist, by their sizes.
    pub fn is_present(&self, data_folder: &Path) -> bool {
        self.files.iter().all(|file| {
            let metadata = self.local_path(file, data_folder).metadata();
            metadata.is_ok_and(|metadata| metadata.is_file() && metadata.len() == file.bytes)
        })
    }
}

impl RemoteFile {
    fn fault(&self) -> Option<&'static str> {
        if !is_plain_path(&self.path) {
            return Some("its path has other parts than letters, digits, `.`, `_` and `-`");
        }
        if !self.url.starts_with("https://") && !self.url.starts_with("http://") {
            return Some("its url is not one of http or https");
        }
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if self.sha256.len() != 64 || !self.sha256.bytes().all(hex) {
            return Some("its sha256 is not 64 digits of lower-case hexadecimal");
        }
        None
    }
}

/// Whether a path stays below its folder, and is the same in a file system and in a URL.
fn is_plain_path(path: &str) -> bool {
    path.split('/').all(|part| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
    })
}

#[cfg(test)]
mod tests;
