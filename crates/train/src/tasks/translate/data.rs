//! The two languages of a run.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use rekindle_data::parallel::{BatchSize, Pairs, SentenceUnit, Subword, WordVocabulary};
use rekindle_models::decode::{Hypothesis, Search};
use rekindle_models::translator::Translator;
use serde::{Deserialize, Serialize};

use super::{NEVER, PairSettings};
use crate::error::TrainError;

/// How a language is read and written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Language {
    /// Its name, as given with `--source-lang` or `--target-lang`.
    pub name: String,
    /// What a symbol is.
    pub unit: SentenceUnit,
    /// Whether upper case becomes lower case.
    pub lowercase: bool,
    /// Cuts words into pieces; none where they stay whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subword: Option<Subword>,
    /// The symbols.
    pub vocabulary: WordVocabulary,
}

/// The languages of a run: its `vocab.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Languages {
    /// What is read.
    pub source: Language,
    /// What is written.
    pub target: Language,
}

/// A part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the model is trained on.
    Train,
    /// What decides which checkpoint is best.
    Validation,
    /// What neither is.
    Test,
}

impl Language {
    /// The symbols of a sentence.
    pub fn tokens(&self, sentence: &str) -> Vec<String> {
        match &self.subword {
            Some(subword) => subword.pieces(&self.cased(sentence)),
            None => self.unit.tokens(sentence, self.lowercase),
        }
    }

    /// The numbers of a sentence's symbols.
    pub fn encode(&self, sentence: &str) -> Vec<u32> {
        self.vocabulary.encode(&self.tokens(sentence))
    }

    /// The sentence of some numbers.
    pub fn decode(&self, numbers: &[u32]) -> String {
        let symbols = self.vocabulary.decode(numbers);
        if self.subword.is_some() { Subword::sentence(&symbols) } else { self.unit.sentence(&symbols) }
    }

    /// A sentence as this language would be written if every symbol were known: cut and put together again.
    pub fn normal_form(&self, sentence: &str) -> String {
        match &self.subword {
            Some(_) => Subword::normal_form(&self.cased(sentence)),
            None => self.unit.sentence(&self.unit.tokens(sentence, self.lowercase)),
        }
    }

    fn cased<'s>(&self, sentence: &'s str) -> Cow<'s, str> {
        if self.lowercase { sentence.to_lowercase().into() } else { sentence.into() }
    }
}

impl Languages {
    /// The languages of some pairs, with the symbols that these have.
    ///
    /// # Errors
    ///
    /// When pieces of words cannot be learnt.
    pub(super) fn of(pairs: &Pairs, settings: &PairSettings) -> Result<Self, TrainError> {
        let lowercase = settings.lowercase;
        let plain = |name: String, sentences: &[String], unit: SentenceUnit| {
            let tokens: Vec<_> = sentences.iter().map(|s| unit.tokens(s, lowercase)).collect();
            let vocabulary = WordVocabulary::new(&tokens, settings.min_count, settings.max_words);
            Language { name, unit, lowercase, subword: None, vocabulary }
        };
        let [source, target] = settings.names();
        let Some(kind) = settings.subword else {
            return Ok(Self {
                source: plain(source, &pairs.sources, settings.source_units),
                target: plain(target, &pairs.targets, settings.target_units()),
            });
        };
        let learn = |sides: &[&[String]]| {
            let sentences: Vec<Cow<str>> = sides
                .iter()
                .flat_map(|side| side.iter())
                .map(|s| if lowercase { s.to_lowercase().into() } else { s.as_str().into() })
                .collect();
            let count = settings.max_words.unwrap_or(PIECES);
            let learnt = Subword::train(kind, sentences.iter().map(|sentence| &**sentence), count);
            learnt.map_err(rekindle_data::Error::from)
        };
        let [read, written]: [&[String]; 2] = [&pairs.sources, &pairs.targets];
        let [read, written] = if settings.joint {
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

    pub(super) fn load(path: &Path) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path).map_err(TrainError::io("read", path))?;
        serde_json::from_str(&text).map_err(|e| TrainError::Malformed { path: path.into(), reason: e.to_string() })
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), TrainError> {
        let text = serde_json::to_string(self).map_err(|e| TrainError::Malformed {
            path: path.into(),
            reason: format!("cannot be written as JSON: {e}"),
        })?;
        std::fs::write(path, text).map_err(TrainError::io("write", path))
    }

    /// A warning for each language of which the vocabulary covers less than half of the text.
    pub(super) fn poor_coverage(&self, pairs: &Pairs) -> Vec<String> {
        let sides = [(&self.source, &pairs.sources), (&self.target, &pairs.targets)];
        let warnings = sides.into_iter().filter_map(|(language, sentences)| {
            let tokens: Vec<_> = sentences.iter().map(|s| language.tokens(s)).collect();
            let share = language.vocabulary.coverage(&tokens);
            (share < 0.5).then(|| {
                format!("warning: the vocabulary of {} covers only {:.1} % of the text", language.name, share * 100.0)
            })
        });
        warnings.collect()
    }

