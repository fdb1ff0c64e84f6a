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
    /// A piece of a word.
    Piece(Arc<[u8]>),
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
            Unit::Bpe => (!token.is_empty()).then(|| Self::Piece(token.into())),
        }
    }

    /// Parses the output of [`Symbol::print`].
    pub(crate) fn parse(unit: Unit, text: &str) -> Option<Self> {
        match unit {
            Unit::Byte => Self::parse_byte(text).map(Self::Byte),
            Unit::Bpe => Self::parse_piece(text),
            Unit::Char | Unit::Word | Unit::Term => Self::of_token(unit, text.as_bytes()),
        }
    }

    /// The printed form: characters and words as they are, bytes as in a Rust byte string (`a`, `\n`, `\xff`), pieces
    /// as in a Rust string, with such bytes where a character is incomplete.
    pub(crate) fn print(&self) -> Cow<'_, str> {
        match self {
            Self::Unknown => UNKNOWN.into(),
            Self::Byte(byte) => byte.escape_ascii().to_string().into(),
            Self::Char(c) => c.to_string().into(),
            Self::Word(word) => Cow::Borrowed(word),
            Self::Piece(piece) => print_piece(piece).into(),
        }
    }

    /// The bytes of the token; none of the unknown one.
    pub(crate) fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        Some(match self {
            Self::Unknown => return None,
            Self::Byte(byte) => vec![*byte].into(),
            Self::Char(c) => c.to_string().into_bytes().into(),
            Self::Word(word) => word.as_bytes().into(),
            Self::Piece(piece) => (&**piece).into(),
        })
    }

    fn parse_piece(text: &str) -> Option<Self> {
        let (mut bytes, mut rest) = (Vec::new(), text);
        while let Some(c) = rest.chars().next() {
            let length = match (c, rest.as_bytes().get(1)) {
                ('\\', Some(b'x')) => 4,
                ('\\', _) => 2,
                _ => c.len_utf8(),
            };
            let (one, after) = rest.split_at_checked(length)?;
            match c {
                '\\' => bytes.push(Self::parse_byte(one)?),
                _ => bytes.extend_from_slice(one.as_bytes()),
            }
            rest = after;
        }
        // A piece has a single spelling, so that a file cannot list it twice unnoticed.
        (!bytes.is_empty() && print_piece(&bytes) == text).then(|| Self::Piece(bytes.into()))
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

/// A piece in print: characters as they are but for control characters and backslashes.
fn print_piece(piece: &[u8]) -> String {
    let escaped = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let mut printed = String::new();
    for chunk in piece.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' | '\0'..='\x1f' | '\x7f' => printed += &escaped(&[c as u8]),
                _ => printed.push(c),
            }
        }
        printed += &escaped(chunk.invalid());
    }
    printed
}

#[cfg(test)]
mod tests;
