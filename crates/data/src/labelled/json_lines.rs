//! JSON Lines: an object per line.

use std::path::Path;

use serde_json::Value;

use super::table::same_column;
use super::{LabelledText, TextReader};
use crate::{DataError, ErrorKind, json, table};

/// Reads the fields `text` and `label` of every object, or those named by `reader`. A label is a string, a number or a
/// Boolean, where labels are wanted. Blank lines are skipped.
///
/// # Errors
///
/// When the file cannot be read, a line is not an object, or a field is missing or has another type.
pub(super) fn read(path: &Path, reader: &TextReader) -> Result<Vec<LabelledText>, DataError> {
    let text_column = reader.text_column.as_deref().unwrap_or("text");
    let label_column = reader.label_column.as_deref().unwrap_or("label");
    if text_column == label_column && !reader.unlabelled {
        return Err(same_column(path, &format!("`{text_column}`")));
    }
    let content = reader.encoding.read(path)?;
    let mut texts = Vec::new();
    for line in json::lines(path, &content) {
        let (number, object) = line?;
        let wrong = |reason: String| ErrorKind::Format.error(reason).within(path).line(number);
        let field = |column: &str| {
            let known = object.keys().map(String::as_str);
            object.get(column).ok_or_else(|| table::missing_column(path, column, known, "").line(number))
        };
        let text = field(text_column)?.as_str().ok_or_else(|| wrong(format!("`{text_column}` is not a string")))?;
        let wanted = (!reader.unlabelled).then(|| field(label_column)).transpose()?;
        let label = match wanted {
            None => None,
            Some(Value::String(label)) => Some(label.clone()),
            Some(label @ (Value::Number(_) | Value::Bool(_))) => Some(label.to_string()),
            Some(_) => return Err(wrong(format!("`{label_column}` is neither a string, a number nor a Boolean"))),
        };
        texts.push(LabelledText::on_line(path, number, text, label.as_deref())?);
    }
    Ok(texts)
}
