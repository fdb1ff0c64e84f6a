//! The words and classes that a model knows, and their numbers.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{LabelledError, LabelledTexts, words};
use crate::{Error, document};

const FORMAT: &str = "rekindle-words";
const VERSION: u64 = 1;

/// Which words are known.
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

/// The words and classes that a model knows. Number 0 is the unknown word; the others follow, the most frequent first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordVocabulary {
    words: Vec<String>,
    ids: HashMap<String, u32>,
    classes: Vec<String>,
}

/// Texts as numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedTexts {
    /// The words of each text; never empty.
    pub texts: Vec<Vec<u32>>,
    /// The class of each text.
    pub labels: Vec<u32>,
    /// The share of the words that are unknown.
    pub unknown_share: f64,
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    version: u64,
    classes: Vec<String>,
    words: Vec<String>,
}

impl WordVocabulary {
    /// The number of the unknown word.
    pub const UNKNOWN: u32 = 0;

    /// The words and classes of `texts`.
    ///
    /// # Errors
    ///
    /// [`LabelledError::OneClass`] and [`LabelledError::NoWords`].
    pub fn build(texts: &LabelledTexts, config: &WordConfig) -> Result<Self, LabelledError> {
        let classes = texts.classes();
        if let [label] = &classes[..] {
            return Err(LabelledError::OneClass { name: texts.name.clone(), label: label.clone() });
        }
        let mut counts: HashMap<String, u64> = HashMap::new();
        for text in &texts.texts {
            for word in words(&text.text) {
                *counts.entry(word.text).or_default() += 1;
            }
        }
        let distinct = counts.len();
        let mut kept: Vec<(String, u64)> = counts.into_iter().filter(|(_, count)| *count >= config.min_count).collect();
        kept.sort_by(|(a, a_count), (b, b_count)| (Reverse(a_count), a).cmp(&(Reverse(b_count), b)));
        kept.truncate(config.max_size.unwrap_or(usize::MAX));
        if kept.is_empty() {
            return Err(LabelledError::NoWords { words: distinct, min_count: config.min_count });
        }
        Ok(Self::from_parts(kept.into_iter().map(|(word, _)| word).collect(), classes))
    }

    fn from_parts(words: Vec<String>, classes: Vec<String>) -> Self {
        let ids = (Self::UNKNOWN + 1..).zip(&words).map(|(id, word)| (word.clone(), id)).collect();
        Self { words, ids, classes }
    }

    /// V, the number of words, the unknown one included.
    #[expect(clippy::len_without_is_empty, reason = "a vocabulary has the unknown word at least")]
    pub fn len(&self) -> usize {
        self.words.len() + 1
    }

    /// The classes, in the order of their numbers.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The number of a word.
    pub fn id(&self, word: &str) -> Option<u32> {
        self.ids.get(word).copied()
    }

    /// The words with their numbers, without the unknown one.
    pub fn words(&self) -> impl Iterator<Item = (u32, &str)> {
        (Self::UNKNOWN + 1..).zip(self.words.iter().map(String::as_str))
    }

    /// For each word of this vocabulary (the unknown one is known everywhere), its number in another one.
    pub fn map_to(&self, other: &Self) -> Vec<Option<u32>> {
        std::iter::once(Some(Self::UNKNOWN)).chain(self.words.iter().map(|word| other.id(word))).collect()
    }

    /// The numbers of the words of a text, each with the place of its word in [`words`]. Of a text longer than
    /// `max_length` the first and the last half are kept, which beat either end alone in Sun et al. 2019
    /// (arXiv 1905.05583). A text without words is the unknown word, with no place.
    pub fn encode(&self, text: &str, max_length: usize) -> (Vec<u32>, Vec<usize>) {
        let all = words(text);
        let places: Vec<usize> = if all.len() > max_length {
            let head = max_length.div_ceil(2);
            (0..head).chain(all.len() - (max_length - head)..all.len()).collect()
        } else {
            (0..all.len()).collect()
        };
        if places.is_empty() {
            return (vec![Self::UNKNOWN], places);
        }
        let id = |&place: &usize| self.id(&all[place].text).unwrap_or(Self::UNKNOWN);
        (places.iter().map(id).collect(), places)
    }

    /// All texts as numbers. See [`encode`](Self::encode).
    ///
    /// # Errors
    ///
    /// [`LabelledError::UnknownLabel`] for a label that is none of the classes.
    pub fn encode_all(&self, texts: &LabelledTexts, max_length: usize) -> Result<EncodedTexts, LabelledError> {
        let mut encoded = EncodedTexts { texts: Vec::new(), labels: Vec::new(), unknown_share: 0.0 };
        for text in &texts.texts {
            let label = self.classes.iter().position(|class| *class == text.label);
            let label = label.ok_or_else(|| LabelledError::UnknownLabel {
                name: texts.name.clone(),
                place: text.place.clone(),
                label: text.label.clone(),
                known: self.classes.join(", "),
            })?;
            encoded.labels.push(label as u32);
            encoded.texts.push(self.encode(&text.text, max_length).0);
        }
        let all = encoded.texts.iter().map(Vec::len).sum::<usize>().max(1);
        let unknown = encoded.texts.iter().flatten().filter(|&&id| id == Self::UNKNOWN).count();
        encoded.unknown_share = unknown as f64 / all as f64;
        Ok(encoded)
    }

    /// Writes words and classes to a file: to a temporary name first, so that the file is never seen half written.
    ///
    /// # Errors
    ///
    /// [`Error::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let (classes, words) = (self.classes.clone(), self.words.clone());
        let document = Document { format: FORMAT.to_owned(), version: VERSION, classes, words };
        let json = serde_json::to_string_pretty(&document).expect("strings and numbers always fit into JSON");
        document::write(path.as_ref(), &json)
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is damaged or of a newer version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let json = fs::read_to_string(path).map_err(|source| Error::read(path.to_owned(), source))?;
        let bad = |reason: String| LabelledError::BadVocabulary { path: path.to_owned(), reason };
        let document: Document = serde_json::from_str(&json).map_err(|e| bad(e.to_string()))?;
        if document.format != FORMAT {
            return Err(bad(format!("its format is `{}`, want `{FORMAT}`", document.format)).into());
        }
        if document.version > VERSION {
            let (name, seen) = (path.display().to_string(), document.version);
            return Err(Error::VocabularyVersion { name, seen, newest: VERSION });
        }
        let vocabulary = Self::from_parts(document.words, document.classes);
        if vocabulary.ids.len() != vocabulary.words.len() || vocabulary.words.is_empty() {
            return Err(bad("a word is in it twice, or there is none".to_owned()).into());
        }
        if vocabulary.classes.len() < 2 {
            return Err(bad(format!("{} class(es), and two or more are needed", vocabulary.classes.len())).into());
        }
        Ok(vocabulary)
    }
}

impl EncodedTexts {
    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The length of each text, in words.
    pub fn lengths(&self) -> Vec<usize> {
        self.texts.iter().map(Vec::len).collect()
    }
}
