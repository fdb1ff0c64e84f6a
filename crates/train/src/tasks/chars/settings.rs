//! What a run of `chars` is told.

use rekindle_data::{TextSource, Unit, VocabularyConfig};
use rekindle_models::char_lm::CharLmConfig;
use rekindle_models::decode::Sampling;
use rekindle_rnn::{Cell, Initialization, Scheme};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::run::RunSettings;
use crate::settings::{TrainingSettings, at_least_one, below_one, setting};

/// Settings of `chars`. Every field has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(default)]
pub struct CharsSettings {
    /// The text.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Text"))]
    pub data: TextSettings,
    /// The model.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Model"))]
    pub model: ModelSettings,
    /// The loop.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Training"))]
    pub training: TrainingSettings,
    /// The samples on the way.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Samples while training"))]
    pub sample: SampleSettings,
}

/// Which text, and how it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct TextSettings {
    /// A file, several (PATH,PATH), a folder, or a text that comes with the program (builtin:source)
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH", default_value_t = TextSettings::default().data))]
    pub data: String,
    /// Which files of a folder, such as '**/*.{c,h}' [default: all]
    #[cfg_attr(feature = "clap", arg(long, value_name = "GLOB"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What one symbol is: char (a Unicode character), byte, word
    #[cfg_attr(feature = "clap", arg(long, value_name = "UNIT", default_value_t = TextSettings::default().units))]
    pub units: Unit,
    /// Symbols that appear less often become the unknown symbol
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = TextSettings::default().min_count))]
    pub min_count: u64,
    /// Keep this many symbols at most, the most frequent ones [default: all]
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_symbols: Option<usize>,
    /// Share of the text to train on, from its beginning
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = TextSettings::default().train_share))]
    pub train_share: f64,
    /// Share of the text, after that, to evaluate on while training; what is left is for `eval --part test`
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = TextSettings::default().validation_share))]
    pub validation_share: f64,
    /// Streams that are read side by side
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = TextSettings::default().batch_size))]
    pub batch_size: usize,
    /// Symbols of each stream in a step: how far back-propagation through time goes
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "seq-length", value_name = "SYMBOLS", default_value_t = TextSettings::default().sequence_length))]
    pub sequence_length: usize,
}

/// The shape of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// The recurrence: rnn, rnn-relu, lstm, gru, peephole-lstm, coupled-lstm, relu-lstm, layer-norm-lstm
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = ModelSettings::default().cell))]
    pub cell: Cell,
    /// Stacked layers
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "num-layers", value_name = "COUNT", default_value_t = ModelSettings::default().layers))]
    pub layers: usize,
    /// Width of the hidden state
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "rnn-size", value_name = "WIDTH", default_value_t = ModelSettings::default().hidden))]
    pub hidden: usize,
    /// Width of a symbol's learned vector; 0 feeds symbols one-hot, as min-char-rnn does
    #[cfg_attr(feature = "clap", arg(long, value_name = "WIDTH", default_value_t = ModelSettings::default().embedding))]
    pub embedding: usize,
    /// Use the symbols' vectors as output weights too (--embedding must equal --hidden)
    #[cfg_attr(feature = "clap", arg(long))]
    pub tied: bool,
    /// Probability of dropping a value between layers and before the output
    #[cfg_attr(feature = "clap", arg(long, value_name = "PROBABILITY", default_value_t = ModelSettings::default().dropout))]
    pub dropout: f64,
    /// How recurrent weights begin: pytorch (uniform), xavier, orthogonal
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = ModelSettings::default().init))]
    pub init: Scheme,
    /// The forget gate's bias at the start; 1 helps where dependencies are long
    #[cfg_attr(feature = "clap", arg(long, value_name = "BIAS", allow_negative_numbers = true, default_value_t = ModelSettings::default().forget_bias))]
    pub forget_bias: f64,
}

/// What the model writes while it is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct SampleSettings {
    /// Symbols of a sample; 0 for none
    #[cfg_attr(feature = "clap", arg(long, value_name = "SYMBOLS", default_value_t = SampleSettings::default().sample_length))]
    pub sample_length: usize,
    /// Its temperature
    #[cfg_attr(feature = "clap", arg(long, value_name = "TEMPERATURE", default_value_t = SampleSettings::default().sample_temperature))]
    pub sample_temperature: f32,
}

impl Default for TextSettings {
    fn default() -> Self {
        Self {
            data: "builtin:source".to_owned(),
            pattern: None,
            units: Unit::Char,
            min_count: 1,
            max_symbols: None,
            train_share: 0.9,
            validation_share: 0.1,
            batch_size: 50,
            sequence_length: 50,
        }
    }
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            cell: Cell::Lstm,
            layers: 2,
            hidden: 128,
            embedding: 128,
            tied: false,
            dropout: 0.0,
            init: Scheme::Pytorch,
            // 1, the usual advice and the default of `rekindle-rnn`, costs 0.05 nats on tiny Shakespeare: docs/chars.md.
            forget_bias: 0.0,
        }
    }
}

impl Default for SampleSettings {
    fn default() -> Self {
        Self { sample_length: 300, sample_temperature: 0.8 }
    }
}

impl CharsSettings {
    /// Checks the values that have no meaning.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for the first one.
    pub fn validate(&self) -> Result<(), TrainError> {
        self.training.validate()?;
        let Self { model, sample, .. } = self;
        at_least_one([("layers", model.layers), ("hidden", model.hidden)])?;
        below_one([("dropout", model.dropout)])?;
        if model.tied && model.embedding != model.hidden {
            return setting("embedding", model.embedding, "as wide as --hidden for --tied");
        }
        if !model.forget_bias.is_finite() {
            return setting("forget-bias", model.forget_bias, "a number");
        }
        Sampling { temperature: sample.sample_temperature, ..Sampling::default() }.validate()?;
        Ok(())
    }
}

impl RunSettings for CharsSettings {
    const TASK: &'static str = "chars";

    fn training(&mut self) -> &mut TrainingSettings {
        &mut self.training
    }
}

impl TextSettings {
    /// Where the text is.
    ///
    /// # Errors
    ///
    /// When the name or the pattern is malformed.
    pub fn source(&self) -> Result<TextSource, TrainError> {
        let source = TextSource::parse(&self.data)?;
        Ok(match &self.pattern {
            Some(pattern) => source.with_pattern(pattern)?,
            None => source,
        })
    }

    pub(super) fn vocabulary(&self) -> VocabularyConfig {
        VocabularyConfig { min_count: self.min_count, max_size: self.max_symbols, ..VocabularyConfig::default() }
    }

    /// The shares of training, validation and test.
    pub fn split(&self) -> [f64; 3] {
        // A rest that is only rounding must not become a test part, nor make the sum exceed 1.
        let rest = 1.0 - self.train_share - self.validation_share;
        [self.train_share, self.validation_share, if rest > 1e-9 { rest } else { 0.0 }]
    }
}

impl ModelSettings {
    pub(super) fn config(&self, vocabulary_size: usize) -> CharLmConfig {
        let init = Initialization::new().with_scheme(self.init).with_forget_gate_bias(Some(self.forget_bias));
        CharLmConfig::new(vocabulary_size, self.hidden, self.cell)
            .with_num_layers(self.layers)
            .with_embedding_size((self.embedding > 0).then_some(self.embedding))
            .with_tied(self.tied)
            .with_dropout(self.dropout)
            .with_init(init)
    }
}
