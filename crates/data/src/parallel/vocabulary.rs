//! Words to numbers.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::ParallelError;

/// Words by number. The first four stand for no word: `<PAD>` fills batches, `<UNK>` is a word that is not in the
/// vocabulary, and a sentence stands between `<START>` and `<END>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct WordVocabulary {
    words: Vec<String>,
    numbers: HashMap<String, u32>,
}

const SPECIAL: [&str; 4] = ["<PAD>", "<UNK>", "<START>", "<END>"];

impl WordVocabulary {
    /// What fills a batch behind the end of a sentence.
    pub const PAD: u32 = 0;
    /// A word that is not in the vocabulary.
    pub const UNKNOWN: u32 = 1;
    /// The beginning of a sentence.
    pub const START: u32 = 2;
    /// Its end.
    pub const END: u32 = 3;

    /// The words that appear `min_count` times or more in some sentences, the most frequent first (of equals, in the
    /// order of their characters), and at most `max_words` of them.
    pub fn new<'a>(
        sentences: impl IntoIterator<Item = &'a Vec<String>>,
        min_count: u64,
        max_words: Option<usize>,
    ) -> Self {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for word in sentences.into_iter().flatten() {
            *counts.entry(word).or_default() += 1;
        }
        let mut words: Vec<(&str, u64)> = counts.into_iter().collect();
        words.retain(|&(word, count)| count >= min_count && !SPECIAL.contains(&word));
        words.sort_unstable_by_key(|&(word, count)| (std::cmp::Reverse(count), word));
        words.truncate(max_words.unwrap_or(usize::MAX));
        Self::of_words(words.into_iter().map(|(word, _)| word.to_owned()))
    }

    /// Some words in their order, behind the special ones; those among them that are special are left out.
    pub(super) fn of_words(words: impl Iterator<Item = String>) -> Self {
        let words = words.filter(|word| !SPECIAL.contains(&word.as_str()));
        Self::of(SPECIAL.into_iter().map(str::to_owned).chain(words).collect())
    }

    fn of(words: Vec<String>) -> Self {
        let numbers = words.iter().cloned().zip(0..).collect();
        Self { words, numbers }
    }

    /// How many words there are, the special ones included.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are no words but the special ones.
    pub fn is_empty(&self) -> bool {
        self.words.len() == SPECIAL.len()
    }

    /// The numbers of some words.
    pub fn encode(&self, words: &[String]) -> Vec<u32> {
        words.iter().map(|word| self.numbers.get(word).copied().unwrap_or(Self::UNKNOWN)).collect()
    }

    /// The word of a number; `<UNK>` for a number that none has.
    pub fn word(&self, number: u32) -> &str {
        self.words.get(number as usize).map_or(SPECIAL[Self::UNKNOWN as usize], String::as_str)
    }

    /// The words of some numbers.
    pub fn decode(&self, numbers: &[u32]) -> Vec<&str> {
        numbers.iter().map(|&number| self.word(number)).collect()
    }

    /// The share of the words of some sentences that are in the vocabulary; 1 for no words.
    pub fn coverage<'a>(&self, sentences: impl IntoIterator<Item = &'a Vec<String>>) -> f64 {
        let (mut known, mut all) = (0_u64, 0_u64);
        for word in sentences.into_iter().flatten() {
            known += u64::from(self.numbers.contains_key(word));
            all += 1;
        }
        if all == 0 { 1.0 } else { known as f64 / all as f64 }
    }
}

impl TryFrom<Vec<String>> for WordVocabulary {
    type Error = ParallelError;

    fn try_from(words: Vec<String>) -> Result<Self, ParallelError> {
        let bad = |reason: String| Err(ParallelError::BadVocabulary { reason });
        if !words.iter().map(String::as_str).take(SPECIAL.len()).eq(SPECIAL) {
            return bad(format!("it does not begin with {}", SPECIAL.join(", ")));
        }
        let vocabulary = Self::of(words);
        if vocabulary.numbers.len() != vocabulary.words.len() {
            return bad("a word is in it twice".to_owned());
        }
        Ok(vocabulary)
    }
}

impl From<WordVocabulary> for Vec<String> {
    fn from(vocabulary: WordVocabulary) -> Self {
        vocabulary.words
    }
}
