//! What a run of `sentiment` is told.

use std::path::PathBuf;

use rekindle_data::labelled::{Encoding, LabelledSource, LabelledTexts, TextReader, WordVocabulary};
use rekindle_models::classifier::{ClassifierConfig, Pooling};
use rekindle_rnn::{Cell, Initialization, Scheme};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::run::RunSettings;
use crate::settings::{TrainingSettings, at_least_one, below_one, setting};

/// Settings of `sentiment`. Every field has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(default)]
pub struct SentimentSettings {
    /// The texts.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Texts"))]
    pub data: LabelledSettings,
    /// The model.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Model"))]
    pub model: ClassifierSettings,
    /// The loop.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Training"))]
    pub training: TrainingSettings,
}

/// Which texts, and how they are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct LabelledSettings {
    /// A table (.csv, .tsv, .jsonl, also .gz), a folder with a sub-folder for each class, a file of lines for each class
    /// (a.pos,a.neg), or builtin:reviews
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH", default_value_t = LabelledSettings::default().data))]
    pub data: String,
    /// The texts to judge by while training [default: a share of --data]
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// Without --dev, the share of the texts that is held out to judge by
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = LabelledSettings::default().validation_share))]
    pub validation_share: f64,
    /// Which texts these are: the same seed holds out the same ones
    #[cfg_attr(feature = "clap", arg(long, value_name = "SEED", default_value_t = LabelledSettings::default().split_seed))]
    pub split_seed: u64,
    /// The column of the texts: its name, or its number from 1 where there is no header [default: by its name or place]
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_column: Option<String>,
    /// The column of the labels, in the same way
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    /// The encoding of the files, such as windows-1252; auto detects
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = LabelledSettings::default().encoding))]
    pub encoding: Encoding,
    /// Words that appear less often are unknown
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = LabelledSettings::default().min_count))]
    pub min_count: u64,
    /// Keep this many words at most, the most frequent ones [default: all]
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<usize>,
    /// Words of a text; of a longer one the first and the last half of so many are read
    #[cfg_attr(feature = "clap", arg(long, value_name = "WORDS", default_value_t = LabelledSettings::default().max_length))]
    pub max_length: usize,
    /// Texts in a batch
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = LabelledSettings::default().batch_size))]
    pub batch_size: usize,
    /// Word vectors to start from, in GloVe's text format
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<PathBuf>,
}

/// The shape of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct ClassifierSettings {
    /// The recurrence: rnn, rnn-relu, lstm, gru, peephole-lstm, coupled-lstm, relu-lstm, layer-norm-lstm
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = ClassifierSettings::default().cell))]
    pub cell: Cell,
    /// Stacked layers
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "num-layers", value_name = "COUNT", default_value_t = ClassifierSettings::default().layers))]
    pub layers: usize,
    /// Width of the hidden state, in each direction
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "rnn-size", value_name = "WIDTH", default_value_t = ClassifierSettings::default().hidden))]
    pub hidden: usize,
    /// Width of a word's learned vector
    #[cfg_attr(feature = "clap", arg(long, value_name = "WIDTH", default_value_t = ClassifierSettings::default().embedding))]
    pub embedding: usize,
    /// Read the text from its beginning only, not from its end as well
    #[cfg_attr(feature = "clap", arg(long))]
    pub forward_only: bool,
    /// What the output layer reads of the hidden states: last, mean, max, attention
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = ClassifierSettings::default().pooling))]
    pub pooling: Pooling,
    /// Probability of dropping a value between layers and before the output
    #[cfg_attr(feature = "clap", arg(long, value_name = "PROBABILITY", default_value_t = ClassifierSettings::default().dropout))]
    pub dropout: f64,
    /// Probability of dropping a value of the words' vectors, the same ones for a whole text
    #[cfg_attr(feature = "clap", arg(long, value_name = "PROBABILITY", default_value_t = ClassifierSettings::default().embedding_dropout))]
    pub embedding_dropout: f64,
    /// Probability of reading a word as an unknown one, in training
    #[cfg_attr(feature = "clap", arg(long, value_name = "PROBABILITY", default_value_t = ClassifierSettings::default().word_dropout))]
    pub word_dropout: f64,
    /// How recurrent weights begin: pytorch (uniform), xavier, orthogonal
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = ClassifierSettings::default().init))]
    pub init: Scheme,
    /// The forget gate's bias at the start; 1 helps where dependencies are long
    #[cfg_attr(feature = "clap", arg(long, value_name = "BIAS", allow_negative_numbers = true, default_value_t = ClassifierSettings::default().forget_bias))]
    pub forget_bias: f64,
}

