//! Word vocabularies.

mod special;

use std::borrow::Cow;
use std::cmp::Reverse;

use ahash::AHashMap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::threads::in_order;
use crate::{DataError, ErrorKind};

pub use special::Rows;

/// Selects the words of a vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordConfig {
    /// Words that appear less often are unknown. Default 1: none.
    pub min_count: u64,
    /// Keep at most this many words, the most frequent ones. Default: all.
    pub max_size: Option<usize>,
}

impl Default for WordConfig {
    fn default() -> Self {
        Self { min_count: 1, max_size: None }
    }
}

/// Words by id: special tokens first, then the words.
///
/// A vocabulary of sentences has four special tokens: `<PAD>` is padding, `<UNK>` is the unknown word, and a sentence
/// is enclosed in `<START>` and `<END>`. In this form it is stored, as a list. A vocabulary for text classification
/// has only `<UNK>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct WordVocabulary {
    words: Vec<String>,
    numbers: AHashMap<String, u32>,
    /// Number of special tokens.
    special: usize,
}

/// The special tokens of sentences.
const SENTENCES: [&str; 4] = ["<PAD>", "<UNK>", "<START>", "<END>"];

/// The special token of texts.
const TEXTS: [&str; 1] = ["<UNK>"];

impl WordVocabulary {
    /// Padding after the end of a sentence.
    pub const PAD: u32 = 0;
    /// The unknown word in a vocabulary of sentences.
    pub const UNKNOWN: u32 = 1;
    /// The start of a sentence.
    pub const START: u32 = 2;
    /// The end of a sentence.
    pub const END: u32 = 3;

    /// The words that occur at least `min_count` times in some sentences, most frequent first (ties in the order of
    /// their characters), and at most `max_words` of them.
    pub fn new<'a>(
        sentences: impl IntoIterator<Item = &'a Vec<String>>,
        min_count: u64,
        max_words: Option<usize>,
    ) -> Self {
        let sentences: Vec<&Vec<String>> = sentences.into_iter().collect();
        let words = |sentence: &&'a Vec<String>| sentence.iter().map(|word| Cow::Borrowed(word.as_str()));
        Self::of_sentences(&sentences, words, &WordConfig { min_count, max_size: max_words })
    }

    /// The `words` of some sentences selected by `config`, in the same order.
    pub(crate) fn of_sentences<'a, T: Sync, W: IntoIterator<Item = Cow<'a, str>>>(
        sentences: &'a [T],
        words: impl Fn(&'a T) -> W + Sync,
        config: &WordConfig,
    ) -> Self {
        Self::with_special(&SENTENCES, frequent(sentences, words, config, &SENTENCES).0)
    }

    /// The `words` of some texts selected by `config`, in the same order, after `<UNK>` with id 0, and the number of
    /// distinct words.
    pub(crate) fn of_texts<'a, T: Sync, W: IntoIterator<Item = Cow<'a, str>>>(
        texts: &'a [T],
        words: impl Fn(&'a T) -> W + Sync,
        config: &WordConfig,
    ) -> (Self, usize) {
        let (kept, distinct) = frequent(texts, words, config, &TEXTS);
        (Self::with_special(&TEXTS, kept), distinct)
    }

    /// These words of texts, after `<UNK>` with id 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for no words, or a duplicate.
    pub(crate) fn of_text_words(words: Vec<String>) -> Result<Self, DataError> {
        Self::with_special(&TEXTS, words).checked()
    }

    /// Some words in order, after the special tokens of sentences; special tokens among them are skipped.
    pub(crate) fn of_words(words: impl Iterator<Item = String>) -> Self {
        Self::with_special(&SENTENCES, words.filter(|word| !SENTENCES.contains(&word.as_str())).collect())
    }

    fn with_special(special: &[&str], words: Vec<String>) -> Self {
        let words: Vec<String> = special.iter().map(|token| (*token).to_owned()).chain(words).collect();
        let numbers = words.iter().cloned().zip(0..).collect();
        Self { words, numbers, special: special.len() }
    }

    fn checked(self) -> Result<Self, DataError> {
        if self.numbers.len() != self.words.len() {
            return Err(ErrorKind::Format.error("not a vocabulary of words: a word is in it twice"));
        }
        if self.special == TEXTS.len() && self.is_empty() {
            return Err(ErrorKind::Format.error("not a vocabulary of words: there is none in it"));
        }
        Ok(self)
    }

    /// `V`, the number of words, special tokens included.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are only special tokens.
    pub fn is_empty(&self) -> bool {
        self.words.len() == self.special
    }

    /// The id of `<UNK>`: 1 with four special tokens, 0 if it is the only one.
    fn unknown(&self) -> u32 {
        if self.special == TEXTS.len() { 0 } else { Self::UNKNOWN }
    }

    /// The id of a word.
    pub fn id(&self, word: &str) -> Option<u32> {
        self.numbers.get(word).copied().filter(|&number| number as usize >= self.special)
    }

    /// The words with their ids, without the special tokens.
    pub fn words(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..).zip(self.words.iter().map(String::as_str)).skip(self.special)
    }

    /// The id in `other` of each word of this vocabulary; special tokens correspond.
    pub fn map_to(&self, other: &Self) -> Vec<Option<u32>> {
        let special = (0..self.special as u32).map(Some);
        special.chain(self.words().map(|(_, word)| other.id(word))).collect()
    }

    /// The ids of some words.
    pub fn encode(&self, words: &[String]) -> Vec<u32> {
        words.iter().map(|word| self.numbers.get(word).copied().unwrap_or(self.unknown())).collect()
    }

    /// The word of an id; `<UNK>` for an invalid id.
    pub fn word(&self, number: u32) -> &str {
        self.words.get(number as usize).map_or(TEXTS[0], String::as_str)
    }

    /// The words of some ids.
    pub fn decode(&self, numbers: &[u32]) -> Vec<&str> {
        numbers.iter().map(|&number| self.word(number)).collect()
    }

    /// The share of words of some sentences that are in the vocabulary; 1 if there are no words.
    pub fn coverage<'a>(&self, sentences: impl IntoIterator<Item = &'a Vec<String>>) -> f64 {
        let sentences: Vec<&Vec<String>> = sentences.into_iter().collect();
        self.coverage_of(&sentences, |sentence| sentence.iter().map(String::as_str))
    }

    /// The share of the `words` of some sentences that are in the vocabulary; 1 if there are no words.
    pub(crate) fn coverage_of<'a, T: Sync, W: IntoIterator<Item: AsRef<str>>>(
        &self,
        sentences: &'a [T],
        words: impl Fn(&'a T) -> W + Sync,
    ) -> f64 {
        let sentence = |sentence: &'a T| {
            let (mut known, mut all) = (0_u64, 0_u64);
            for word in words(sentence) {
                known += u64::from(self.numbers.contains_key(word.as_ref()));
                all += 1;
            }
            (known, all)
        };
        let add = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1 + b.1);
        let (known, all) = sentences.par_iter().map(sentence).reduce(|| (0, 0), add);
        if all == 0 { 1.0 } else { known as f64 / all as f64 }
    }
}

