//! The unit of text that one time step of a network reads.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DataError, ErrorKind};

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
    /// The rule, where `word character` is a letter, a digit, a combining mark, U+200C, U+200D or `_`:
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
