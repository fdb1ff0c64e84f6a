//! Built-in data sets, `builtin:NAME`, for training a first model of every kind without a file.

use crate::{DataError, ErrorKind};

/// The prefix of a built-in data set's name.
pub(crate) const PREFIX: &str = "builtin:";

/// A text included in the program.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinText {
    /// The name: `source` for `builtin:source`.
    pub name: &'static str,
    /// A one-line description.
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

/// The built-in text `name`.
///
/// # Errors
///
/// [`ErrorKind::Setting`], with the existing names.
pub fn text(name: &str) -> Result<&'static str, DataError> {
    let texts: Vec<(&str, &'static str)> = TEXTS.iter().map(|text| (text.name, text.text)).collect();
    find(name, "built-in text", &texts)
}

/// The one of `sets` that `builtin:NAME` names; none for a text without the prefix. `what` names the kind of sets.
///
/// # Errors
///
/// [`ErrorKind::Setting`] for an unknown name, with the existing ones.
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