/// Texts that one thread counts at a time.
const BLOCK: usize = 2048;

/// The number of occurrences of each of the `words` of some texts.
pub(crate) fn counts<'a, T: Sync, W: IntoIterator<Item = Cow<'a, str>>>(
    texts: &'a [T],
    words: impl Fn(&'a T) -> W + Sync,
) -> AHashMap<Cow<'a, str>, u64> {
    let blocks: Vec<&[T]> = texts.chunks(BLOCK).collect();
    let count = |block: &&'a [T]| {
        let mut counts: AHashMap<Cow<'a, str>, u64> = AHashMap::new();
        for word in block.iter().flat_map(&words) {
            *counts.entry(word).or_default() += 1;
        }
        counts
    };
    let mut counts = AHashMap::new();
    in_order(&blocks, count, |block| {
        for (word, count) in block {
            *counts.entry(word).or_default() += count;
        }
    });
    counts
}

/// The `words` of some texts selected by `config`, most frequent first and ties in the order of their characters, and
/// the number of distinct words.
fn frequent<'a, T: Sync, W: IntoIterator<Item = Cow<'a, str>>>(
    texts: &'a [T],
    words: impl Fn(&'a T) -> W + Sync,
    config: &WordConfig,
    special: &[&str],
) -> (Vec<String>, usize) {
    let counts = counts(texts, words);
    let distinct = counts.len();
    let mut kept: Vec<(Reverse<u64>, Cow<'a, str>)> =
        counts.into_iter().map(|(word, count)| (Reverse(count), word)).collect();
    kept.retain(|(count, word)| count.0 >= config.min_count && !special.contains(&&**word));
    kept.sort_unstable();
    kept.truncate(config.max_size.unwrap_or(usize::MAX));
    (kept.into_iter().map(|(_, word)| word.into_owned()).collect(), distinct)
}

impl TryFrom<Vec<String>> for WordVocabulary {
    type Error = DataError;

    fn try_from(words: Vec<String>) -> Result<Self, DataError> {
        if !words.iter().map(String::as_str).take(SENTENCES.len()).eq(SENTENCES) {
            let message = format!("not a vocabulary of words: it does not begin with {}", SENTENCES.join(", "));
            return Err(ErrorKind::Format.error(message));
        }
        Self::with_special(&SENTENCES, words[SENTENCES.len()..].to_vec()).checked()
    }
}

impl From<WordVocabulary> for Vec<String> {
    fn from(vocabulary: WordVocabulary) -> Self {
        vocabulary.words
    }
}

#[cfg(test)]
mod tests;
