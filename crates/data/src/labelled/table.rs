//! Tables: CSV and TSV, with a header or without.
//!
//! Without `--text-column` and `--label-column`, a name such as `sentence` or `label` makes the first row a header.
//! Otherwise there is none; two fields are text and label (SST-2), three are label, id and text (the IMDb file). A single
//! field is the text, where no labels are wanted.

use std::path::Path;

use super::{LabelledText, TextReader};
use crate::table::{Dialect, Header, Table};
use crate::{DataError, ErrorKind, counted};

/// Known column names, in lower case.
const TEXT_NAMES: [&str; 5] = ["text", "sentence", "review", "content", "phrase"];
const LABEL_NAMES: [&str; 4] = ["label", "sentiment", "class", "category"];

/// The text and label columns, and whether the first row is a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Columns {
    text: usize,
    /// None if no labels are wanted.
    label: Option<usize>,
    header: bool,
}

/// Reads a table. Fields of a CSV file may be quoted; those of a TSV file are not, as reviews contain quotes.
///
/// # Errors
///
/// When the file cannot be read, its columns cannot be determined, or a row is malformed.
pub(super) fn read(path: &Path, dialect: Dialect, reader: &TextReader) -> Result<Vec<LabelledText>, DataError> {
    let content = reader.encoding.read(path)?;
    let dialect = if dialect == Dialect::CSV { dialect.fitted_to(&content) } else { dialect };
    let mut table = Table::new(path, content, dialect)?;
    let mut texts = Vec::new();
    let Some(first) = table.row()? else { return Ok(texts) };
    let columns = Columns::of(path, &Header::of(path, first.fields.clone()), reader)?;
    let mut next = if columns.header { table.row()? } else { Some(first) };
    while let Some(row) = next {
        let (text, label) = (&row.fields[columns.text], columns.label.map(|label| &row.fields[label]));
        texts.push(LabelledText::on_line(path, row.line, text, label)?);
        next = table.row()?;
    }
    Ok(texts)
}

impl Columns {
    fn of(path: &Path, first: &Header, reader: &TextReader) -> Result<Self, DataError> {
        let known = |names: &[&str]| {
            first.names().map(|(_, name)| name.trim()).find(|name| names.contains(&&*name.to_lowercase()))
        };
        let (text, label) = (known(&TEXT_NAMES), known(&LABEL_NAMES));
        let header = text.is_some() || label.is_some();
        if !header && reader.text_column.is_none() && reader.label_column.is_none() {
            let columns = |text, label| Ok(Self { text, label: Some(label).filter(|_| !reader.unlabelled), header });
            return match first.len() {
                1 if reader.unlabelled => columns(0, 0),
                2 => columns(0, 1),
                3 => columns(2, 0),
                found => {
                    let which = match reader.unlabelled {
                        true => "the text with --text-column",
                        false => "the text and the label with --text-column and --label-column",
                    };
                    let message = format!(
                        "{} without known names: choose {which}, by name, or by number from 1 where there is no header",
                        counted(found, "columns")
                    );
                    Err(ErrorKind::Column.error(message).within(path))
                }
            };
        }
        let find = |asked: &Option<String>, known: Option<&str>, usual: &str, option: &str| match (asked, known) {
            (Some(column), _) => place(first, column),
            (None, Some(name)) => Ok((first.column(name)?, true)),
            (None, None) => Err(first.missing_with(usual, &format!("; choose it with {option}"))),
        };
        let (text, text_named) = find(&reader.text_column, text, TEXT_NAMES[0], "--text-column")?;
        if reader.unlabelled {
            return Ok(Self { text, label: None, header: header || text_named });
        }
        let (label, label_named) = find(&reader.label_column, label, LABEL_NAMES[0], "--label-column")?;
        if text == label {
            return Err(same_column(path, &format!("column {}", text + 1)));
        }
        Ok(Self { text, label: Some(label), header: header || text_named || label_named })
    }
}

/// The error for a `column` that would be both the text and the label.
pub(super) fn same_column(path: &Path, column: &str) -> DataError {
    let message =
        format!("{column} would be both the text and the label: choose two with --text-column and --label-column");
    ErrorKind::Column.error(message).within(path)
}

/// The index of the requested column, and whether it was found by name.
fn place(first: &Header, column: &str) -> Result<(usize, bool), DataError> {
    if let Some(index) = first.find(column)? {
        return Ok((index, true));
    }
    match column.parse::<usize>() {
        Ok(number) if (1..=first.len()).contains(&number) => Ok((number - 1, false)),
        _ => Err(first.missing(column)),
    }
}
