//! A manifest: a CSV file that lists clips, labels and splits.

use std::path::Path;

use super::raw::{ClipReader, RawClip};
use super::reader::LabelSource;
use super::{Labels, table};
use crate::DataError;
use crate::files::has_extension;
use crate::split::{Part, Split};

/// Whether the CSV file at `path` has the columns of a manifest, `clip` and `path`.
pub(super) fn is_manifest(path: &Path) -> Result<bool, DataError> {
    let header = table::header(path)?;
    Ok(["clip", "path"].iter().all(|wanted| header.names().any(|(_, name)| name == *wanted)))
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
    let (mut table, header) = table::open(path)?;
    let (name, place) = (header.column("clip")?, header.column("path")?);
    let (labels, split) = (header.find("labels")?, header.find("split")?);
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut rows = Vec::new();
    while let Some(row) = table.row()? {
        let part = match split.map_or("", |column| &row.fields[column]) {
            "" => Part::Train,
            part => part.parse().map_err(|error: DataError| error.within(path).line(row.line))?,
        };
        rows.push((folder.join(&row.fields[place]), part, row));
    }
    // The first table to train on has the columns of the model.
    let of = |wanted: bool| rows.iter().filter(move |(_, part, _)| (*part == Part::Train) == wanted);
    let reader = &reader.with_columns_of(of(true).chain(of(false)).map(|(path, ..)| path.as_path()))?;
    let mut all: Split<Vec<RawClip>> = Split::default();
    for (clip_path, part, row) in &rows {
        let (part, line) = (*part, row.line);
        let labels = labels.map_or("", |column| &row.fields[column]);
        let label_file = folder.join(labels);
        let is_file = ["npy", "csv", "txt"].iter().any(|extension| has_extension(&label_file, extension));
        let source = if is_file { LabelSource::File(&label_file) } else { LabelSource::ClipIfThere };
        let clips = reader.read(clip_path, source)?;
        let (many, name) = (clips.len() > 1, &row.fields[name]);
        for (number, mut clip) in clips.into_iter().enumerate() {
            clip.name = if many { format!("{name}/{number}") } else { name.to_owned() };
            if !labels.is_empty() && !is_file {
                let mut whole = Labels::new(path, true);
                whole.push(labels, &reader.aliases, || format!("line {line}"))?;
                clip.labels = Some(whole);
            }
            all.get_mut(part).push(clip);
        }
    }
    Ok(all)
}
