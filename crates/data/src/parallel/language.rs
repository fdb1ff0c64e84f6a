//! The two languages of a model: tokenisation and vocabularies.

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Pairs, SentenceUnit, Subword, SubwordKind};
use crate::vocabulary::{WordConfig, WordVocabulary};
use crate::{DataError, counted};

/// Default number of subword pieces.
const PIECES: usize = 8000;

/// Ratio of piece counts above which a text may be in the other language.
const MORE_PIECES: f64 = 1.3;

/// Settings for building languages from sentence pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageConfig {
    /// The names of the languages, the source first.
    pub names: [String; 2],
    /// The token unit of each; words with subword pieces.
    pub units: [SentenceUnit; 2],
    /// Whether to convert to lower case.
    pub lowercase: bool,
    /// Split words into pieces learned from the sentences.
    pub subword: Option<SubwordKind>,
    /// Learn the same pieces for both languages.
    pub joint: bool,
    /// Selects the words; with subword pieces, how many to learn: 8000 by default.
    pub words: WordConfig,
}

/// The tokenisation and the vocabulary of a language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Language {
    /// Its name, as a file extension: `de`.
    pub name: String,
    /// The token unit.
    pub unit: SentenceUnit,
    /// Whether to convert to lower case.
    pub lowercase: bool,
    /// Splits words into pieces; none for whole words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subword: Option<Subword>,
    /// The vocabulary.
    pub vocabulary: WordVocabulary,
}

/// The languages of a run, stored in `vocab.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Languages {
    /// The source language.
    pub source: Language,
    /// The target language.
    pub target: Language,
}

impl Language {
    /// The tokens of a sentence.
    pub fn tokens(&self, sentence: &str) -> Vec<String> {
        match &self.subword {
            Some(subword) => subword.pieces(&cased(sentence, self.lowercase)),
            None => self.unit.tokens(sentence, self.lowercase),
        }
    }

    /// The token ids of a sentence.
    pub fn encode(&self, sentence: &str) -> Vec<u32> {
        self.vocabulary.encode(&self.tokens(sentence))
    }

    /// The sentence of some token ids.
    pub fn decode(&self, numbers: &[u32]) -> String {
        let tokens = self.vocabulary.decode(numbers);
        if self.subword.is_some() { Subword::sentence(&tokens) } else { self.unit.sentence(&tokens) }
    }

    /// A sentence in this language's spelling: split into tokens and joined again, as if every token were known.
    pub fn normal_form(&self, sentence: &str) -> String {
        match &self.subword {
            Some(_) => Subword::normal_form(&cased(sentence, self.lowercase)),
            None => self.unit.sentence(&self.unit.tokens(sentence, self.lowercase)),
        }
    }
}

fn cased(sentence: &str, lowercase: bool) -> Cow<'_, str> {
    if lowercase { sentence.to_lowercase().into() } else { sentence.into() }
}

impl Languages {
    /// Builds the languages of some pairs, with their tokens.
    ///
    /// # Errors
    ///
    /// When subword pieces cannot be learned.
    pub fn of(pairs: &Pairs, config: &LanguageConfig) -> Result<Self, DataError> {
        let LanguageConfig { names: [source, target], units, lowercase, subword, joint, words } = config.clone();
        let Some(kind) = subword else {
            let of_words = |name: String, unit: SentenceUnit, sentences: &[String]| {
                let tokens = |s: &String| unit.tokens(s, lowercase).into_iter().map(Cow::Owned);
                let vocabulary = WordVocabulary::of_sentences(sentences, tokens, &words);
                Language { name, unit, lowercase, subword: None, vocabulary }
            };
            let [source_unit, target_unit] = units;
            return Ok(Self {
                source: of_words(source, source_unit, &pairs.sources),
                target: of_words(target, target_unit, &pairs.targets),
            });
        };
        let learn = |sides: &[&[String]]| {
            let sentences: Vec<Cow<str>> =
                sides.iter().flat_map(|side| side.iter()).map(|s| cased(s, lowercase)).collect();
            let count = words.max_size.unwrap_or(PIECES);
            Subword::train(kind, sentences.iter().map(|sentence| &**sentence), count)
        };
        let [read, written]: [&[String]; 2] = [&pairs.sources, &pairs.targets];
        let [read, written] = if joint {
            let both = learn(&[read, written])?;
            [both.clone(), both]
        } else {
            [learn(&[read])?, learn(&[written])?]
        };
        let of_pieces = |name: String, subword: Subword| {
            let vocabulary = subword.vocabulary();
            Language { name, unit: SentenceUnit::Word, lowercase, subword: Some(subword), vocabulary }
        };
        Ok(Self { source: of_pieces(source, read), target: of_pieces(target, written) })
    }

    /// The token ids of some pairs.
    pub fn encode(&self, pairs: &Pairs) -> Vec<(Vec<u32>, Vec<u32>)> {
        let both = pairs.sources.par_iter().zip(&pairs.targets);
        both.map(|(source, target)| (self.source.encode(source), self.target.encode(target))).collect()
    }

    /// A warning for each language whose vocabulary covers less than half of the text.
    pub fn poor_coverage(&self, pairs: &Pairs) -> Vec<String> {
        let sides = [(&self.source, &pairs.sources), (&self.target, &pairs.targets)];
        let warnings = sides.into_iter().filter_map(|(language, sentences)| {
            let share = language.vocabulary.coverage_of(sentences, |s| language.tokens(s));
            (share < 0.5).then(|| {
                format!("warning: the vocabulary of {} covers only {:.1} % of the text", language.name, share * 100.0)
            })
        });
        warnings.collect()
    }

    /// A warning if most words of some sentences are unknown in the source language and known in the target language,
    /// or if the source language splits them into far more pieces.
    pub fn swapped(&self, sentences: &[&str]) -> Option<String> {
        let Self { source, target } = self;
        let direction = format!("but this run translates from {} to {}", source.name, target.name);
        if source.subword.is_some() {
            let [read, written] =
                [source, target].map(|language| sentences.iter().map(|s| language.tokens(s).len()).sum::<usize>());
            return (read as f64 > MORE_PIECES * written as f64).then(|| {
                let read = counted(read, "pieces");
                format!("{read} of {} and only {written} of {}, {direction}", source.name, target.name)
            });
        }
        if [source.unit, target.unit] != [SentenceUnit::Word; 2] {
            return None;
        }
        let [read, written] = [source, target].map(|language| {
            let words = |sentence: &&str| -> Vec<String> {
                let mut words = language.unit.tokens(sentence, language.lowercase);
                // Numbers and punctuation are the same in every language.
                words.retain(|word| word.contains(char::is_alphabetic));
                words
            };
            language.vocabulary.coverage(&sentences.iter().map(words).collect::<Vec<_>>())
        });
        let percent = |share: f64, language: &Language| format!("{:.0} % are {}", share * 100.0, language.name);
        (read < 0.5 && written > 0.5)
            .then(|| format!("of the words, {} and {}, {direction}", percent(read, source), percent(written, target)))
    }
}
