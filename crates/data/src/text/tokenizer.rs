//! Splitting a text into tokens.
//!
//! The length of the next token depends only on the text from there on, not on the text before it. So reading may
//! start at any token boundary, as the sparse index of a [`Corpus`](crate::Corpus) requires.

use super::Unit;
use crate::letters::is_word_part;

/// Bytes of the id of a piece, in a text that is cut into pieces.
pub(crate) const ID: usize = 4;

/// The first character of a non-empty text, and its length in bytes.
///
/// A byte that does not start a valid UTF-8 sequence counts as one replacement character: corpora are checked when
/// they are opened, but another program may change a mapped file later.
pub(crate) fn first_char(text: &[u8]) -> (char, usize) {
    let length = match text[0] {
        byte @ 0..=0x7f => return (byte as char, 1),
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    text.get(..length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .and_then(|text| text.chars().next())
        .map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, length))
}

/// The length in bytes of the first token of a non-empty text.
pub(crate) fn first_token(unit: Unit, text: &[u8]) -> usize {
    match unit {
        Unit::Byte => 1,
        Unit::Char => first_char(text).1,
        Unit::Word => first_word(text),
        Unit::Term => first_term(text),
        Unit::Bpe => text.len().min(ID),
    }
}

/// The tokens of a text, in order.
pub(crate) fn tokens(unit: Unit, text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (token, tail) = rest.split_at(first_token(unit, rest));
        rest = tail;
        Some(token)
    })
}

/// A token boundary at byte `least` of a text or soon after it, found without the text before: after a line, or for
/// words before a space after a printed ASCII character. The end of the text if there is none.
pub(crate) fn boundary(unit: Unit, text: &[u8], least: usize) -> usize {
    let Some(pairs) = least.checked_sub(1).map(|before| text[before..].windows(2)) else { return 0 };
    let is_boundary = |pair: &[u8]| match (unit, pair) {
        (Unit::Byte, _) => true,
        // Any byte that does not continue a character.
        (Unit::Char, [_, at]) => !matches!(at, 0x80..=0xbf),
        (Unit::Word | Unit::Term, [before, at]) => {
            *before == b'\n' && *at != b'\n' || before.is_ascii_graphic() && *at == b' '
        }
        _ => unreachable!("windows of two bytes"),
    };
    pairs.into_iter().position(is_boundary).map_or(text.len(), |past| least + past)
}

/// The rule of [`Unit::Word`].
fn first_word(text: &[u8]) -> usize {
    let (first, length) = first_char(text);
    if !first.is_whitespace() {
        return run_or_mark(text);
    }
    let run = run_length(text, |c| c == first);
    if first != ' ' || run == text.len() || first_char(&text[run..]).0.is_whitespace() {
        return run;
    }
    // The last space of the run belongs to the next token.
    if run > length { run - length } else { length + run_or_mark(&text[length..]) }
}

/// The rule of [`Unit::Term`]: a run without white space and the space before it, or one white-space character.
fn first_term(text: &[u8]) -> usize {
    let (first, length) = first_char(text);
    let start = if first == ' ' { length } else { 0 };
    match start + run_length(&text[start..], |c| !c.is_whitespace()) {
        0 => length,
        term => term,
    }
}

/// A run of word characters, or one character of any other kind.
fn run_or_mark(text: &[u8]) -> usize {
    match run_length(text, is_word_character) {
        0 => first_char(text).1,
        run => run,
    }
}

fn run_length(text: &[u8], belongs: impl Fn(char) -> bool) -> usize {
    let mut end = 0;
    while end < text.len() {
        let (c, length) = first_char(&text[end..]);
        if !belongs(c) {
            break;
        }
        end += length;
    }
    end
}

fn is_word_character(c: char) -> bool {
    c == '_' || is_word_part(c)
}

#[cfg(test)]
mod tests;
