//! The unit of text that one time step of a network reads.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// What one symbol of a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A Unicode scalar value. The text must be UTF-8.
    #[default]
    Char,
    /// A byte. Any file will do.
    Byte,
    /// A word or a mark, with the one space before it. The text must be UTF-8.
    ///
    /// The rule, where `word character` is a letter, a digit or `_`:
    ///
    /// 1. a token is a longest run of word characters, or one other character that is not white space;
    /// 2. the single space (U+0020) right before such a token belongs to it: `"to be,"` is `to`, ` be`, `,`;
    /// 3. other white space is cut into runs of one and the same character: `"\n\n   x"` is `\n\n`, two spaces, ` x`.
    ///
    /// The tokens of a text, joined with nothing between them, are the text again.
    Word,
}

impl Unit {
    /// Every unit, in the order in which help texts list them.
    pub const ALL: [Unit; 3] = [Unit::Char, Unit::Byte, Unit::Word];

    /// The name that configurations and the command line use.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Char => "char",
            Unit::Byte => "byte",
            Unit::Word => "word",
        }
    }

    /// The plural that messages use: `characters`, `bytes`, `words`.
    pub fn plural(self) -> &'static str {
        match self {
            Unit::Char => "characters",
            Unit::Byte => "bytes",
            Unit::Word => "words",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Unit {
    type Err = Error;

    /// Reads a unit's name.
    ///
    /// # Errors
    /// [`Error::NoSuchUnit`] for any other string.
    fn from_str(name: &str) -> Result<Self, Error> {
        Unit::ALL.into_iter().find(|unit| unit.name() == name).ok_or_else(|| Error::NoSuchUnit { name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_reads_back_from_its_name() {
        for unit in Unit::ALL {
            assert_eq!(unit.to_string().parse::<Unit>().unwrap(), unit);
            let json = serde_json::to_string(&unit).unwrap();
            assert_eq!(json, format!("\"{unit}\""));
            assert_eq!(serde_json::from_str::<Unit>(&json).unwrap(), unit);
        }
    }

    #[test]
    fn an_unknown_unit_is_named_in_the_error() {
        let error = "letter".parse::<Unit>().unwrap_err().to_string();
        assert!(error.contains("letter") && error.contains("byte"), "{error}");
    }
}
