//! Tables: CSV and TSV, with a header or without.
//!
//! Without `--text-column` and `--label-column` the first row tells: names such as `sentence` and `label` are a header; else
//! there is none, and two fields are text and label (SST-2), three are label, identifier and text (the IMDb file).

use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::{LabelledError, LabelledText, TextReader};
use crate::Error;

/// Names by which columns are known, in lower case.
const TEXT_NAMES: [&str; 5] = ["text", "sentence", "review", "content", "phrase"];
const LABEL_NAMES: [&str; 4] = ["label", "sentiment", "class", "category"];

/// Where the text and the label of a row are, and whether the first row is a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Columns {
    text: usize,
    label: usize,
    header: bool,
}

/// Reads a table whose fields are divided by `delimiter`. Fields of a CSV file may be quoted; those of a TSV file never
/// are, for reviews have quotes of their own.
///
/// # Errors
///
/// When the file cannot be read, its columns cannot be told, or a row is malformed.
pub(super) fn read(path: &Path, delimiter: u8, reader: &TextReader) -> Result<Vec<LabelledText>, Error> {
    let content = reader.encoding.read(path)?;
    let mut table = ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .quoting(delimiter == b',')
        .from_reader(content.as_bytes());
    let mut columns: Option<Columns> = None;
    let mut texts = Vec::new();
    let mut row = StringRecord::new();
    while table.read_record(&mut row).map_err(|e| table_error(path, e))? {
        let known = match columns {
            Some(columns) => columns,
            None => {
                let found = Columns::of(path, &row, reader)?;
                columns = Some(found);
                if found.header {
                    continue;
                }
                found
            }
        };
        let line = row.position().map_or(0, csv::Position::line);
        let label = row[known.label].trim();
        if label.is_empty() {
            return Err(LabelledError::EmptyLabel { path: path.to_owned(), line }.into());
        }
        let (text, label) = (row[known.text].to_owned(), label.to_owned());
        texts.push(LabelledText { text, label, place: format!("line {line}") });
    }
    Ok(texts)
}

impl Columns {
    fn of(path: &Path, first: &StringRecord, reader: &TextReader) -> Result<Self, LabelledError> {
        let known = |names: &[&str]| {
            let known =
                |field: &str| names.contains(&field.trim().trim_start_matches('\u{FEFF}').to_lowercase().as_str());
            first.iter().position(known)
        };
        let (text, label) = (known(&TEXT_NAMES), known(&LABEL_NAMES));
        match (&reader.text_column, &reader.label_column) {
            (None, None) => match (text, label, first.len()) {
                (Some(text), Some(label), _) => Ok(Self { text, label, header: true }),
                (_, _, 2) => Ok(Self { text: 0, label: 1, header: false }),
                (_, _, 3) => Ok(Self { text: 2, label: 0, header: false }),
                (_, _, found) => Err(LabelledError::UnknownColumns { path: path.to_owned(), found }),
            },
            (text_column, label_column) => {
                let find = |asked: &Option<String>, known: Option<usize>, usual: &str| match asked {
                    Some(column) => place(path, first, column),
                    None => known.map(|index| (index, true)).ok_or_else(|| missing(path, first, usual)),
                };
                let (text, header) = find(text_column, text, TEXT_NAMES[0])?;
                let (label, named) = find(label_column, label, LABEL_NAMES[0])?;
                Ok(Self { text, label, header: header || named })
            }
        }
    }
}

/// The place of the column that is asked for, and whether it was found by its name.
fn place(path: &Path, first: &StringRecord, column: &str) -> Result<(usize, bool), LabelledError> {
    if let Some(index) = first.iter().position(|name| name.trim() == column) {
        return Ok((index, true));
    }
    match column.parse::<usize>() {
        Ok(number) if (1..=first.len()).contains(&number) => Ok((number - 1, false)),
        _ => Err(missing(path, first, column)),
    }
}

fn missing(path: &Path, first: &StringRecord, column: &str) -> LabelledError {
    // The first row of a table without header may be a whole review.
    let shown = |name: &str| {
        if name.chars().count() <= 40 { name.to_owned() } else { name.chars().take(39).chain(['…']).collect() }
    };
    let known = first.iter().map(shown).collect::<Vec<_>>().join(", ");
    LabelledError::MissingColumn { path: path.to_owned(), column: column.to_owned(), known }
}

fn table_error(path: &Path, error: csv::Error) -> LabelledError {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            LabelledError::FieldCount { path, line, found: *len, wanted: *expected_len }
        }
        _ => LabelledError::Table { path, source: Box::new(error) },
    }
}
