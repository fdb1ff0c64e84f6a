//! A reading position in a corpus.

use super::scan::Passage;
use super::scanned::Scanned;
use super::tokenizer::{ID, first_token};
use super::{Unit, Vocabulary};
use crate::DataError;

/// A position between two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    file: usize,
    /// In bytes from the start of the file.
    offset: usize,
}

impl Cursor {
    /// The position before token `token`, or the end of the text if it has fewer tokens.
    pub(crate) fn at(text: &Scanned, token: usize) -> Self {
        match text.unit {
            Unit::Byte => return Self::at_byte(text, token),
            Unit::Bpe => return Self::at_byte(text, token.saturating_mul(ID).min(text.bytes)),
            Unit::Char | Unit::Word | Unit::Term => {}
        }
        let Some(Passage { tokens, bytes }) = text.scan.passage(token, text.bytes) else {
            return Self::at_byte(text, text.bytes);
        };
        let past_entry = token - tokens.start;
        // As many characters as bytes: this part is ASCII.
        if text.unit == Unit::Char && bytes.len() == tokens.len() {
            return Self::at_byte(text, bytes.start + past_entry);
        }
        let mut cursor = Self::at_byte(text, bytes.start);
        for _ in 0..past_entry {
            let rest = cursor.rest(text);
            if rest.is_empty() {
                break;
            }
            cursor.offset += first_token(text.unit, rest);
        }
        cursor
    }

    fn at_byte(text: &Scanned, byte: usize) -> Self {
        let file = text.files.partition_point(|file| file.start <= byte).saturating_sub(1);
        Self { file, offset: byte - text.files[file].start }
    }

    /// The rest of the file, or the next file at its end; empty at the end of the text.
    fn rest<'a>(&mut self, text: &'a Scanned) -> &'a [u8] {
        loop {
            let rest = text.files[self.file].bytes().get(self.offset..).unwrap_or_default();
            if !rest.is_empty() || self.file + 1 == text.files.len() {
                return rest;
            }
            *self = Self { file: self.file + 1, offset: 0 };
        }
    }

    /// Checks that the current file has not changed.
    pub(crate) fn check(&self, text: &Scanned) -> Result<(), DataError> {
        text.files[self.file].check()
    }

    /// Reads as many tokens as `ids` holds and moves past them.
    ///
    /// A token that the vocabulary lacks is read as [`Vocabulary::substitute`]; so are tokens past the end, if a file
    /// was rewritten after it was opened.
    pub(crate) fn read(&mut self, text: &Scanned, vocabulary: &Vocabulary, ids: &mut [u32]) {
        let mut read = 0;
        while read < ids.len() {
            let rest = self.rest(text);
            if rest.is_empty() {
                ids[read..].fill(vocabulary.substitute());
                return;
            }
            let (tokens, bytes) = vocabulary.fill(rest, &mut ids[read..]);
            read += tokens;
            self.offset += bytes;
        }
    }

    /// Copies the next `tokens` tokens verbatim and moves past them.
    pub(crate) fn copy(&mut self, text: &Scanned, tokens: usize) -> Vec<u8> {
        let mut copied = Vec::new();
        for _ in 0..tokens {
            let rest = self.rest(text);
            if rest.is_empty() {
                break;
            }
            let length = first_token(text.unit, rest);
            copied.extend_from_slice(&rest[..length]);
            self.offset += length;
        }
        copied
    }
}