    /// A warning where most words of some sentences are unknown to the language that is read and known to the one that is
    /// written; or where the one that is read cuts them into far more pieces.
    pub fn swapped(&self, sentences: &[&str]) -> Option<String> {
        let Self { source, target } = self;
        if source.subword.is_some() {
            let [read, written] =
                [source, target].map(|language| sentences.iter().map(|s| language.tokens(s).len()).sum::<usize>());
            return (read as f64 > MORE_PIECES * written as f64).then(|| {
                format!(
                    "there are {read} pieces of {} and only {written} of {}, and this run translates from {} to {}",
                    source.name, target.name, source.name, target.name
                )
            });
        }
        if [source.unit, target.unit] != [SentenceUnit::Word; 2] {
            return None;
        }
        let [read, written] = [source, target].map(|language| {
            let words = |sentence: &&str| -> Vec<String> {
                let mut words = language.unit.tokens(sentence, language.lowercase);
                // What is no word stands in every language.
                words.retain(|word| word.contains(char::is_alphabetic));
                words
            };
            language.vocabulary.coverage(&sentences.iter().map(words).collect::<Vec<_>>())
        });
        (read < 0.5 && written > 0.5).then(|| {
            format!(
                "of the words, {:.0} % are {} and {:.0} % are {}, and this run translates from {} to {}",
                read * 100.0,
                source.name,
                written * 100.0,
                target.name,
                source.name,
                target.name
            )
        })
    }

    /// Translations of sentences, best first, each with how it was found.
    ///
    /// # Errors
    ///
    /// When a setting of `search` has no meaning.
    pub fn translate(
        &self,
        model: &Translator,
        sentences: &[&str],
        search: &Search,
    ) -> Result<Vec<Vec<(String, Hypothesis)>>, TrainError> {
        let numbers: Vec<Vec<u32>> = sentences.iter().map(|sentence| self.source.encode(sentence)).collect();
        let numbers: Vec<&[u32]> = numbers.iter().map(Vec::as_slice).collect();
        let found = model.translate(&numbers, &NEVER, search)?;
        let texts = |hypotheses: Vec<Hypothesis>| {
            hypotheses.into_iter().map(|hypothesis| (self.target.decode(&hypothesis.symbols), hypothesis)).collect()
        };
        Ok(found.into_iter().map(texts).collect())
    }
}

impl PairSettings {
    /// The names of the languages.
    pub(super) fn names(&self) -> [String; 2] {
        let name = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
        [name(&self.source_lang, "source"), name(&self.target_lang, "target")]
    }

    /// What a target symbol is: characters for the built-in dates, where nothing else was said.
    fn target_units(&self) -> SentenceUnit {
        self.target_units.unwrap_or(if self.data == DATES { SentenceUnit::Char } else { SentenceUnit::Word })
    }

    pub(super) fn batch(&self) -> BatchSize {
        self.batch_tokens.map_or(BatchSize::Sentences(self.batch_size), BatchSize::Tokens)
    }

    /// The pairs to train on, empty sides included, and those held out.
    pub(super) fn read(&self) -> Result<(Pairs, Pairs), TrainError> {
        let mut train = self.part(Part::Train)?.unwrap_or_default();
        let validation = match self.part(Part::Validation)? {
            Some(validation) => validation,
            None => train.split_off_last((train.len() as f64 * self.validation_share) as usize),
        };
        Ok((train, validation))
    }

    /// A part that has data of its own; none where the validation is to be cut off the training data.
    fn part(&self, part: Part) -> Result<Option<Pairs>, TrainError> {
        let path = PathBuf::from(&self.data);
        if self.data == DATES {
            let (count, seed) = match part {
                Part::Train => (20_000, 1),
                Part::Validation => (1000, 2),
                Part::Test => (1000, 3),
            };
            return Ok(Some(Pairs::dates(count, seed)));
        }
        let [source, target] = self.names();
        if path.is_dir() {
            let names: &[&str] = match part {
                Part::Train => &["train"],
                Part::Validation => &["val", "valid", "dev"],
                Part::Test => &["test"],
            };
            let found = names.iter().find(|name| file(&path.join(name), &source).exists());
            return match found {
                Some(name) => {
                    Ok(Some(Pairs::read_files(&file(&path.join(name), &source), &file(&path.join(name), &target))?))
                }
                None if part == Part::Train => Ok(Some(Pairs::read_files(
                    &file(&path.join("train"), &source),
                    &file(&path.join("train"), &target),
                )?)),
                None => Ok(None),
            };
        }
        if part == Part::Train { self.whole(&self.data).map(Some) } else { Ok(None) }
    }

    /// All pairs of a table, or of the files `PATH.SOURCE` and `PATH.TARGET`, plain or with `.gz`.
    ///
    /// # Errors
    ///
    /// When the files cannot be read or do not go together.
    pub fn whole(&self, data: &str) -> Result<Pairs, TrainError> {
        let path = Path::new(data);
        let [source, target] = self.names();
        if path.is_file() {
            return Ok(Pairs::read_table(path, self.source_column, self.target_column)?);
        }
        Ok(Pairs::read_files(&file(path, &source), &file(path, &target))?)
    }

    /// The pairs of a part; none where the data has no such part.
    ///
    /// # Errors
    ///
    /// When the files cannot be read or do not go together.
    pub fn open_part(&self, part: Part) -> Result<Option<Pairs>, TrainError> {
        match part {
            Part::Train => Ok(Some(self.read()?.0)),
            Part::Validation => Ok(Some(self.read()?.1)),
            Part::Test => self.part(Part::Test),
        }
    }
}

/// Pieces of words that are learnt unless another number is given.
const PIECES: usize = 8000;

/// A text that a language cuts into so many times as many pieces as the other does is in the other.
const MORE_PIECES: f64 = 1.3;

/// The built-in set.
pub(super) const DATES: &str = "builtin:dates";

/// `STEM.LANGUAGE`, or with `.gz` where only that is there.
fn file(stem: &Path, language: &str) -> PathBuf {
    let plain = PathBuf::from(format!("{}.{language}", stem.display()));
    let packed = PathBuf::from(format!("{}.{language}.gz", stem.display()));
    if !plain.exists() && packed.exists() { packed } else { plain }
}
