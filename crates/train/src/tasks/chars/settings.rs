//! Settings of `chars`.

use std::borrow::Cow;

use rekindle_data::labelled::{Encoding, LabelledSource, TextReader};
use rekindle_data::{Corpus, DataError, TextSource, Unit, Vocabulary, VocabularyConfig};
use rekindle_models::char_lm::CharLmSettings;
use rekindle_models::decode::Sampling;
use rekindle_settings::names;

use super::error::CharsError;
use crate::prelude::*;

crate::run_settings! {
    /// Settings of `chars`.
    pub struct CharsSettings {
        /// The text.
        data: TextSettings => "Text";
        /// The model.
        model: CharLmSettings => "Model";
        /// The loop.
        training: TrainingSettings => "Training";
        /// The samples on the way.
        sample: SampleSettings => "Samples while training";
    }
}

/// The largest rounding error of a sum of shares.
const SLACK: f64 = 1e-9;

/// Unions that are learned if no number is given.
const MERGES: usize = 8000;

names! {
    /// The form of the text.
    pub enum TextFormat {
        /// Plain text.
        Plain = "plain",
        /// Texts of a table, a folder or files of lines, as `sentiment` reads them.
        Texts = "texts",
    }
}

settings! {
    /// Which text, and how it is read.
    #[check(Self::consistent)]
    pub struct TextSettings {
        /// A file, several (PATH,PATH), a folder, or a text that comes with the program (builtin:source); with --format
        /// texts, what `sentiment` reads
        data: String = "builtin:source".to_owned() => value("PATH");
        /// Which files of a folder, such as '**/*.{c,h}'
        pattern: Option<String> => value("GLOB").unset("all");
        /// plain for text as it is, texts for the tables and folders of `sentiment`, with or without labels: a line for
        /// each text, of the words of `sentiment` in lower case
        format: TextFormat = TextFormat::Plain => value("FORMAT").choices(TextFormat::NAMES.iter().copied());
        /// How the files are read.
        @flatten files: TextFileSettings => help("text_column", "Column of the texts, with --format texts")
            .help("encoding", "Encoding of the files with --format texts, such as windows-1252; auto detects it");
        /// What one token is: a Unicode character, a byte, a word, or bpe: a piece of a word, learned from the text
        units: Unit = Unit::Char => value("UNIT").choices(["char", "byte", "word", "bpe"]);
        /// Unions of two pieces to learn, with --units bpe; the 256 bytes are pieces too
        merges: Option<usize> => value("COUNT").at_least(0).at_most(1_000_000).unset("8000");
        /// The vocabulary.
        @flatten vocabulary: VocabularySettings;
        /// Share of the text to train on, from its beginning
        train_share: f64 = 0.9 => value("SHARE").above(0).at_most(1);
        /// What is held out.
        @flatten hold_out: HoldOutSettings =>
            help("validation_share", "Share of the text, after that, for validation; what is left is the test split");
        /// Streams that are read side by side
        batch_size: usize = 50 => value("COUNT");
        /// Tokens of each stream in a step: how far back-propagation through time goes
        sequence_length: usize = 50 => value("TOKENS").alias("seq-length");
    }
}

settings! {
    /// What the model writes while it is trained.
    pub struct SampleSettings {
        /// Tokens of a sample; 0 for none
        sample_length: usize = 300 => value("TOKENS").at_least(0);
        /// Sampling temperature of these samples
        sample_temperature: f64 = 0.8 => value("TEMPERATURE").at_least(0);
    }
}

impl TextSettings {
    fn consistent(&self) -> Result<(), SettingError> {
        let VocabularySettings { min_count, max_vocabulary } = self.vocabulary;
        match (self.units == Unit::Bpe, self.merges, max_vocabulary) {
            (false, Some(merges), _) => return Err(SettingError::invalid("merges", merges, "given with --units bpe")),
            (true, _, Some(largest)) => {
                let wanted = "left out with --units bpe, which has --merges";
                return Err(SettingError::invalid("max-vocabulary", largest, wanted));
            }
            (true, ..) if min_count != 1 => {
                return Err(SettingError::invalid("min-count", min_count, "1 with --units bpe, which cuts rare words"));
            }
            _ => {}
        }
        let validation_share = self.hold_out.validation_share;
        if self.train_share + validation_share > 1.0 + SLACK {
            let wanted = format!("such that it and --validation-share {validation_share} add up to at most 1");
            return Err(SettingError::invalid("train-share", self.train_share, wanted));
        }
        match (self.format, &self.pattern, &self.files.text_column) {
            (TextFormat::Texts, Some(pattern), _) => {
                Err(SettingError::invalid("pattern", pattern, "left out with --format texts"))
            }
            (TextFormat::Plain, _, Some(column)) => {
                Err(SettingError::invalid("text-column", column, "given with --format texts"))
            }
            _ => Ok(()),
        }
    }

