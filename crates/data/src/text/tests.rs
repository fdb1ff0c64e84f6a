//! Claims about texts as a whole: opened, encoded, cut into batches.

mod corpora;
mod streams;
mod vocabularies;

use std::fs;
use std::path::{Path, PathBuf};

use super::TextSource;

/// Writes files of these contents into a folder, named in the order in which they are read.
fn write_files<T: AsRef<[u8]>>(folder: &Path, contents: &[T]) -> TextSource {
    let paths: Vec<PathBuf> = (0..contents.len()).map(|index| folder.join(format!("{index:03}.txt"))).collect();
    for (path, content) in paths.iter().zip(contents) {
        fs::write(path, content).unwrap();
    }
    TextSource::Folder { path: folder.into(), pattern: "*.txt".into() }
}
