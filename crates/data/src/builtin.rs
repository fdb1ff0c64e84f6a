//! Texts that the crate carries with it, so that a first model can be trained with no file at all.

use crate::Error;

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
/// [`Error::NoSuchBuiltin`], with the names there are.
pub fn text(name: &str) -> Result<&'static str, Error> {
    TEXTS.iter().find(|text| text.name == name).map(|text| text.text).ok_or_else(|| {
        let known: Vec<&str> = TEXTS.iter().map(|text| text.name).collect();
        Error::NoSuchBuiltin { name: name.into(), known: known.join(", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_this_crates_own() {
        let source = text("source").unwrap();
        assert!(source.contains("fn the_source_is_this_crates_own()"));
        assert!(source.starts_with("// "), "each file begins with its name");
    }

    #[test]
    fn another_name_is_answered_with_the_names_there_are() {
        let error = text("sauce").unwrap_err().to_string();
        assert!(error.contains("sauce") && error.contains("source"), "{error}");
    }
}
