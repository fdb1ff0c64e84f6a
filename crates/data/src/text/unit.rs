//! The token unit of a text, read at one time step.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::labelled::line_of;
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
    /// A word of a text classifier, as [`words`](crate::labelled::words) cuts them, with the single space before it, or
    /// the line end after a text. The text is in the form of
    /// [`LabelledTexts::lines`](crate::labelled::LabelledTexts::lines), where only spaces and line ends separate words;
    /// a word has a single token, at the beginning of a line too.
    Term,
    /// A piece of a word, learned from a text by byte-pair encoding: one to many bytes. Only a vocabulary can cut a
    /// text into pieces, so that a text is opened in words and cut later: see [`Corpus::cut`](crate::Corpus::cut). The
    /// text must be UTF-8.
    Bpe,
}

impl Unit {
    /// Every unit that needs no vocabulary to cut a text into tokens.
    pub const ALL: [Unit; 4] = [Unit::Char, Unit::Byte, Unit::Word, Unit::Term];

    /// The name in configurations and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Char => "char",
            Unit::Byte => "byte",
            Unit::Word => "word",
            Unit::Term => "term",
            Unit::Bpe => "bpe",
        }
    }

    /// The plural in messages: `characters`, `bytes`, `words`.
    pub fn plural(self) -> &'static str {
        match self {
            Unit::Char => "characters",
            Unit::Byte => "bytes",
            Unit::Word | Unit::Term => "words",
            Unit::Bpe => "pieces",
        }
    }

    /// A text that a person wrote, in the form that is cut into tokens of this unit: for [`Unit::Term`] its words, for
    /// any other unit the text itself.
    pub fn form(self, text: &str) -> Cow<'_, str> {
        match self {
            Unit::Term => text.split('\n').map(line_of).collect::<Vec<_>>().join("\n").into(),
            Unit::Char | Unit::Byte | Unit::Word | Unit::Bpe => text.into(),
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
        let found = Unit::ALL.into_iter().chain([Unit::Bpe]).find(|unit| unit.name() == name);
        found
            .ok_or_else(|| ErrorKind::Setting.error(format!("there is no unit `{name}`; want char, byte, word or bpe")))
    }
}
