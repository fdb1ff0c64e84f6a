//! Vocabulary entries, and their printed form.

use std::borrow::Cow;
use std::sync::Arc;

use super::Unit;
use super::tokenizer::tokens;

/// The printed form of the unknown token. It is not a token of any unit: `<` is a separate word.
pub(crate) const UNKNOWN: &str = "<UNK>";

/// One entry of a vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Symbol {
    /// Stands for every token that the vocabulary lacks.
    Unknown,
    /// A byte.
    Byte(u8),
    /// A character.
    Char(char),
    /// A word, shared with the lookup table.
    Word(Arc<str>),
}

impl Symbol {
    /// The entry of a token that is valid in its unit.
    pub(crate) fn of_token(unit: Unit, token: &[u8]) -> Option<Self> {
        match unit {
            Unit::Byte => Self::only(token.iter()).map(|byte| Self::Byte(*byte)),
            Unit::Char => Self::only(std::str::from_utf8(token).ok()?.chars()).map(Self::Char),
            Unit::Word | Unit::Term => {
                Self::only(tokens(unit, token))?;
                Some(Self::Word(std::str::from_utf8(token).ok()?.into()))
            }
        }
    }

    /// Parses the output of [`Symbol::print`].
    pub(crate) fn parse(unit: Unit, text: &str) -> Option<Self> {
        match unit {
            Unit::Byte => Self::parse_byte(text).map(Self::Byte),
            Unit::Char | Unit::Word | Unit::Term => Self::of_token(unit, text.as_bytes()),
        }
    }

    /// The printed form: characters and words as they are, bytes as in a Rust byte string (`a`, `\n`, `\xff`).
    pub(crate) fn print(&self) -> Cow<'_, str> {
        match self {
            Self::Unknown => UNKNOWN.into(),
            Self::Byte(byte) => byte.escape_ascii().to_string().into(),
            Self::Char(c) => c.to_string().into(),
            Self::Word(word) => Cow::Borrowed(word),
        }
    }

    fn parse_byte(text: &str) -> Option<u8> {
        let byte = match text.as_bytes() {
            [b'\\', b'x', digits @ ..] => u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?,
            b"\\n" => b'\n',
            b"\\r" => b'\r',
            b"\\t" => b'\t',
            [b'\\', byte @ (b'\\' | b'\'' | b'"')] => *byte,
            [byte] => *byte,
            _ => return None,
        };
        // A byte has a single spelling, so that a file cannot list it twice unnoticed.
        (byte.escape_ascii().to_string() == text).then_some(byte)
    }

    fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
        let first = items.next()?;
        items.next().is_none().then_some(first)
    }
}

#[cfg(test)]
mod tests;
