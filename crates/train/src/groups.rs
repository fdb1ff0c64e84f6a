//! Groups of settings that several tasks share, with the same option names.

use std::path::PathBuf;

use rekindle_data::files::Encoding;
use rekindle_models::decode::{Search, SearchError};
use rekindle_settings::settings;

/// Largest length limit of a sentence or a text: a search for longer ones would not end.
pub const LONGEST: u32 = 100_000;

/// Most threads that load data ahead of the model.
pub const WORKERS: u32 = 64;

settings! {
    /// Which tokens are in the vocabulary.
    pub struct VocabularySettings {
        /// Tokens that appear less often become the unknown token
        min_count: u64 = 1 => value("COUNT").at_least(0);
        /// Largest vocabulary; the most frequent tokens are kept
        max_vocabulary: Option<usize> => value("COUNT").at_least(1).unset("all tokens")
            .formerly("max_symbols").formerly("max_size").formerly("max_words");
    }
}

settings! {
    /// How files of texts are read.
    pub struct TextFileSettings {
        /// Column of the texts: its name, or its number from 1 where there is no header
        text_column: Option<String> => value("COLUMN").unset("by its name or place");
        /// Encoding of the files, such as windows-1252; auto detects it
        encoding: Encoding = Encoding::Auto => value("NAME");
    }
}

settings! {
    /// What is held out of the training data.
    pub struct HoldOutSettings {
        /// Share of the data to hold out for validation, where it has no validation split of its own
        validation_share: f64 = 0.1 => value("SHARE").at_least(0).below(1);
    }
}

settings! {
    /// Beam search settings; those that are not given have the task's defaults.
    pub struct SearchSettings {
        /// Beam: hypotheses kept side by side; 1 is greedy
        beam: Option<usize> => value("COUNT").at_least(1).at_most(1000).unset("5; 3 for caption");
        /// Power of the length by which scores are divided: 0 ranks by probability, 1 by the mean over tokens
        length_normalization: Option<f64> => value("POWER").at_least(0).unset("1; 0.7 for caption");
        /// Weight of the penalty on parts of the input that attention passes over
        coverage: Option<f64> => value("WEIGHT").at_least(0).unset("0");
        /// Fewest tokens to write
        min_length: Option<usize> => value("TOKENS").at_least(0).at_most(LONGEST).unset("0");
        /// Most tokens to write
        max_length: Option<usize> => value("TOKENS").at_least(1).at_most(LONGEST).unset("as in training").formerly("longest");
        /// No n-gram of this length may repeat
        no_repeat: Option<usize> => value("TOKENS").unset("no such rule");
    }
}

settings! {
    /// What is shown of the sentences that were found.
    pub struct ShownSettings {
        /// Show this many of the best sentences, with their scores
        n_best: Option<usize> => value("COUNT").at_least(1).at_most(1000).unset("1, without its score");
        /// Draw the attention weights of the last sentence into this SVG file
        attention: Option<PathBuf> => value("FILE").endings(["svg"]).unset("none");
    }
}

impl SearchSettings {
    /// The requested search, with `usual` for settings that are not given.
    ///
    /// # Errors
    ///
    /// When a setting is invalid.
    pub fn search(&self, usual: Search) -> Result<Search, SearchError> {
        let search = Search {
            beam: self.beam.unwrap_or(usual.beam),
            length_normalization: self.length_normalization.unwrap_or(usual.length_normalization),
            coverage: self.coverage.unwrap_or(usual.coverage),
            min_length: self.min_length.unwrap_or(usual.min_length),
            max_length: self.max_length.unwrap_or(usual.max_length),
            no_repeat: self.no_repeat.unwrap_or(usual.no_repeat),
        };
        search.validate()?;
        Ok(search)
    }
}
