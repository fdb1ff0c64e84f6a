//! Learning pieces by byte-pair encoding, for sentences of a translator and texts of a language model.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use tokenizers::Trainer;
use tokenizers::models::bpe::{BPE, BpeTrainer};

use crate::{DataError, ErrorKind};

/// The unknown piece of a model.
pub(crate) const UNKNOWN: &str = "<UNK>";

/// Learns up to `size` pieces of these words, each with its count: the unknown piece, the characters of `alphabet` and
/// of the words, and then the pairs that occur most often, in the order in which they were joined.
///
/// # Errors
///
/// When they cannot be learned.
pub(crate) fn learn(words: &BTreeMap<String, u32>, size: usize, alphabet: HashSet<char>) -> Result<BPE, DataError> {
    let unknown = tokenizers::AddedToken::from(UNKNOWN, true);
    let mut trainer = BpeTrainer::builder()
        .vocab_size(size)
        .show_progress(false)
        .special_tokens(vec![unknown])
        .initial_alphabet(alphabet)
        .build();
    // Repeats each word as often as it occurs, because the trainer counts again.
    let often = |word: &str| Ok(vec![word.to_owned(); words.get(word).map_or(0, |&count| count as usize)]);
    trainer.feed(words.keys(), often).map_err(failed)?;
    let mut model = BPE::builder().unk_token(UNKNOWN.to_owned()).build().map_err(failed)?;
    trainer.train(&mut model).map_err(failed)?;
    Ok(model)
}

/// The error for pieces that cannot be learned.
pub(crate) fn failed(error: impl fmt::Display) -> DataError {
    ErrorKind::Format.error(format!("cannot learn subword pieces: {error}"))
}
