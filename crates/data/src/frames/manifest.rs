//! A manifest: a CSV file that ties clips, labels and parts together.

use std::path::Path;

use super::moving_shapes::Part;
use super::reader::{ClipReader, LabelSource, RawClip, has_extension};
use super::{FramesError, Labels, table};
use crate::Error;

/// Whether the CSV file at `path` has the columns of a manifest, `clip` and `path`.
pub(super) fn is_manifest(path: &Path) -> Result<bool, Error> {
    let (_, header) = table::open(path)?;
    Ok(["clip", "path"].iter().all(|wanted| header.iter().any(|name| name == *wanted)))
}

/// Reads the clips of a manifest, each with the part that it is for.
///
/// | column | what it holds |
/// |---|---|
/// | `clip` | the clip's name |
/// | `path` | where it is, from the manifest's folder |
/// | `labels` | a file of labels (`.npy`, `.csv`, `.txt`), or one label for the whole clip; empty, or without the column: the labels are in the clip, if at all |
/// | `split` | `train` (also if empty or without the column), `validation` (or `dev`, `val`), `test` |
///
/// # Errors
///
/// When the manifest, or a clip that it names, cannot be read.
pub(super) fn read(path: &Path, reader: &ClipReader) -> Result<Vec<(Part, RawClip)>, Error> {
    let (mut table, header) = table::open(path)?;
    let [name, place] = ["clip", "path"].map(|name| table::column(path, &header, name));
    let (name, place) = (name?, place?);
    let [labels, split] = ["labels", "split"].map(|name| header.iter().position(|column| column == name));
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut all = Vec::new();
    let mut row = csv::StringRecord::new();
    while table.read_record(&mut row).map_err(|e| table::csv_error(path, e))? {
        let line = table::line_of(&row);
        let part = split.map_or(Ok(Part::Train), |column| part(path, line, &row[column]))?;
        let clip_path = folder.join(&row[place]);
        let labels = labels.map_or("", |column| &row[column]);
        let label_file = folder.join(labels);
        let is_file = ["npy", "csv", "txt"].iter().any(|extension| has_extension(&label_file, extension));
        let source = if is_file { LabelSource::File(&label_file) } else { LabelSource::ClipIfThere };
        let clips = reader.read(&clip_path, source)?;
        let many = clips.len() > 1;
        for (number, mut clip) in clips.into_iter().enumerate() {
            clip.name = if many { format!("{}/{number}", &row[name]) } else { row[name].to_owned() };
            if !labels.is_empty() && !is_file {
                let mut whole = Labels::new(path, true);
                whole.push(labels, &reader.aliases, || format!("line {line}"));
                clip.labels = Some(whole);
            }
            all.push((part, clip));
        }
    }
    Ok(all)
}

fn part(path: &Path, line: u64, name: &str) -> Result<Part, FramesError> {
    match name {
        "" | "train" => Ok(Part::Train),
        "validation" | "dev" | "val" => Ok(Part::Validation),
        "test" => Ok(Part::Test),
        other => {
            let reason = format!("the split `{other}` is not one: want train, validation or test");
            Err(FramesError::Manifest { path: path.to_owned(), line, reason })
        }
    }
}
