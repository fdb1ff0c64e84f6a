//! CSV tables of features, with a label column.

use std::io::BufRead;
use std::path::Path;

use super::Frames;
use super::labels::Labels;
use super::raw::{ClipReader, RawClip};
use crate::alias::Alias;
use crate::table::{Dialect, Header, Table};
use crate::{DataError, ErrorKind, files};

/// Opens a CSV file and reads its header.
pub(super) fn open(path: &Path) -> Result<(Table, Header), DataError> {
    with_header(path, files::text(path)?)
}

/// The header of a CSV file; reads only its first line.
pub(super) fn header(path: &Path) -> Result<Header, DataError> {
    let mut line = Vec::new();
    files::open(path)?.read_until(b'\n', &mut line).map_err(|e| DataError::read(path, e))?;
    let line = String::from_utf8_lossy(files::without_mark(&line)).into_owned();
    // A quotation mark that is open here may be closed on the next line.
    with_header(path, line.replace('"', "")).map(|(_, header)| header)
}

fn with_header(path: &Path, text: String) -> Result<(Table, Header), DataError> {
    let dialect = Dialect { trim: true, ..Dialect::CSV.fitted_to(&text) };
    let mut table = Table::new(path, text, dialect)?;
    let header = table.header()?;
    Ok((table, header))
}

/// The feature columns and the label column of a table.
struct Roles {
    /// Index and name of each column.
    features: Vec<(usize, String)>,
    label: Option<usize>,
}

impl Roles {
    fn of(header: &Header, reader: &ClipReader, labelled: bool) -> Result<Self, DataError> {
        let label = header.find(&reader.label_column)?;
        if labelled && label.is_none() {
            return Err(header.missing(&reader.label_column));
        }
        // A model finds its columns by name, in any order, and reads no others: those to ignore need not be there.
        let names: Vec<String> = match &reader.columns {
            Some(columns) => columns.clone(),
            None => {
                let missing = |name: &&String| header.names().all(|(_, known)| known != *name);
                if let Some(name) = reader.ignore.iter().find(missing) {
                    return Err(header.missing(name));
                }
                let named = header.names().filter(|(index, _)| Some(*index) != label).map(|(_, name)| name.to_owned());
                named.filter(|name| !reader.ignore.contains(name)).collect()
            }
        };
        let find = |name: String| Ok((header.column(&name)?, name));
        Ok(Self { features: names.into_iter().map(find).collect::<Result<_, DataError>>()?, label })
    }
}

/// The feature columns of a table, in its order.
///
/// # Errors
///
/// When the file cannot be read or is not CSV, or a column is missing or duplicate.
pub(super) fn columns(path: &Path, reader: &ClipReader) -> Result<Vec<String>, DataError> {
    let Roles { features, .. } = Roles::of(&open(path)?.1, reader, false)?;
    Ok(features.into_iter().map(|(_, name)| name).collect())
}

/// Reads a clip. With `labelled`, a label column is required, otherwise optional.
///
/// # Errors
///
/// When the file cannot be read or is not CSV, a column is missing or duplicate, or a field is not a finite number.
pub(super) fn read(path: &Path, name: &str, reader: &ClipReader, labelled: bool) -> Result<RawClip, DataError> {
    let (mut table, header) = open(path)?;
    let Roles { features, label } = Roles::of(&header, reader, labelled)?;
    let mut values = Vec::new();
    let mut labels = label.map(|_| Labels::new(path, false));
    while let Some(row) = table.row()? {
        for (index, column) in &features {
            let advice = || format!("; `train frames --ignore {column}` leaves out a column that is no feature");
            let value = number(&row.fields[*index], column, advice);
            values.push(value.map_err(|error| error.within(path).line(row.line))?);
        }
        if let (Some(labels), Some(index)) = (&mut labels, label) {
            if row.fields[index].is_empty() {
                let message = format!("there is no label in the column `{}`", reader.label_column);
                return Err(ErrorKind::Label.error(message).within(path).line(row.line));
            }
            labels.push(&row.fields[index], &reader.aliases, || format!("line {}", row.line))?;
        }
    }
    if values.is_empty() {
        let message = "there are no frames: a row of features for each, under a header";
        return Err(ErrorKind::TooLittle.error(message).within(path));
    }
    let columns: Vec<String> = features.into_iter().map(|(_, name)| name).collect();
    let frames = Frames::Features { width: columns.len(), values };
    Ok(RawClip { name: name.to_owned(), path: path.to_owned(), frames, labels, columns: Some(columns) })
}

/// Parses the number in a field. `advice` ends the message of an error.
///
/// # Errors
///
/// [`ErrorKind::Format`] when it is not a finite number.
pub(super) fn number(field: &str, column: &str, advice: impl FnOnce() -> String) -> Result<f32, DataError> {
    field.parse::<f32>().ok().filter(|value| value.is_finite()).ok_or_else(|| {
        ErrorKind::Format.error(format!("`{field}` in the column `{column}` is not a finite number{}", advice()))
    })
}

/// Reads the label column of a CSV file without features.
///
/// # Errors
///
/// When the file cannot be read or is not CSV, or the column is missing.
pub(super) fn read_labels(path: &Path, label_column: &str, aliases: &[Alias]) -> Result<Labels, DataError> {
    let (mut table, header) = open(path)?;
    let index = header.column(label_column)?;
    let mut labels = Labels::new(path, false);
    while let Some(row) = table.row()? {
        labels.push(&row.fields[index], aliases, || format!("line {}", row.line))?;
    }
    Ok(labels)
}
