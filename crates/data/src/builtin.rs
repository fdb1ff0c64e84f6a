//! Built-in sets, `builtin:NAME`, so that a first model of every kind can be trained with no file at all.

use crate::{DataError, ErrorKind};

/// What stands before the name of a built-in set.
pub(crate) const PREFIX: &str = "builtin:";

/// A text that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinText {
    /// The name: `source` for `builtin:source`.
    pub name: &'static str,
    /// What it is, in a line.
    pub description: &'static str,
    /// The text, UTF-8.
    pub text: &'static str,
}

/// Every built-in text.
pub const TEXTS: &[BuiltinText] = &[BuiltinText {
    name: "source",
    description: "the Rust source code that this program was built from",
    text: include_str!(concat!(env!("OUT_DIR"), "/source.txt")),
}];

/// The built-in text of a name.
///
/// # Errors
///
/// [`ErrorKind::Setting`], with the names there are.
pub fn text(name: &str) -> Result<&'static str, DataError> {
    let texts: Vec<(&str, &'static str)> = TEXTS.iter().map(|text| (text.name, text.text)).collect();
    find(name, "built-in text", &texts)
}

/// Which of `sets` the text `builtin:NAME` names; none for a text that names no built-in set. `what` is what they are.
///
/// # Errors
///
/// [`ErrorKind::Setting`] for another name, with those that there are.
pub(crate) fn parse<T: Copy>(text: &str, what: &str, sets: &[(&str, T)]) -> Result<Option<T>, DataError> {
    text.strip_prefix(PREFIX).map(|name| find(name, what, sets)).transpose()
}

fn find<T: Copy>(name: &str, what: &str, sets: &[(&str, T)]) -> Result<T, DataError> {
    sets.iter().find(|(known, _)| *known == name).map(|(_, set)| *set).ok_or_else(|| {
        let known: Vec<&str> = sets.iter().map(|(known, _)| *known).collect();
        ErrorKind::Setting.error(format!("there is no {what} `{name}`; there is: {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests;
