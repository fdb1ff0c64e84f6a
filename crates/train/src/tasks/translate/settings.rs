//! Settings of `translate`.

use rekindle_data::labelled::WordConfig;
use rekindle_data::parallel::{BatchSize, LanguageConfig, PairSource, SentenceUnit, SubwordKind};
use rekindle_models::decode::Search;
use rekindle_models::translator::TranslatorSettings;

use crate::prelude::*;

crate::run_settings! {
    /// Settings of `translate`.
    pub struct TranslateSettings {
        /// The sentences.
        data: PairSettings => "Sentences";
        /// The model.
        model: TranslatorSettings => "Model";
        /// The loop.
        training: TrainingSettings => "Training";
    }
}

settings! {
    /// Which sentences, and how they are read.
    #[check(Self::consistent)]
    pub struct PairSettings {
        /// A folder with train.LANG and val.LANG, a PATH of which PATH.LANG are the files, a table with tabs, or
        /// builtin:dates; files may end in .gz
        data: String = PairSource::DATES.to_owned() => value("PATH");
        /// Source language, as a file extension: de
        source_lang: Option<String> => value("LANG").unset("source");
        /// Target language, as a file extension: en
        target_lang: Option<String> => value("LANG").unset("target");
        /// Column of a table to read, from 1
        source_column: usize = 1 => value("COLUMN").at_least(1);
        /// Column of a table to write, from 1
        target_column: usize = 2 => value("COLUMN").at_least(1);
        /// What one token of the source language is
        source_units: SentenceUnit = SentenceUnit::Word => value("UNIT").choices(["word", "char"]);
        /// What one token of the target language is
        target_units: Option<SentenceUnit> =>
            value("UNIT").choices(["word", "char"]).unset("word; char for builtin:dates");
        /// Split words into learned subword pieces
        subword: Option<SubwordKind> => value("KIND").choices(["bpe", "unigram"]).unset("whole words");
        /// Learn the same subword pieces for both languages (with --subword)
        joint: bool;
        /// Make upper case lower case
        lowercase: bool;
        /// The vocabularies.
        @flatten vocabulary: VocabularySettings => help(
            "max_vocabulary",
            "Largest vocabulary of a language; with --subword, how many pieces to learn: 8000 if not given"
        );
        /// Most tokens of a sentence: longer ones are cut, and translations end there
        max_length: usize = 100 => value("TOKENS").at_least(1).at_most(LONGEST);
        /// Refuse longer sentences in training instead of cutting them
        strict: bool;
        /// What is held out.
        @flatten hold_out: HoldOutSettings = HoldOutSettings { validation_share: 0.05 } =>
            help("validation_share", "Share of the pairs, from the end, to hold out where there is no val.LANG");
        /// Sentences in a batch
        batch_size: usize = 128 => value("COUNT").at_least(1);
        /// Tokens in a batch, padding included, in place of --batch-size
        batch_tokens: Option<usize> => value("TOKENS").at_least(1).unset("no such limit");
    }
}

impl PairSettings {
    /// Checks that the languages have a column each, and that subword settings are not combined with settings of words
    /// or characters only, and vice versa.
    fn consistent(&self) -> Result<(), SettingError> {
        if self.source_column == self.target_column {
            let wanted = "another column than --source-column";
            return Err(SettingError::invalid("target-column", self.target_column, wanted));
        }
        let whole_words = "word, as --subword cuts words into pieces";
        let other_unit = |unit: &SentenceUnit| *unit != SentenceUnit::Word;
        let min_count = self.vocabulary.min_count;
        match (self.subword, self.target_units.filter(other_unit)) {
            (None, _) if self.joint => Err(SettingError::invalid("joint", true, "used with --subword")),
            (None, _) => Ok(()),
            _ if other_unit(&self.source_units) => {
                Err(SettingError::invalid("source-units", self.source_units, whole_words))
            }
            (_, Some(unit)) => Err(SettingError::invalid("target-units", unit, whole_words)),
            _ if min_count != 1 => Err(SettingError::invalid(
                "min-count",
                min_count,
                "1 with --subword, which cuts rare words into pieces",
            )),
            _ => Ok(()),
        }
    }

    /// The names of the languages, the source first.
    pub(super) fn names(&self) -> [String; 2] {
        [(&self.source_lang, "source"), (&self.target_lang, "target")]
            .map(|(given, default)| given.clone().unwrap_or_else(|| default.to_owned()))
    }

    /// The units of the languages, the source first. For the built-in dates they are characters by default.
    pub(super) fn units(&self) -> [SentenceUnit; 2] {
        let dates = self.data == PairSource::DATES;
        [self.source_units, self.target_units.unwrap_or(if dates { SentenceUnit::Char } else { SentenceUnit::Word })]
    }

    /// The configuration of the languages.
    pub(super) fn languages(&self) -> LanguageConfig {
        let words =
            WordConfig { min_count: self.vocabulary.min_count, max_size: self.vocabulary.max_vocabulary };
        LanguageConfig {
            names: self.names(),
            units: self.units(),
            lowercase: self.lowercase,
            subword: self.subword,
            joint: self.joint,
            words,
        }
    }

    pub(super) fn batch(&self) -> BatchSize {
        self.batch_tokens.map_or(BatchSize::Sentences(self.batch_size), BatchSize::Tokens)
    }

    /// The source of the sentence pairs.
    pub fn source(&self) -> PairSource {
        PairSource {
            data: self.data.clone(),
            languages: self.names(),
            columns: [self.source_column, self.target_column],
            validation_share: self.hold_out.validation_share,
        }
    }
}

impl TranslateSettings {
    /// The default search for translations.
    pub fn search(&self) -> Search {
        Search { beam: 5, ..self.greedy() }
    }

    /// The search of evaluations during training.
    pub(super) fn greedy(&self) -> Search {
        Search { max_length: self.data.max_length, ..Search::default() }
    }
}

#[cfg(test)]
mod tests;
