//! Decoding token ids to text, one at a time.

use super::Vocabulary;
use super::symbol::Symbol;

/// Decodes token ids as they are sampled, so that text can be shown at once.
///
/// With bytes and pieces a character may take several ids: it is returned with the last of them, so that the output is
/// always valid text.
///
/// ```
/// use rekindle_data::{Decoder, Unit, Vocabulary};
///
/// let vocabulary = Vocabulary::from_text("né", Unit::Byte)?;
/// let mut decoder = Decoder::new(&vocabulary);
/// assert_eq!([0, 1, 2].map(|id| decoder.push(id)), ["n", "", "é"]);
/// assert_eq!(decoder.finish(), "");
/// # Ok::<(), rekindle_data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder<'v> {
    vocabulary: &'v Vocabulary,
    /// The start of a character, at most three bytes.
    pending: Vec<u8>,
}

impl<'v> Decoder<'v> {
    /// A decoder at the start of a text.
    pub fn new(vocabulary: &'v Vocabulary) -> Self {
        Self { vocabulary, pending: Vec::new() }
    }

    /// Adds the next id; returns the text that it completes, often one token.
    pub fn push(&mut self, id: u32) -> String {
        match self.vocabulary.get(id) {
            Some(Symbol::Byte(byte)) => self.push_byte(*byte),
            Some(Symbol::Char(c)) => c.to_string(),
            Some(Symbol::Word(word)) => word.to_string(),
            Some(Symbol::Piece(piece)) => piece.iter().map(|&byte| self.push_byte(byte)).collect(),
            Some(Symbol::Unknown) | None => {
                let mut text = self.finish();
                text.push(char::REPLACEMENT_CHARACTER);
                text
            }
        }
    }

    /// Ends the text: an incomplete character becomes a replacement character.
    pub fn finish(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        text
    }

    fn push_byte(&mut self, byte: u8) -> String {
        self.pending.push(byte);
        let mut text = String::new();
        loop {
            let Err(error) = std::str::from_utf8(&self.pending) else {
                text.push_str(&self.finish());
                return text;
            };
            let Some(invalid) = error.error_len() else {
                return text;
            };
            // These bytes cannot become a character; the rest may start another.
            let rest = self.pending.split_off(error.valid_up_to() + invalid);
            text.push_str(&self.finish());
            self.pending = rest;
        }
    }
}
