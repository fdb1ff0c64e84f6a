//! What a run of `translate` is told.

use rekindle_data::parallel::{SentenceUnit, SubwordKind, WordVocabulary};
use rekindle_models::attention::AttentionKind;
use rekindle_models::decode::Search;
use rekindle_models::translator::TranslatorConfig;
use rekindle_rnn::Cell;
use serde::{Deserialize, Serialize};

use super::Languages;
use super::data::DATES;
use crate::error::TrainError;
use crate::run::RunSettings;
use crate::settings::{TrainingSettings, setting};

/// Settings of `translate`. Every field has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(default)]
pub struct TranslateSettings {
    /// The sentences.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Sentences"))]
    pub data: PairSettings,
    /// The model.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Model"))]
    pub model: TranslatorSettings,
    /// The loop.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Training"))]
    pub training: TrainingSettings,
}

/// Which sentences, and how they are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct PairSettings {
    /// A folder with train.LANG and val.LANG, a PATH of which PATH.LANG are the files, a table with tabs, or builtin:dates;
    /// files may end in .gz
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH", default_value_t = PairSettings::default().data))]
    pub data: String,
    /// The language to read, as files end: de [default: source]
    #[cfg_attr(feature = "clap", arg(long, value_name = "LANG"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_lang: Option<String>,
    /// The language to write, as files end: en [default: target]
    #[cfg_attr(feature = "clap", arg(long, value_name = "LANG"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_lang: Option<String>,
    /// The column of a table to read, from 1
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN", default_value_t = PairSettings::default().source_column))]
    pub source_column: usize,
    /// The column of a table to write, from 1
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN", default_value_t = PairSettings::default().target_column))]
    pub target_column: usize,
    /// What a symbol to read is: word, char
    #[cfg_attr(feature = "clap", arg(long, value_name = "UNIT", default_value_t = PairSettings::default().source_units))]
    pub source_units: SentenceUnit,
    /// What a symbol to write is: word, char [default: word; char for builtin:dates]
    #[cfg_attr(feature = "clap", arg(long, value_name = "UNIT"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_units: Option<SentenceUnit>,
    /// Cut words into pieces that are learnt from the text: bpe, unigram
    #[cfg_attr(feature = "clap", arg(long, value_name = "KIND"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subword: Option<SubwordKind>,
    /// Learn the same pieces for both languages (with --subword)
    #[cfg_attr(feature = "clap", arg(long))]
    pub joint: bool,
    /// Make upper case lower case
    #[cfg_attr(feature = "clap", arg(long))]
    pub lowercase: bool,
    /// Words that appear less often become the unknown word
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = PairSettings::default().min_count))]
    pub min_count: u64,
    /// Keep this many words of a language at most, the most frequent ones [default: all]; or learn so many pieces of words
    /// (with --subword) [default: 8000]
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_words: Option<usize>,
    /// Symbols of a sentence at most: longer ones are cut, and translations end there
    #[cfg_attr(feature = "clap", arg(long, value_name = "SYMBOLS", default_value_t = PairSettings::default().max_length))]
    pub max_length: usize,
    /// Refuse longer sentences in training instead of cutting them
    #[cfg_attr(feature = "clap", arg(long))]
    pub strict: bool,
    /// Share of the pairs, from the end, to evaluate on where the data has no val.LANG
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = PairSettings::default().validation_share))]
    pub validation_share: f64,
    /// Sentences in a batch
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = PairSettings::default().batch_size))]
    pub batch_size: usize,
    /// Size of a batch in symbols, padding included, instead of sentences
    #[cfg_attr(feature = "clap", arg(long, value_name = "SYMBOLS"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_tokens: Option<usize>,
}

/// The shape of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct TranslatorSettings {
    /// The recurrence: rnn, rnn-relu, lstm, gru, peephole-lstm, coupled-lstm, relu-lstm, layer-norm-lstm
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = TranslatorSettings::default().cell))]
    pub cell: Cell,
    /// Stacked layers, of the encoder and of the decoder
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "num-layers", value_name = "COUNT", default_value_t = TranslatorSettings::default().layers))]
    pub layers: usize,
    /// Width of the decoder's state; each direction of the encoder has half of it
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "rnn-size", value_name = "WIDTH", default_value_t = TranslatorSettings::default().hidden))]
    pub hidden: usize,
    /// Width of a word's learned vector
    #[cfg_attr(feature = "clap", arg(long, value_name = "WIDTH", default_value_t = TranslatorSettings::default().embedding))]
    pub embedding: usize,
    /// Where the decoder looks: none, dot, general, additive
    #[cfg_attr(feature = "clap", arg(long, value_name = "KIND", default_value_t = TranslatorSettings::default().attention))]
    pub attention: AttentionKind,
    /// Also read what was about to be written before the last word; slow, as training then goes word by word
    #[cfg_attr(feature = "clap", arg(long))]
    pub input_feeding: bool,
    /// Use the target words' vectors as output weights too
    #[cfg_attr(feature = "clap", arg(long))]
    pub tied: bool,
    /// Probability of dropping a value, of words' vectors, between layers and before the output
    #[cfg_attr(feature = "clap", arg(long, value_name = "PROBABILITY", default_value_t = TranslatorSettings::default().dropout))]
    pub dropout: f64,
    /// Share of the target's probability that all words have in common while training
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = TranslatorSettings::default().label_smoothing))]
    pub label_smoothing: f64,
    /// Share of the target's words that training reads as the model would write them
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = TranslatorSettings::default().scheduled_sampling))]
    pub scheduled_sampling: f64,
}

