//! CSV tables of features, with a column of labels.

use std::fs::File;
use std::path::Path;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};

use super::labels::{Alias, Labels};
use super::reader::{ClipReader, RawClip};
use super::{Frames, FramesError};
use crate::Error;

/// Opens a CSV file and reads its header. A byte-order mark before it is no part of the first name.
pub(super) fn open(path: &Path) -> Result<(Reader<File>, StringRecord), Error> {
    let file = File::open(path).map_err(|e| Error::read(path.to_owned(), e))?;
    let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header = reader.headers().map_err(|e| csv_error(path, e))?.clone();
    Ok((reader, header))
}

/// What `csv` says, as an error of this crate.
pub(super) fn csv_error(path: &Path, error: csv::Error) -> Error {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            FramesError::FieldCount { path, line, found: *len, wanted: *expected_len }.into()
        }
        ErrorKind::Io(_) => match error.into_kind() {
            ErrorKind::Io(source) => Error::read(path, source),
            _ => unreachable!("the kind has just been seen"),
        },
        _ => FramesError::Csv { path, source: Box::new(error) }.into(),
    }
}

/// The line on which a row begins, from 1.
pub(super) fn line_of(row: &StringRecord) -> u64 {
    row.position().map_or(0, csv::Position::line)
}

/// The place of a column.
///
/// # Errors
///
/// [`FramesError::MissingColumn`], with the columns there are.
pub(super) fn column(path: &Path, header: &StringRecord, name: &str) -> Result<usize, FramesError> {
    header.iter().position(|column| column == name).ok_or_else(|| FramesError::MissingColumn {
        path: path.to_owned(),
        column: name.to_owned(),
        known: header.iter().collect::<Vec<_>>().join(", "),
    })
}

/// Which columns of a table are features, and which one is the label.
struct Roles {
    /// Column and its name.
    features: Vec<(usize, String)>,
    label: Option<usize>,
}

impl Roles {
    fn of(path: &Path, header: &StringRecord, reader: &ClipReader, labelled: bool) -> Result<Self, FramesError> {
        let label = header.iter().position(|name| name == reader.label_column);
        if labelled && label.is_none() {
            return Err(column(path, header, &reader.label_column).expect_err("the column is not there"));
        }
        for name in &reader.ignore {
            column(path, header, name)?;
        }
        let features = match &reader.columns {
            // A model reads the columns that it was trained on, wherever they stand.
            Some(columns) => {
                let find = |name: &String| Ok((column(path, header, name)?, name.clone()));
                columns.iter().map(find).collect::<Result<_, FramesError>>()?
            }
            None => {
                let named = header.iter().enumerate().map(|(index, name)| (index, name.to_owned()));
                named.filter(|(index, name)| Some(*index) != label && !reader.ignore.contains(name)).collect()
            }
        };
        Ok(Self { features, label })
    }
}

/// Reads a clip. With `labelled`, there must be a column of labels; without, there may be.
///
/// # Errors
///
/// When the file cannot be read or is no CSV file, a column is missing, or a field is no finite number.
pub(super) fn read(path: &Path, name: &str, reader: &ClipReader, labelled: bool) -> Result<RawClip, Error> {
    let (mut table, header) = open(path)?;
    let Roles { features, label } = Roles::of(path, &header, reader, labelled)?;
    let mut values = Vec::new();
    let mut labels = label.map(|_| Labels::new(path, false));
    let mut row = StringRecord::new();
    while table.read_record(&mut row).map_err(|e| csv_error(path, e))? {
        let line = line_of(&row);
        for (index, column) in &features {
            let text = &row[*index];
            match text.parse::<f32>() {
                Ok(value) if value.is_finite() => values.push(value),
                _ => {
                    let (path, column, value) = (path.to_owned(), column.clone(), text.to_owned());
                    return Err(FramesError::NotANumber { path, line, column, value }.into());
                }
            }
        }
        if let (Some(labels), Some(index)) = (&mut labels, label) {
            if row[index].is_empty() {
                let (path, column) = (path.to_owned(), reader.label_column.clone());
                return Err(FramesError::EmptyLabel { path, line, column }.into());
            }
            labels.push(&row[index], &reader.aliases, || format!("line {line}"));
        }
    }
    if values.is_empty() {
        let wanted = "a row of features for each, under a header";
        return Err(FramesError::NoFrames { path: path.to_owned(), wanted }.into());
    }
    let columns: Vec<String> = features.into_iter().map(|(_, name)| name).collect();
    let frames = Frames::Features { width: columns.len(), values };
    Ok(RawClip { name: name.to_owned(), frames, labels, columns: Some(columns) })
}

/// Reads the column of labels of a CSV file that has no features.
///
/// # Errors
///
/// When the file cannot be read or is no CSV file, or the column is missing.
pub(super) fn read_labels(path: &Path, label_column: &str, aliases: &[Alias]) -> Result<Labels, Error> {
    let (mut table, header) = open(path)?;
    let index = column(path, &header, label_column)?;
    let mut labels = Labels::new(path, false);
    let mut row = StringRecord::new();
    while table.read_record(&mut row).map_err(|e| csv_error(path, e))? {
        let line = line_of(&row);
        labels.push(&row[index], aliases, || format!("line {line}"));
    }
    Ok(labels)
}
