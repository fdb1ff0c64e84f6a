//! What a run of `frames` is told.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use rekindle_data::frames::{Alias, ClipReader, FrameFormat, FrameSchema, FrameSet, FrameSource, HoldOut, ImageShape};
use rekindle_models::frame_tagger::{FrameInput, FrameTaggerConfig};
use rekindle_rnn::Cell;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::run::RunSettings;
use crate::settings::{TrainingSettings, at_least_one, below_one, setting};

/// Settings of `frames`. Every field has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(default)]
pub struct FramesSettings {
    /// The clips.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Clips"))]
    pub data: ClipSettings,
    /// The model.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Model"))]
    pub model: TaggerSettings,
    /// The loop.
    #[cfg_attr(feature = "clap", command(flatten, next_help_heading = "Training"))]
    pub training: TrainingSettings,
}

/// Which clips, and how they are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct ClipSettings {
    /// A manifest (.csv), clips (folders of images, .npy, .csv; several with commas between), or builtin:moving-shapes
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH", default_value_t = ClipSettings::default().data))]
    pub data: String,
    /// The clips to judge by while training [default: those that the manifest or --folds says]
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// Deal the clips out to so many folds and hold one of them out
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// Which of the folds, from 0
    #[cfg_attr(feature = "clap", arg(long, value_name = "NUMBER", default_value_t = 0))]
    pub fold: usize,
    /// The labels of --data, where it has none of its own (.npy, .csv, .txt)
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
    /// The column of the labels in CSV files
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN", default_value_t = ClipSettings::default().label_column))]
    pub label_column: String,
    /// Columns of CSV files that are no features
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMNS", value_delimiter = ','))]
    pub ignore: Vec<String>,
    /// Another way in which a label is written: OTHER=LABEL
    #[cfg_attr(feature = "clap", arg(long = "alias", value_name = "OTHER=LABEL"))]
    pub aliases: Vec<Alias>,
    /// Read how each feature has changed over this many frames, instead of its value
    #[cfg_attr(feature = "clap", arg(long, value_name = "FRAMES"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<NonZeroUsize>,
    /// Height and width to which images are brought
    #[cfg_attr(feature = "clap", arg(long, value_name = "PIXELS", default_value_t = ClipSettings::default().image_size))]
    pub image_size: usize,
    /// Read images as grey
    #[cfg_attr(feature = "clap", arg(long))]
    pub grey: bool,
    /// Chunks in a batch
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = ClipSettings::default().batch_size))]
    pub batch_size: usize,
    /// Frames of a chunk; the state is carried to the clip's next one
    #[cfg_attr(feature = "clap", arg(long, value_name = "FRAMES", default_value_t = ClipSettings::default().sequence_length))]
    pub sequence_length: usize,
    /// Threads that read clips ahead of the model
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = ClipSettings::default().workers))]
    pub workers: usize,
}

/// The recurrence of a tagger: a cell, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recurrence(pub Option<Cell>);

/// The shape of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct TaggerSettings {
    /// The recurrence: rnn, rnn-relu, lstm, gru, peephole-lstm, coupled-lstm, relu-lstm, layer-norm-lstm; none judges every
    /// frame by itself
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = TaggerSettings::default().cell))]
    pub cell: Recurrence,
    /// Stacked layers
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "num-layers", value_name = "COUNT", default_value_t = TaggerSettings::default().layers))]
    pub layers: usize,
    /// Width of the hidden state, in each direction
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "rnn-size", value_name = "WIDTH", default_value_t = TaggerSettings::default().hidden))]
    pub hidden: usize,
    /// Width of an encoded frame
    #[cfg_attr(feature = "clap", arg(long, value_name = "WIDTH", default_value_t = TaggerSettings::default().encoder))]
    pub encoder: usize,
    /// Let a frame see those after it too, within its chunk: no live use
    #[cfg_attr(feature = "clap", arg(long))]
    pub bidirectional: bool,
    /// Read what was said of the frame before along with each frame
    #[cfg_attr(feature = "clap", arg(long))]
    pub feedback: bool,
    /// With --feedback: share of the labels in place of which training reads what the model says
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = TaggerSettings::default().scheduled_sampling))]
    pub scheduled_sampling: f64,
    /// Probability of dropping a value of an encoded frame, between layers and before the output
    #[cfg_attr(feature = "clap", arg(long, value_name = "PROBABILITY", default_value_t = TaggerSettings::default().dropout))]
    pub dropout: f64,
    /// Let every class weigh the same in the loss, however rare it is
    #[cfg_attr(feature = "clap", arg(long))]
    pub balanced: bool,
}