impl Default for PairSettings {
    fn default() -> Self {
        Self {
            data: DATES.to_owned(),
            source_lang: None,
            target_lang: None,
            source_column: 1,
            target_column: 2,
            source_units: SentenceUnit::Word,
            target_units: None,
            subword: None,
            joint: false,
            lowercase: false,
            min_count: 1,
            max_words: None,
            max_length: 100,
            strict: false,
            validation_share: 0.05,
            batch_size: 128,
            batch_tokens: None,
        }
    }
}

impl Default for TranslatorSettings {
    fn default() -> Self {
        Self {
            cell: Cell::Gru,
            layers: 1,
            hidden: 512,
            embedding: 256,
            attention: AttentionKind::General,
            input_feeding: false,
            tied: false,
            dropout: 0.3,
            label_smoothing: 0.1,
            scheduled_sampling: 0.0,
        }
    }
}

impl PairSettings {
    /// Checks that nothing is asked of pieces of words that only words or characters have, or the other way round.
    fn validate_subword(&self) -> Result<(), TrainError> {
        if self.subword.is_none() {
            return if self.joint { setting("joint", true, "used with --subword") } else { Ok(()) };
        }
        if self.source_units != SentenceUnit::Word {
            return setting("source-units", self.source_units, "word, where --subword cuts words into pieces");
        }
        match self.target_units {
            Some(unit) if unit != SentenceUnit::Word => {
                setting("target-units", unit, "word, where --subword cuts words into pieces")
            }
            _ if self.min_count != 1 => {
                setting("min-count", self.min_count, "1, as --subword knows rare words by their pieces")
            }
            _ => Ok(()),
        }
    }
}

impl TranslateSettings {
    /// How translations are searched for where nothing else is asked for. Evaluations during training are greedy.
    pub fn search(&self) -> Search {
        Search { beam: 5, max_length: self.data.max_length, ..Search::default() }
    }

    /// Checks the values that have no meaning.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for the first one.
    pub fn validate(&self) -> Result<(), TrainError> {
        self.training.validate()?;
        let Self { data, model, .. } = self;
        let counts = [
            ("source-column", data.source_column),
            ("target-column", data.target_column),
            ("max-length", data.max_length),
            ("batch-size", data.batch_size),
            ("batch-tokens", data.batch_tokens.unwrap_or(1)),
            ("layers", model.layers),
            ("embedding", model.embedding),
        ];
        if let Some((name, value)) = counts.into_iter().find(|(_, value)| *value == 0) {
            return setting(name, value, "1 or more");
        }
        if model.hidden == 0 || !model.hidden.is_multiple_of(2) {
            return setting("hidden", model.hidden, "an even number above 0");
        }
        data.validate_subword()?;
        let shares = [
            ("dropout", model.dropout),
            ("label-smoothing", model.label_smoothing),
            ("scheduled-sampling", model.scheduled_sampling),
            ("validation-share", data.validation_share),
        ];
        match shares.into_iter().find(|(_, share)| !(0.0..1.0).contains(share)) {
            Some((name, share)) => setting(name, share, "a number from 0 to below 1"),
            None => Ok(()),
        }
    }

    pub(super) fn config(&self, languages: &Languages) -> TranslatorConfig {
        let model = &self.model;
        let [source, target] = [&languages.source, &languages.target].map(|language| language.vocabulary.len());
        TranslatorConfig::new(source, target, model.hidden, model.cell)
            .with_embedding_size(model.embedding)
            .with_num_layers(model.layers)
            .with_attention(model.attention)
            .with_input_feeding(model.input_feeding)
            .with_tied(model.tied)
            .with_dropout(model.dropout)
            .with_label_smoothing(model.label_smoothing)
            .with_scheduled_sampling(model.scheduled_sampling)
            .with_start(WordVocabulary::START)
            .with_end(WordVocabulary::END)
    }
}

impl RunSettings for TranslateSettings {
    const TASK: &'static str = "translate";

    fn training(&mut self) -> &mut TrainingSettings {
        &mut self.training
    }
}
