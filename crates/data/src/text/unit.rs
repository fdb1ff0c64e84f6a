//! The token unit of a text, read at one time step.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DataError, ErrorKind};

/// The unit of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A Unicode scalar value. The text must be UTF-8.
    #[default]
    Char,
    /// A byte. Any file is valid.
    Byte,
    /// A word or a mark, with the single space before it. The text must be UTF-8.
    ///
    /// The rule, where `word character` is a letter, a digit, a combining mark, U+200C, U+200D or `_`:
    ///
    /// 1. a token is a longest run of word characters, or one other character that is not white space;
    /// 2. the single space (U+0020) right before such a token belongs to it: `"to be,"` is `to`, ` be`, `,`;
    /// 3. other white space is cut into runs of the same character: `"\n\n   x"` is `\n\n`, two spaces, ` x`.
    ///
    /// Concatenating the tokens of a text gives the text.
    Word,
}

impl Unit {
    /// Every unit, in the order of help texts.
    pub const ALL: [Unit; 3] = [Unit::Char, Unit::Byte, Unit::Word];

    /// The name in configurations and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Char => "char",
            Unit::Byte => "byte",
            Unit::Word => "word",
        }
    }

    /// The plural in messages: `characters`, `bytes`, `words`.
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
    type Err = DataError;

    /// Reads a unit's name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setting`] for any other string.
    fn from_str(name: &str) -> Result<Self, DataError> {
        let found = Unit::ALL.into_iter().find(|unit| unit.name() == name);
        found.ok_or_else(|| ErrorKind::Setting.error(format!("there is no unit `{name}`; want char, byte or word")))
    }
}
