//! What clips must be, and what must be said of broken ones.

mod arrays;
mod batches;
mod clips;
mod generated;
mod manifests;

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Alias, ClipReader, FrameSet, FrameSource, HoldOut, ImageShape, Normalization};
use crate::{DataError, ErrorKind};

/// A folder with files to read.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and gives its path.
    fn with(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn reader() -> ClipReader {
    ClipReader {
        label_column: "label".into(),
        ignore: Vec::new(),
        aliases: Vec::new(),
        image: ImageShape { channels: 1, size: 4 },
        columns: None,
        changes: None,
        normalization: Normalization::default(),
    }
}

fn aliased(alias: &str) -> ClipReader {
    ClipReader { aliases: vec![alias.parse::<Alias>().unwrap()], ..reader() }
}

fn source(text: &str) -> FrameSource {
    FrameSource::parse(text, None).unwrap()
}

fn open(text: &str) -> Result<FrameSet, DataError> {
    FrameSet::open(&source(text), None, &reader(), None)
}

fn open_fold(text: &str, labels: Option<&str>, folds: usize, fold: usize) -> Result<FrameSet, DataError> {
    let source = FrameSource::parse(text, labels.map(str::as_ref))?;
    FrameSet::open(&source, None, &reader(), Some(HoldOut { folds, fold }))
}

/// The whole chain of an error, as a user reads it.
fn words(error: &DataError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

#[track_caller]
fn assert_says<T: std::fmt::Debug>(result: Result<T, DataError>, wanted: &[&str]) {
    let said = words(&result.unwrap_err());
    for word in wanted {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
}
