//! Tables: CSV and TSV, with a header or without.
//!
//! A name such as `sentence` or `label` makes the first row a header, and so does a name that is given with
//! `--text-column` or `--label-column`. Otherwise there is none, and a number that is given is a position. Without
//! either option, two fields are text and label (SST-2), three are label, id and text (the IMDb file). A single field
//! is the text, where no labels are wanted.

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
        let given = [&reader.text_column, &reader.label_column];
        let (text, label) = (known(first, &TEXT_NAMES), known(first, &LABEL_NAMES));
        let header = !text.is_empty() || !label.is_empty();
        if !header && given.iter().all(|column| column.is_none()) {
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
        // A number may also be a label of a first row that is no header.
        let named = |column: &str| !is_number(column) && first.names().any(|(_, name)| name.trim() == column);
        let header = header || given.into_iter().flatten().any(|column| named(column));
        let find = |asked: &Option<String>, known: &[&str], usual: &str, option: &str| match (asked, known) {
            (Some(column), _) => place(first, column, header),
            (None, [name]) => first.column(name),
            (None, []) => Err(first.missing_with(usual, &format!("; choose it with {option}"))),
            (None, several) => {
                let message = format!(
                    "{} could be meant: choose one of them with {option}, such as {option} {}",
                    several.iter().map(|name| format!("the column `{name}`")).collect::<Vec<_>>().join(" or "),
                    several[0]
                );
                Err(ErrorKind::Column.error(message).within(path).line(1))
            }
        };
        let text = find(&reader.text_column, &text, TEXT_NAMES[0], "--text-column")?;
        if reader.unlabelled {
            return Ok(Self { text, label: None, header });
        }
        let label = find(&reader.label_column, &label, LABEL_NAMES[0], "--label-column")?;
        if text == label {
            return Err(same_column(path, &format!("column {}", text + 1)));
        }
        Ok(Self { text, label: Some(label), header })
    }
}

/// The different names in the first row that are among `names`.
fn known<'a>(first: &'a Header, names: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (_, name) in first.names() {
        let name = name.trim();
        if names.contains(&&*name.to_lowercase()) && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// The error for a `column` that would be both the text and the label.
pub(super) fn same_column(path: &Path, column: &str) -> DataError {
    let message =
        format!("{column} would be both the text and the label: choose two with --text-column and --label-column");
    ErrorKind::Column.error(message).within(path)
}

/// The index of the requested column. In a header a name comes before a position.
fn place(first: &Header, column: &str, header: bool) -> Result<usize, DataError> {
    if (header || !is_number(column))
        && let Some(index) = first.find(column)?
    {
        return Ok(index);
    }
    match column.parse::<usize>() {
        Ok(number) if (1..=first.len()).contains(&number) => Ok(number - 1),
        _ if !header && is_number(column) => {
            Err(first.missing_with(column, "; a number is a position from 1, as no name shows that line 1 is a header"))
        }
        _ => Err(first.missing(column)),
    }
}

/// Whether a given column is a number, which is a position where there is no header.
fn is_number(column: &str) -> bool {
    column.parse::<f64>().is_ok_and(f64::is_finite)
}
