//! The vocabulary of a classifier: its words and classes, with their ids.

use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::set::SWAPPED;
use super::words::{form, ranges};
use super::{LabelledText, LabelledTexts};
use crate::alias::unknown_label;
use crate::vocabulary::{Rows, WordConfig, WordVocabulary};
use crate::{DataError, ErrorKind, counted, files, json};

const FORMAT: &str = "rekindle-words";
const VERSION: u64 = 1;

/// The words and classes of a classifier. Id 0 is the unknown word; the others follow, most frequent first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextVocabulary {
    words: WordVocabulary,
    classes: Vec<String>,
}

/// Texts as word ids.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedTexts {
    /// The words of each text; never empty.
    pub texts: Vec<Vec<u32>>,
    /// The class of each text.
    pub labels: Vec<u32>,
    /// The share of unknown words.
    pub unknown_share: f64,
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    version: u64,
    classes: Vec<String>,
    words: Vec<String>,
}

impl TextVocabulary {
    /// The id of the unknown word.
    pub const UNKNOWN: u32 = 0;

    /// Builds the words and classes of `texts`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLittle`] for a single class, or when no word is left.
    pub fn build(texts: &LabelledTexts, config: &WordConfig) -> Result<Self, DataError> {
        let classes = texts.classes();
        if let [label] = &classes[..] {
            let message = format!("every text is labelled `{label}`; training needs at least two classes");
            return Err(ErrorKind::TooLittle.error(message).within(&texts.name));
        }
        let (words, distinct) = WordVocabulary::of_texts(
            &texts.texts,
            |text| ranges(&text.text).map(|range| form(&text.text[range])),
            config,
        );
        if words.is_empty() {
            let message = format!(
                "no word is left: of {} none appears {}; lower --min-count",
                counted(distinct, "distinct words"),
                counted(config.min_count as usize, "times")
            );
            return Err(ErrorKind::TooLittle.error(message));
        }
        Ok(Self { words, classes })
    }

    /// The words of another program's `tokens`, which are in the order of its table of embeddings, and these classes;
    /// and for each word its row in that table.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for a word that is in it twice, or without a word; [`ErrorKind::TooLittle`] for fewer than
    /// two classes.
    pub fn of_tokens(tokens: &[String], classes: Vec<String>) -> Result<(Self, Rows), DataError> {
        if classes.len() < 2 {
            let message = format!("{}, and two or more are needed", counted(classes.len(), "classes"));
            return Err(ErrorKind::TooLittle.error(message));
        }
        let (words, rows) = WordVocabulary::of_text_tokens(tokens)?;
        Ok((Self { words, classes }, rows))
    }

    /// `V`, the number of words, the unknown word included.
    #[expect(clippy::len_without_is_empty, reason = "a vocabulary has the unknown word at least")]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// The classes, in the order of their ids.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The id of a word.
    pub fn id(&self, word: &str) -> Option<u32> {
        self.words.id(word)
    }

    /// The words with their ids, without the unknown word.
    pub fn words(&self) -> impl Iterator<Item = (u32, &str)> {
        self.words.words()
    }

    /// The id in `other` of each word of this vocabulary; unknown words correspond.
    pub fn map_to(&self, other: &Self) -> Vec<Option<u32>> {
        self.words.map_to(&other.words)
    }

    /// The word ids of a text, each with the index of its word in the text. Of a text longer than `max_length` the
    /// first and the last half are kept, which beat either end alone in Sun et al. 2019 (arXiv 1905.05583). A text
    /// without words becomes the unknown word, without an index.
    pub fn encode(&self, text: &str, max_length: usize) -> (Vec<u32>, Vec<usize>) {
        let all: Vec<Range<usize>> = ranges(text).collect();
        let places: Vec<usize> = if all.len() > max_length {
            let head = max_length.div_ceil(2);
            (0..head).chain(all.len() - (max_length - head)..all.len()).collect()
        } else {
            (0..all.len()).collect()
        };
        if places.is_empty() {
            return (vec![Self::UNKNOWN], places);
        }
        let id = |&place: &usize| self.id(&form(&text[all[place].clone()])).unwrap_or(Self::UNKNOWN);
        (places.iter().map(id).collect(), places)
    }

    /// All texts as word ids. See [`encode`](Self::encode).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Label`] for a label that is not among the classes.
    pub fn encode_all(&self, texts: &LabelledTexts, max_length: usize) -> Result<EncodedTexts, DataError> {
        let label = |text: &LabelledText| {
            let label = self.classes.iter().position(|class| *class == text.label);
            let unknown = || {
                let error = match texts.has_labels_like_texts() {
                    true => ErrorKind::Label.error(format!("the label is not one of the model's: {SWAPPED}")),
                    false => unknown_label(&text.label, &self.classes),
                };
                error.within(&texts.name).item(&text.place)
            };
            label.map(|label| label as u32).ok_or_else(unknown)
        };
        let labels = texts.texts.iter().map(label).collect::<Result<_, _>>()?;
        let ids = texts.texts.par_iter().map(|text| self.encode(&text.text, max_length).0).collect();
        let mut encoded = EncodedTexts { texts: ids, labels, unknown_share: 0.0 };
        let all = encoded.texts.iter().map(Vec::len).sum::<usize>().max(1);
        let unknown = encoded.texts.iter().flatten().filter(|&&id| id == Self::UNKNOWN).count();
        encoded.unknown_share = unknown as f64 / all as f64;
        Ok(encoded)
    }

    /// Writes words and classes to a file atomically, through a temporary file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        let words = self.words().map(|(_, word)| word.to_owned()).collect();
        let document = Document { format: FORMAT.to_owned(), version: VERSION, classes: self.classes.clone(), words };
        let json = serde_json::to_string_pretty(&document).expect("strings and numbers always fit into JSON");
        files::write(path.as_ref(), &json)
    }

    /// Reads a file written by [`save`](Self::save).
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is damaged or of a newer version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let Document { classes, words, .. } = json::document(path, &files::text(path)?, Some(FORMAT), VERSION)?;
        let words = WordVocabulary::of_text_words(words).map_err(|error| error.within(path))?;
        if classes.len() < 2 {
            let message =
                format!("not a vocabulary: {}, and two or more are needed", counted(classes.len(), "classes"));
            return Err(ErrorKind::Format.error(message).within(path));
        }
        Ok(Self { words, classes })
    }
}

impl EncodedTexts {
    /// Number of texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The length of each text in words.
    pub fn lengths(&self) -> Vec<usize> {
        self.texts.iter().map(Vec::len).collect()
    }
}
