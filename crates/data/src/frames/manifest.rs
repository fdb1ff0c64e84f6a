//! A manifest: a CSV file that lists clips, labels and splits.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::raw::{ClipReader, RawClip};
use super::reader::LabelSource;
use super::{Labels, table};
use crate::files::has_extension;
use crate::split::{Part, Split};
use crate::{DataError, ErrorKind};

/// A line of a manifest.
pub(super) struct Entry {
    line: u64,
    name: String,
    /// The path of the clip.
    pub path: PathBuf,
    /// Its labels, or the name of their file; empty if there are none.
    labels: String,
    /// The path of the file of labels, if it has one.
    pub label_file: Option<PathBuf>,
    /// Its split.
    pub part: Part,
}

/// Whether the CSV file at `path` has the columns of a manifest, `clip` and `path`.
pub(super) fn is_manifest(path: &Path) -> Result<bool, DataError> {
    let header = table::header(path)?;
    Ok(["clip", "path"].iter().all(|wanted| header.names().any(|(_, name)| name == *wanted)))
}

/// Reads the lines of a manifest.
///
/// # Errors
///
/// When it cannot be read.
pub(super) fn entries(path: &Path) -> Result<Vec<Entry>, DataError> {
    let (mut table, header) = table::open(path)?;
    let (name, place) = (header.column("clip")?, header.column("path")?);
    let (labels, split) = (header.find("labels")?, header.find("split")?);
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut entries = Vec::new();
    while let Some(row) = table.row()? {
        let part = match split.map_or("", |column| &row.fields[column]) {
            "" => Part::Train,
            part => part.parse().map_err(|error: DataError| error.within(path).line(row.line))?,
        };
        let labels = labels.map_or("", |column| &row.fields[column]).to_owned();
        let label_file = folder.join(&labels);
        let is_file = ["npy", "csv", "txt"].iter().any(|extension| has_extension(&label_file, extension));
        entries.push(Entry {
            line: row.line,
            name: row.fields[name].to_owned(),
            path: folder.join(&row.fields[place]),
            labels,
            label_file: is_file.then_some(label_file),
            part,
        });
    }
    Ok(entries)
}

/// Checks that no clip is in the manifest `path` twice, by its name or its path.
///
/// # Errors
///
/// [`ErrorKind::Format`], with both lines.
pub(super) fn check_distinct(path: &Path, entries: &[Entry]) -> Result<(), DataError> {
    let (mut names, mut paths) = (HashMap::new(), HashMap::new());
    for Entry { line, name, path: clip, .. } in entries {
        let twice = |message: String| Err(ErrorKind::Format.error(message).within(path).line(*line));
        if let Some(first) = paths.insert(identity(clip), line) {
            return twice(format!("the clip {} is on line {first} too: list each clip once", clip.display()));
        }
        if !name.is_empty()
            && let Some(first) = names.insert(name, line)
        {
            return twice(format!("the clip `{name}` is on line {first} too: give each clip a name of its own"));
        }
    }
    Ok(())
}

/// The path of a file or folder, the same however it is written.
pub(super) fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Reads the clips of a manifest, by split.
///
/// | column | content |
/// |---|---|
/// | `clip` | the clip's name |
/// | `path` | its path, relative to the manifest's folder |
/// | `labels` | a file of labels (`.npy`, `.csv`, `.txt`), or one label for the whole clip; if empty or without the column, any labels are in the clip |
/// | `split` | `train` (also if empty or without the column), `validation` (or `dev`, `val`), `test` |
///
/// # Errors
///
/// When the manifest, or a clip that it names, cannot be read.
pub(super) fn read(path: &Path, reader: &ClipReader) -> Result<Split<Vec<RawClip>>, DataError> {
    let entries = entries(path)?;
    // The first table to train on has the columns of the model.
    let of = |wanted: bool| entries.iter().filter(move |entry| (entry.part == Part::Train) == wanted);
    let reader = &reader.with_columns_of(of(true).chain(of(false)).map(|entry| entry.path.as_path()))?;
    let mut all: Split<Vec<RawClip>> = Split::default();
    for Entry { line, name, path: clip_path, labels, label_file, part } in &entries {
        let source = label_file.as_ref().map_or(LabelSource::ClipIfThere, |file| LabelSource::File(file));
        let clips = reader.read(clip_path, source)?;
        let many = clips.len() > 1;
        for (number, mut clip) in clips.into_iter().enumerate() {
            clip.name = if many { format!("{name}/{number}") } else { name.to_owned() };
            if !labels.is_empty() && label_file.is_none() {
                let mut whole = Labels::new(path, true);
                whole.push(labels, &reader.aliases, || format!("line {line}"))?;
                clip.labels = Some(whole);
            }
            all.get_mut(*part).push(clip);
        }
    }
    Ok(all)
}
