//! Settings of `sentiment`.

use std::path::PathBuf;

use rekindle_data::labelled::{Alias, LabelledSource, LabelledTexts, TextReader, WordConfig};
use rekindle_data::Part;
use rekindle_models::classifier::ClassifierSettings;

use crate::prelude::*;

crate::run_settings! {
    /// Settings of `sentiment`.
    pub struct SentimentSettings {
        /// The texts.
        data: LabelledSettings => "Texts";
        /// The model.
        model: ClassifierSettings => "Model";
        /// The loop.
        training: TrainingSettings => "Training";
    }
}

settings! {
    /// Which texts, and how they are read.
    #[check(Self::consistent)]
    pub struct LabelledSettings {
        /// Table (.csv, .tsv, .jsonl, also .gz), folder with train.tsv and perhaps dev.tsv and test.tsv, folder with a
        /// sub-folder for each class, file of lines for each class (a.pos,a.neg), or builtin:reviews
        data: String = "builtin:reviews".to_owned() => value("PATH");
        /// Texts for validation
        dev: Option<String> => value("PATH").unset("dev.tsv in --data, or a share of it");
        /// What is held out.
        @flatten hold_out: HoldOutSettings =>
            help("validation_share", "Share of the texts to hold out for validation, without --dev");
        /// Seed that chooses the texts to hold out
        split_seed: u64 = 1 => value("SEED").at_least(0);
        /// How the files are read.
        @flatten files: TextFileSettings;
        /// Column of the labels: its name, or its number from 1 where there is no header
        label_column: Option<String> => value("COLUMN").unset("by its name or place");
        /// Another spelling of a label; may be given several times
        aliases: Vec<Alias> => option("alias").value("OTHER=LABEL");
        /// The vocabulary.
        @flatten vocabulary: VocabularySettings = VocabularySettings { min_count: 2, ..VocabularySettings::default() };
        /// Most words of a text; of a longer one the first and the last half of this many are read
        max_length: usize = 400 => value("WORDS").at_least(1).at_most(LONGEST);
        /// Texts in a batch
        batch_size: usize = 50 => value("COUNT").at_least(1);
        /// Word vectors to start from, in GloVe's text format
        embeddings: Option<PathBuf> => value("FILE").unset("random vectors");
    }
}

impl LabelledSettings {
    fn consistent(&self) -> Result<(), SettingError> {
        match &self.label_column {
            Some(column) if Some(column) == self.files.text_column.as_ref() => {
                Err(SettingError::invalid("label-column", column, "another column than --text-column"))
            }
            _ => Ok(()),
        }
    }

    /// The reader of texts.
    pub fn reader(&self) -> TextReader {
        let TextFileSettings { text_column, encoding } = self.files.clone();
        let (label_column, aliases) = (self.label_column.clone(), self.aliases.clone());
        TextReader { encoding, text_column, label_column, aliases, unlabelled: false }
    }

    /// The training and the validation texts.
    ///
    /// # Errors
    ///
    /// When a source cannot be read, or there are too few texts to hold some out.
    pub fn texts(&self) -> Result<[LabelledTexts; 2], TaskError> {
        let (source, reader) = (LabelledSource::parse(&self.data)?, self.reader());
        let texts = source.read(&reader)?;
        let dev = self.dev.as_deref().map(|dev| LabelledSource::parse(dev)?.undivided("--dev")).transpose()?;
        Ok(match dev.or_else(|| source.part(Part::Validation)) {
            Some(dev) => [texts, dev.read(&reader)?],
            None => texts.hold_out(self.hold_out.validation_share, self.split_seed)?.into(),
        })
    }

    /// The test texts; none if the data has none of its own.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn test(&self) -> Result<Option<LabelledTexts>, TaskError> {
        let test = LabelledSource::parse(&self.data)?.part(Part::Test);
        Ok(test.map(|test| test.read(&self.reader())).transpose()?)
    }

    pub(super) fn words(&self) -> WordConfig {
        let VocabularySettings { min_count, max_vocabulary: max_size } = self.vocabulary;
        WordConfig { min_count, max_size }
    }
}

#[cfg(test)]
mod tests;
