//! Settings of `frames`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use rekindle_data::frames::{
    Alias, ClipReader, FrameSchema, FrameSet, FrameSource, HoldOut, ImageShape, Normalization,
    Statistics,
};
use rekindle_models::frame_tagger::FrameTaggerSettings;

use crate::prelude::*;

crate::run_settings! {
    /// Settings of `frames`.
    pub struct FramesSettings {
        /// The clips.
        data: ClipSettings => "Clips";
        /// The model.
        model: FrameTaggerSettings => "Model";
        /// The loop.
        training: TrainingSettings => "Training";
    }
}

settings! {
    /// Which clips, and how they are read.
    pub struct ClipSettings {
        /// Manifest (.csv), clips with commas between (folders of images, .gif, .npy, .csv), builtin:moving-shapes or
        /// builtin:occluded-shapes
        data: String = "builtin:moving-shapes".to_owned() => value("PATH");
        /// Clips for validation
        dev: Option<String> => value("PATH").unset("those of the manifest or of --folds");
        /// Divide the clips into this many folds and hold one of them out for validation
        folds: Option<usize> => value("COUNT").at_least(2).unset("none");
        /// Number of the fold to hold out, from 0
        fold: usize => value("NUMBER").at_least(0);
        /// Labels of --data, where it has none of its own (.npy, .csv, .txt)
        labels: Option<PathBuf> => value("FILE").unset("those of the clips");
        /// Column of the labels in CSV files
        label_column: String = "label".to_owned() => value("COLUMN");
        /// Columns of CSV files that are not features, with commas between
        ignore: Vec<String> => value("COLUMNS").separated_by(',');
        /// Another spelling of a label; may be given several times
        aliases: Vec<Alias> => option("alias").value("OTHER=LABEL");
        /// Read how each feature has changed over this many frames, not its value
        changes: Option<NonZeroUsize> => value("FRAMES").at_least(1).unset("its value");
        /// Statistics that features are normalised by: of the training frames, of the recording so far (mean and deviation), robust ones of the recording so far (median and median absolute deviation), or of the whole recording
        normalization: Option<Statistics> => value("STATISTICS").choices(Statistics::NAMES).unset(NORMALIZATION.1);
        /// Clip normalised features at this many deviations; 0 for no limit
        clip_features: Option<f32> => value("DEVIATIONS").at_least(0).unset(CLIP_FEATURES.1);
        /// Height and width to which images are scaled
        image_size: usize = 64 => value("PIXELS").at_least(1);
        /// Read images as grey
        grey: bool;
        /// Chunks in a batch
        batch_size: usize = 16 => value("COUNT").at_least(1);
        /// Frames of a chunk; the state is carried to the next chunk of the clip
        sequence_length: usize = 40 => value("FRAMES").at_least(1);
        /// Threads that read clips ahead of the model
        workers: usize = 1 => value("COUNT").at_least(0).at_most(WORKERS);
    }
}

/// The normalisation of a new run. A run of an earlier version has another, which is kept with its model; so these are
/// no defaults of settings, which would be written to its `config.toml` when it is resumed.
const NORMALIZATION: (Statistics, &str) = (Statistics::Training, Statistics::NAMES[0]);
const CLIP_FEATURES: (f32, &str) = (10.0, "10");

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
            normalization: Normalization {
                statistics: self.normalization.unwrap_or(NORMALIZATION.0),
                clip: Some(self.clip_features.unwrap_or(CLIP_FEATURES.0)).filter(|&clip| clip > 0.0),
            },
        }
    }

    /// The clips of a new run or, with `schema`, those of an existing run.
    ///
    /// # Errors
    ///
    /// When a clip cannot be read, or the clips do not fit together.
    pub fn clips(&self, schema: Option<FrameSchema>) -> Result<FrameSet, TaskError> {
        let source = FrameSource::parse(&self.data, self.labels.as_deref())?;
        let dev = self.dev.as_deref().map(|dev| FrameSource::parse(dev, None)).transpose()?;
        let hold_out = self.folds.map(|folds| HoldOut { folds, fold: self.fold });
        let reader = self.reader();
        Ok(match schema {
            None => FrameSet::open(&source, dev.as_ref(), &reader, hold_out)?,
            Some(schema) => FrameSet::reopen(&source, dev.as_ref(), &reader, hold_out, schema)?,
        })
    }
}