    /// Checks what a new run must not have. Older versions left it out of account, and their runs still open.
    ///
    /// # Errors
    ///
    /// For an encoding that nothing reads.
    pub(super) fn check_used(&self) -> Result<(), SettingError> {
        match self.format {
            TextFormat::Plain if self.files.encoding != Encoding::Auto => {
                let wanted = "given with --format texts; plain text is UTF-8, or has a byte-order mark";
                Err(SettingError::invalid("encoding", self.files.encoding, wanted))
            }
            _ => Ok(()),
        }
    }

    /// The unit in which the text is opened: with `--format texts`, a word is one of `sentiment`; pieces are cut from
    /// words.
    fn opened(&self) -> Unit {
        match (self.format, self.units) {
            (TextFormat::Texts, Unit::Word) => Unit::Term,
            (_, Unit::Bpe) => Unit::Word,
            (_, unit) => unit,
        }
    }

    /// Makes `unit` the unit of the tokens, and the format that of the two words. Tokens of other units are of either
    /// format, which stays.
    pub(super) fn set_unit(&mut self, unit: Unit) {
        (self.format, self.units) = match unit {
            Unit::Term => (TextFormat::Texts, Unit::Word),
            Unit::Word => (TextFormat::Plain, unit),
            _ => (self.format, unit),
        };
    }

    /// A text that a person wrote, as the model reads it: with `--format texts`, in words of `sentiment`, whatever the
    /// unit.
    pub(super) fn form<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.format {
            TextFormat::Plain => text.into(),
            TextFormat::Texts => Unit::Term.form(text),
        }
    }

    /// The text; one in pieces is opened in words.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or none is given, as in an imported run.
    pub fn corpus(&self) -> Result<Corpus, TaskError> {
        if self.data.is_empty() {
            return Err(CharsError::NoText.into());
        }
        self.corpus_of(&self.data, self.pattern.as_deref(), None)
    }

    /// The text `data`, read as in training but for the files of a folder and the column of the texts.
    pub(super) fn corpus_of(
        &self,
        data: &str,
        pattern: Option<&str>,
        text_column: Option<String>,
    ) -> Result<Corpus, TaskError> {
        if self.format == TextFormat::Plain {
            return Ok(Corpus::open(&source(data, pattern)?, self.opened())?);
        }
        let TextFileSettings { text_column: usual, encoding } = self.files.clone();
        let text_column = text_column.or(usual);
        let reader = TextReader { encoding, text_column, unlabelled: true, ..TextReader::default() };
        let texts = LabelledSource::parse(data)?.read(&reader)?;
        Ok(Corpus::from_text(&texts.name, texts.lines(), self.opened())?)
    }

    /// A vocabulary of the tokens of a text.
    pub(super) fn vocabulary_of(&self, corpus: &Corpus) -> Result<Vocabulary, DataError> {
        match self.units {
            Unit::Bpe => Vocabulary::of_pieces(corpus, self.merges.unwrap_or(MERGES)),
            _ => Vocabulary::from_corpus(corpus, &self.vocabulary()),
        }
    }

    fn vocabulary(&self) -> VocabularyConfig {
        let VocabularySettings { min_count, max_vocabulary: max_size } = self.vocabulary;
        VocabularyConfig { min_count, max_size, ..VocabularyConfig::default() }
    }

    /// The shares of training, validation and test.
    pub fn split(&self) -> [f64; 3] {
        // A rest that is only rounding must not become a test split, nor make the sum exceed 1.
        let rest = 1.0 - self.train_share - self.hold_out.validation_share;
        [self.train_share, self.hold_out.validation_share, if rest > SLACK { rest } else { 0.0 }]
    }
}

/// The text `data`; of a folder, only the files that match `pattern`.
fn source(data: &str, pattern: Option<&str>) -> Result<TextSource, TaskError> {
    let source = TextSource::parse(data)?;
    Ok(match pattern {
        Some(pattern) => source.with_pattern(pattern)?,
        None => source,
    })
}

impl SampleSettings {
    /// The sampling settings of the samples.
    pub fn sampling(&self) -> Sampling {
        Sampling { temperature: self.sample_temperature as f32, ..Sampling::default() }
    }
}

#[cfg(test)]
mod tests;