impl Default for LabelledSettings {
    fn default() -> Self {
        Self {
            data: "builtin:reviews".to_owned(),
            dev: None,
            validation_share: 0.1,
            split_seed: 1,
            text_column: None,
            label_column: None,
            encoding: Encoding::Auto,
            min_count: 2,
            max_size: None,
            max_length: 400,
            batch_size: 50,
            embeddings: None,
        }
    }
}

impl Default for ClassifierSettings {
    fn default() -> Self {
        Self {
            cell: Cell::Lstm,
            layers: 1,
            hidden: 128,
            embedding: 128,
            forward_only: false,
            pooling: Pooling::Max,
            dropout: 0.5,
            embedding_dropout: 0.3,
            word_dropout: 0.1,
            init: Scheme::Pytorch,
            forget_bias: 1.0,
        }
    }
}

impl SentimentSettings {
    /// Checks the values that have no meaning.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for the first one.
    pub fn validate(&self) -> Result<(), TrainError> {
        self.training.validate()?;
        let Self { data, model, .. } = self;
        at_least_one([
            ("layers", model.layers),
            ("hidden", model.hidden),
            ("embedding", model.embedding),
            ("batch-size", data.batch_size),
            ("max-length", data.max_length),
            ("max-size", data.max_size.unwrap_or(1)),
        ])?;
        below_one([
            ("dropout", model.dropout),
            ("embedding-dropout", model.embedding_dropout),
            ("word-dropout", model.word_dropout),
        ])?;
        if !model.forget_bias.is_finite() {
            return setting("forget-bias", model.forget_bias, "a number");
        }
        Ok(())
    }
}

impl RunSettings for SentimentSettings {
    const TASK: &'static str = "sentiment";

    fn training(&mut self) -> &mut TrainingSettings {
        &mut self.training
    }
}

impl LabelledSettings {
    /// How texts are read.
    pub fn reader(&self) -> TextReader {
        let (text_column, label_column) = (self.text_column.clone(), self.label_column.clone());
        TextReader { encoding: self.encoding, text_column, label_column }
    }

    /// The texts to train on and those to judge by.
    ///
    /// # Errors
    ///
    /// When a source cannot be read, or too few texts are there to hold some out.
    pub fn texts(&self) -> Result<[LabelledTexts; 2], TrainError> {
        let read = |source: &str| -> Result<LabelledTexts, TrainError> {
            Ok(LabelledSource::parse(source)?.read(&self.reader())?)
        };
        let texts = read(&self.data)?;
        match &self.dev {
            Some(dev) => Ok([texts, read(dev)?]),
            None => {
                let (train, held_out) = texts.hold_out(self.validation_share, self.split_seed)?;
                Ok([train, held_out])
            }
        }
    }
}

impl ClassifierSettings {
    pub(super) fn config(&self, vocabulary: &WordVocabulary) -> ClassifierConfig {
        let init = Initialization::new().with_scheme(self.init).with_forget_gate_bias(Some(self.forget_bias));
        let classes = vocabulary.classes().len();
        ClassifierConfig::new(vocabulary.len(), self.embedding, self.hidden, classes, self.cell)
            .with_num_layers(self.layers)
            .with_bidirectional(!self.forward_only)
            .with_pooling(self.pooling)
            .with_dropout(self.dropout)
            .with_embedding_dropout(self.embedding_dropout)
            .with_init(init)
    }
}
