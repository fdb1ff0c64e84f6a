//! JSON Lines: an object a line.

use std::path::Path;

use serde_json::{Map, Value};

use super::{LabelledError, LabelledText, TextReader};
use crate::Error;

/// Reads the fields `text` and `label` of every object, or those that `reader` names. A label is a string, a number or a
/// Boolean. Blank lines are passed over.
///
/// # Errors
///
/// When the file cannot be read, a line is no object, or a field is missing or of another type.
pub(super) fn read(path: &Path, reader: &TextReader) -> Result<Vec<LabelledText>, Error> {
    let text_column = reader.text_column.as_deref().unwrap_or("text");
    let label_column = reader.label_column.as_deref().unwrap_or("label");
    let content = reader.encoding.read(path)?;
    let mut texts = Vec::new();
    for (number, line) in (1..).zip(content.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |reason: String| LabelledError::JsonLine { path: path.to_owned(), line: number, reason };
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|e| wrong(format!("not a JSON object: {e}")))?;
        let field = |column: &str| {
            object.get(column).ok_or_else(|| LabelledError::MissingColumn {
                path: path.to_owned(),
                column: column.to_owned(),
                known: object.keys().cloned().collect::<Vec<_>>().join(", "),
            })
        };
        let text = field(text_column)?.as_str().ok_or_else(|| wrong(format!("`{text_column}` is not a string")))?;
        let label = match field(label_column)? {
            Value::String(label) => label.trim().to_owned(),
            label @ (Value::Number(_) | Value::Bool(_)) => label.to_string(),
            _ => return Err(wrong(format!("`{label_column}` is neither a string, a number nor a Boolean")).into()),
        };
        if label.is_empty() {
            return Err(LabelledError::EmptyLabel { path: path.to_owned(), line: number as u64 }.into());
        }
        texts.push(LabelledText { text: text.to_owned(), label, place: format!("line {number}") });
    }
    Ok(texts)
}
