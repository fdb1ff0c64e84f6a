//! Subword pieces, learned from text.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};
use tokenizers::Model;
use tokenizers::models::ModelWrapper;
use tokenizers::models::unigram::{Unigram, UnigramTrainer};

use crate::byte_pairs::{UNKNOWN, failed, learn};
use crate::letters::is_word_part;
use crate::names::named;
use crate::vocabulary::{WordVocabulary, counts};
use crate::{DataError, ErrorKind};

/// Starts the first piece of a word after white space or at the beginning. In a text it is read as `_`.
const SPACE: char = '\u{2581}';

/// The algorithm that learns pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubwordKind {
    /// Byte-pair encoding: from characters up, merges the most frequent pair (Sennrich et al. 2016, arXiv 1508.07909).
    Bpe,
    /// A unigram language model: removes pieces from a large set (Kudo 2018, arXiv 1804.10959).
    Unigram,
}

/// Splits sentences into learned pieces, and joins them again.
///
/// A sentence is first split at white space and control characters, and its words into runs of letters and digits and
/// single other characters, so that no piece has a word and its full stop. The first piece of a word starts with `▁`,
/// so that joined pieces restore the sentence, except for the kind of white space, if all characters are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ModelWrapper", into = "ModelWrapper")]
pub struct Subword {
    model: ModelWrapper,
}

impl Subword {
    /// Learns up to `count` pieces from some sentences, all their characters included. The same sentences give the
    /// same pieces.
    ///
    /// # Errors
    ///
    /// When there are more characters than `count`, or no sentence has any.
    pub fn train<'a>(
        kind: SubwordKind,
        sentences: impl IntoIterator<Item = &'a str>,
        count: usize,
    ) -> Result<Self, DataError> {
        let sentences: Vec<&str> = sentences.into_iter().collect();
        let words = counts(&sentences, |sentence| marked_words(sentence).map(Cow::Owned));
        let words: BTreeMap<String, u32> =
            words.into_iter().map(|(word, count)| (word.into_owned(), count as u32)).collect();
        let mut characters: Vec<char> = words.keys().flat_map(|word| word.chars()).collect();
        characters.sort_unstable();
        characters.dedup();
        if characters.is_empty() || characters.len() > count {
            let characters = characters.len();
            let message = format!(
                "cannot learn {count} subword pieces from a text of {characters} characters; give at least that many"
            );
            return Err(ErrorKind::Setting.error(message));
        }
        // The unknown piece is counted too.
        let size = count + 1;
        let model = match kind {
            SubwordKind::Bpe => learn(&words, size, HashSet::new())?.into(),
            SubwordKind::Unigram => unigram(words, size)?.into(),
        };
        Ok(Self { model })
    }

    /// The pieces of a sentence; an unknown character becomes a piece outside of every vocabulary.
    pub fn pieces(&self, sentence: &str) -> Vec<String> {
        let mut pieces = Vec::new();
        for word in marked_words(sentence) {
            match self.model.tokenize(&word) {
                Ok(tokens) => pieces.extend(tokens.into_iter().map(|token| token.value)),
                // A word that the model cannot split is unknown.
                Err(_) => pieces.push(UNKNOWN.to_owned()),
            }
        }
        pieces
    }

    /// The vocabulary of the pieces.
    pub fn vocabulary(&self) -> WordVocabulary {
        let mut pieces: Vec<(u32, String)> =
            self.model.get_vocab().into_iter().map(|(piece, number)| (number, piece)).collect();
        pieces.sort_unstable();
        WordVocabulary::of_words(pieces.into_iter().map(|(_, piece)| piece))
    }

    /// What follows the mark of a piece that begins a word after white space; none of any other piece.
    pub fn word_start(piece: &str) -> Option<&str> {
        piece.strip_prefix(SPACE)
    }

    /// Joins pieces to a sentence.
    pub fn sentence<S: AsRef<str>>(pieces: &[S]) -> String {
        let joined: String = pieces.iter().map(AsRef::as_ref).collect();
        joined.replace(SPACE, " ").trim().to_owned()
    }

    /// A sentence as restored from its pieces.
    pub fn normal_form(sentence: &str) -> String {
        Self::sentence(&marked_words(sentence).collect::<Vec<_>>())
    }
}

