//! Pieces of words: byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909) of bytes.
//!
//! A text is first cut into words by the rule of [`Unit::Word`]; no piece reaches over a word's end. Within a word, the
//! two neighbouring pieces whose union has the lowest id are joined, again and again, until no union is a piece. Every
//! byte is a piece, so that any text can be cut, and the pieces joined are the text.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;

use super::tokenizer::tokens;
use super::{Corpus, Unit};
use crate::DataError;
use crate::byte_pairs::learn;

/// Bytes of a word that are cut together: the time grows with the square of their number.
const TOGETHER: usize = 64;

/// The ids of pieces.
pub(crate) type Pieces = AHashMap<Arc<[u8]>, u32>;

/// The pieces learned from a text that is read in words: all bytes in their order, then up to `merges` unions in the
/// order in which they were learned.
///
/// # Errors
///
/// When they cannot be learned.
pub(crate) fn learned(corpus: &Corpus, merges: usize) -> Result<Vec<Arc<[u8]>>, DataError> {
    // The trainer reads characters: one for each byte.
    let spelled = |part: &[u8]| part.iter().copied().map(char::from).collect::<String>();
    let mut words: BTreeMap<String, u32> = BTreeMap::new();
    for symbol in corpus.symbols() {
        for part in corpus.token(symbol).1.chunks(TOGETHER) {
            let count = words.entry(spelled(part)).or_default();
            *count = count.saturating_add(u32::try_from(symbol.count).unwrap_or(u32::MAX));
        }
    }
    let alphabet = (0..=u8::MAX).map(char::from).collect();
    // The unknown piece is counted too.
    let model = learn(&words, merges.saturating_add(257), alphabet)?;
    let mut found: Vec<(u32, String)> = model.get_vocab().into_iter().map(|(piece, id)| (id, piece)).collect();
    found.sort_unstable();
    let bytes = |piece: String| piece.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Arc<[u8]>>>();
    let joined = found.into_iter().skip(1).filter_map(|(_, piece)| bytes(piece)).filter(|piece| piece.len() > 1);
    Ok((0..=u8::MAX).map(|byte| Arc::from([byte])).chain(joined).collect())
}

/// Cuts a text into words, and these into pieces; appends their ids.
pub(crate) fn cut(pieces: &Pieces, text: &[u8], ids: &mut Vec<u32>) {
    tokens(Unit::Word, text).for_each(|word| cut_word(pieces, word, ids));
}

/// Cuts one word into pieces; appends their ids.
pub(crate) fn cut_word(pieces: &Pieces, word: &[u8], ids: &mut Vec<u32>) {
    word.chunks(TOGETHER).for_each(|part| cut_part(pieces, part, ids));
}

fn cut_part(pieces: &Pieces, part: &[u8], ids: &mut Vec<u32>) {
    // Where each piece begins, and the end of the last one.
    let mut ends: Vec<usize> = (0..=part.len()).collect();
    loop {
        let union = |at: usize| pieces.get(&part[ends[at]..ends[at + 2]]).map(|&id| (id, at));
        let Some((_, at)) = (0..ends.len().saturating_sub(2)).filter_map(union).min() else { break };
        ends.remove(at + 1);
    }
    ids.extend(ends.windows(2).map(|piece| pieces[&part[piece[0]..piece[1]]]));
}

#[cfg(test)]
mod tests;
