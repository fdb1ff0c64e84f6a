//! Settings of `chars`.

use rekindle_data::{TextSource, Unit, VocabularyConfig};
use rekindle_models::char_lm::CharLmSettings;
use rekindle_models::decode::Sampling;

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

settings! {
    /// Which text, and how it is read.
    pub struct TextSettings {
        /// A file, several (PATH,PATH), a folder, or a text that comes with the program (builtin:source)
        data: String = "builtin:source".to_owned() => value("PATH");
        /// Which files of a folder, such as '**/*.{c,h}'
        pattern: Option<String> => value("GLOB").unset("all");
        /// What one token is: a Unicode character, a byte or a word
        units: Unit = Unit::Char => value("UNIT").choices(["char", "byte", "word"]);
        /// The vocabulary.
        @flatten vocabulary: VocabularySettings;
        /// Share of the text to train on, from its beginning
        train_share: f64 = 0.9 => value("SHARE");
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
    /// The source of the text.
    ///
    /// # Errors
    ///
    /// When the name or the pattern is malformed, or no name is given, as in an imported run.
    pub fn source(&self) -> Result<TextSource, TaskError> {
        if self.data.is_empty() {
            return Err(CharsError::NoText.into());
        }
        source(&self.data, self.pattern.as_deref())
    }

    pub(super) fn vocabulary(&self) -> VocabularyConfig {
        let VocabularySettings { min_count, max_vocabulary: max_size } = self.vocabulary;
        VocabularyConfig { min_count, max_size, ..VocabularyConfig::default() }
    }

    /// The shares of training, validation and test.
    pub fn split(&self) -> [f64; 3] {
        // A rest that is only rounding must not become a test split, nor make the sum exceed 1.
        let rest = 1.0 - self.train_share - self.hold_out.validation_share;
        [self.train_share, self.hold_out.validation_share, if rest > 1e-9 { rest } else { 0.0 }]
    }
}

/// The text `data`; of a folder, only the files that match `pattern`.
pub(super) fn source(data: &str, pattern: Option<&str>) -> Result<TextSource, TaskError> {
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