impl Default for ClipSettings {
    fn default() -> Self {
        Self {
            data: "builtin:moving-shapes".to_owned(),
            dev: None,
            folds: None,
            fold: 0,
            labels: None,
            label_column: "label".to_owned(),
            ignore: Vec::new(),
            aliases: Vec::new(),
            image_size: 64,
            changes: None,
            grey: false,
            batch_size: 16,
            sequence_length: 40,
            workers: 1,
        }
    }
}

impl Default for TaggerSettings {
    fn default() -> Self {
        Self {
            cell: Recurrence(Some(Cell::Gru)),
            layers: 1,
            hidden: 128,
            encoder: 128,
            bidirectional: false,
            feedback: false,
            scheduled_sampling: 0.0,
            dropout: 0.0,
            balanced: false,
        }
    }
}

impl FromStr for Recurrence {
    type Err = rekindle_rnn::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "none" { Ok(Self(None)) } else { Ok(Self(Some(name.parse()?))) }
    }
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(cell) => cell.fmt(f),
            None => f.write_str("none"),
        }
    }
}

impl TryFrom<String> for Recurrence {
    type Error = rekindle_rnn::Error;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Recurrence> for String {
    fn from(recurrence: Recurrence) -> String {
        recurrence.to_string()
    }
}

impl FramesSettings {
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
            ("encoder", model.encoder),
            ("batch-size", data.batch_size),
            ("sequence-length", data.sequence_length),
            ("image-size", data.image_size),
        ])?;
        below_one([("dropout", model.dropout), ("scheduled-sampling", model.scheduled_sampling)])?;
        if model.feedback && (model.cell.0.is_none() || model.bidirectional) {
            return setting("feedback", true, "used with a cell, and without --bidirectional");
        }
        if !model.feedback && model.scheduled_sampling > 0.0 {
            return setting("scheduled-sampling", model.scheduled_sampling, "used with --feedback");
        }
        Ok(())
    }
}

impl RunSettings for FramesSettings {
    const TASK: &'static str = "frames";

    fn training(&mut self) -> &mut TrainingSettings {
        &mut self.training
    }
}

impl ClipSettings {
    /// How clips are read.
    pub fn reader(&self) -> ClipReader {
        ClipReader {
            label_column: self.label_column.clone(),
            ignore: self.ignore.clone(),
            aliases: self.aliases.clone(),
            image: ImageShape { channels: if self.grey { 1 } else { 3 }, size: self.image_size },
            columns: None,
            changes: self.changes,
        }
    }

    /// The clips of a new run, or with `schema` those of a run that there is.
    ///
    /// # Errors
    ///
    /// When a clip cannot be read, or the clips do not go together.
    pub fn clips(&self, schema: Option<FrameSchema>) -> Result<FrameSet, TrainError> {
        let source = FrameSource::parse(&self.data, self.labels.as_deref()).map_err(rekindle_data::Error::from)?;
        let dev = self.dev.as_deref().map(|dev| FrameSource::parse(dev, None)).transpose();
        let dev = dev.map_err(rekindle_data::Error::from)?;
        let hold_out = self.folds.map(|folds| HoldOut { folds, fold: self.fold });
        let reader = self.reader();
        Ok(match schema {
            None => FrameSet::open(&source, dev.as_ref(), &reader, hold_out)?,
            Some(schema) => FrameSet::reopen(&source, dev.as_ref(), &reader, hold_out, schema)?,
        })
    }
}

impl TaggerSettings {
    pub(super) fn config(&self, schema: &FrameSchema) -> FrameTaggerConfig {
        let input = match schema.format {
            FrameFormat::Features { width } => FrameInput::Features { width },
            FrameFormat::Pixels { channels, height, width } => FrameInput::Pixels { channels, height, width },
        };
        FrameTaggerConfig::new(input, schema.classes.len(), self.encoder, self.hidden)
            .with_cell(self.cell.0)
            .with_num_layers(self.layers)
            .with_bidirectional(self.bidirectional)
            .with_feedback(self.feedback)
            .with_scheduled_sampling(self.scheduled_sampling)
            .with_dropout(self.dropout)
    }
}