impl TryFrom<ModelWrapper> for Subword {
    type Error = DataError;

    fn try_from(model: ModelWrapper) -> Result<Self, DataError> {
        match model {
            ModelWrapper::BPE(_) | ModelWrapper::Unigram(_) => Ok(Self { model }),
            ModelWrapper::WordLevel(_) | ModelWrapper::WordPiece(_) => {
                Err(ErrorKind::Format.error("not a vocabulary of words: its pieces are neither BPE nor unigram"))
            }
        }
    }
}

impl From<Subword> for ModelWrapper {
    fn from(subword: Subword) -> Self {
        subword.model
    }
}

named!(SubwordKind { Bpe => "bpe", Unigram => "unigram" });

/// Runs of letters and digits, and other single characters, the first after white space with its mark.
fn marked_words(sentence: &str) -> impl Iterator<Item = String> {
    let parts = sentence.split(|c: char| c.is_whitespace() || c.is_control()).filter(|part| !part.is_empty());
    parts.flat_map(|part| {
        let mut words: Vec<String> = Vec::new();
        let mut open = false;
        for c in part.chars() {
            let c = if c == SPACE { '_' } else { c };
            let inner = is_word_part(c);
            match words.last_mut() {
                None => words.push([SPACE, c].into_iter().collect()),
                Some(word) if inner && open => word.push(c),
                Some(_) => words.push(c.into()),
            }
            open = inner;
        }
        words
    })
}

fn unigram(words: BTreeMap<String, u32>, size: usize) -> Result<Unigram, DataError> {
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    let trainer = UnigramTrainer::builder()
        .vocab_size(size)
        .show_progress(false)
        .unk_token(Some(UNKNOWN.to_owned()))
        .build()
        .map_err(failed)?;
    let mut model = Unigram::default();
    // One thread, because sums over parts would depend on their number.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let alone = alone.map_err(failed)?;
    // The suffix array of the trainer (esaxx-rs 0.1.10) panics on some very short texts.
    let train = AssertUnwindSafe(|| alone.install(|| trainer.do_train(words.into_iter().collect(), &mut model)));
    let trained = catch_unwind(train).map_err(|_| failed("the unigram trainer cannot read this text; choose bpe"))?;
    trained.map_err(failed)?;
    settle(&model)
}

/// The trainer scores rare characters in hash-table order. This puts them in the order of the characters.
fn settle(model: &Unigram) -> Result<Unigram, DataError> {
    /// The distance between these scores in the trainer.
    const APART: f64 = 1e-4;
    // The first is the unknown piece.
    let mut pieces: Vec<(String, f64)> = model.iter().skip(1).cloned().collect();
    let single = |piece: &str| piece.chars().nth(1).is_none();
    let lowest = pieces.iter().map(|piece| piece.1).fold(f64::INFINITY, f64::min);
    let singles = pieces.iter().filter(|piece| single(&piece.0)).count() as f64;
    let (mut rare, kept): (Vec<_>, Vec<_>) =
        pieces.drain(..).partition(|(piece, score)| single(piece) && *score <= lowest + singles * APART);
    let mut scores: Vec<f64> = rare.iter().map(|piece| piece.1).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    rare.sort_by(|a, b| a.0.cmp(&b.0));
    let mut pieces = kept;
    pieces.extend(rare.into_iter().zip(scores).map(|((piece, _), score)| (piece, score)));
    pieces.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    pieces.insert(0, (UNKNOWN.to_owned(), 0.0));
    Unigram::from(pieces, Some(0), false).map_err(failed)
}

#[cfg(test)]
mod tests;
