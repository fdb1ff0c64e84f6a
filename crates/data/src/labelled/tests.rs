//! Loaders with whole and with broken input, words, vocabularies, batches and vectors.

mod batches;
mod loaders;
mod vocabularies;

use std::fs;
use std::path::{Path, PathBuf};

use super::{LabelledSource, LabelledText, LabelledTexts, TextReader};
use crate::DataError;

/// Writes a file and reads it as labelled texts.
fn read(name: &str, content: impl AsRef<[u8]>, reader: &TextReader) -> Result<LabelledTexts, DataError> {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), name, content);
    LabelledSource::parse(&path.display().to_string())?.read(reader)
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

/// `(text, label)` of each.
fn pairs(texts: &LabelledTexts) -> Vec<(&str, &str)> {
    texts.texts.iter().map(|text| (text.text.as_str(), text.label.as_str())).collect()
}

fn texts(pairs: &[(&str, &str)]) -> LabelledTexts {
    let text = |(text, label): &(&str, &str)| LabelledText {
        text: (*text).to_owned(),
        label: (*label).to_owned(),
        place: "line 1".to_owned(),
    };
    LabelledTexts { name: "texts".to_owned(), texts: pairs.iter().map(text).collect() }
}
