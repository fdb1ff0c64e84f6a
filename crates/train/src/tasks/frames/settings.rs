//! Settings of `frames`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use rekindle_data::frames::{
    Alias, ClipReader, FrameFormat, FrameSchema, FrameSet, FrameSource, HoldOut, ImageShape, Normalization, Statistics,
};
use rekindle_models::frame_tagger::FrameTaggerSettings;
use rekindle_models::settings::RecurrentSettings;

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
        label_column: String = ClipReader::LABEL_COLUMN.to_owned() => value("COLUMN");
        /// Columns of CSV files that are not features, with commas between
        ignore: Vec<String> => value("COLUMNS").separated_by(',');
        /// Another spelling of a label; may be given several times
        aliases: Vec<Alias> => option("alias").value("OTHER=LABEL");
        /// Read how each feature has changed over this many frames, not its value
        changes: Option<NonZeroUsize> => value("FRAMES").at_least(1).unset("its value");
        /// Statistics that features are normalised by: of the training frames, of the recording so far (mean and
        /// deviation), robust ones of the recording so far (median and median absolute deviation), or of the whole
        /// recording
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

impl FramesSettings {
    /// Checks that a new run uses all its settings. Runs of earlier versions may have settings that they ignore, so
    /// this is no part of reading settings.
    ///
    /// # Errors
    ///
    /// For the first setting that is ignored.
    pub(super) fn check_used(&self) -> Result<(), SettingError> {
        let ClipSettings { folds, fold, .. } = self.data;
        if folds.is_none() && fold > 0 {
            return Err(SettingError::invalid("fold", fold, "used with --folds"));
        }
        if self.model.recurrent.cell.0.is_some() {
            return Ok(());
        }
        let wanted = "left out with --cell none, which has no recurrent layers";
        if self.model.bidirectional {
            return Err(SettingError::invalid("bidirectional", true, wanted));
        }
        let RecurrentSettings { layers, locked_input, locked_hidden, locked_output, .. } = self.model.recurrent;
        let RecurrentSettings { weight_drop, zoneout, zoneout_cell, .. } = self.model.recurrent;
        if layers > 1 {
            return Err(SettingError::invalid("layers", layers, wanted));
        }
        let probabilities = [
            ("locked-input", locked_input),
            ("locked-hidden", locked_hidden),
            ("locked-output", locked_output),
            ("weight-drop", weight_drop),
            ("zoneout", zoneout),
            ("zoneout-cell", zoneout_cell),
        ];
        match probabilities.into_iter().find(|(_, probability)| *probability > 0.0) {
            Some((option, probability)) => Err(SettingError::invalid(option, probability, wanted)),
            None => Ok(()),
        }
    }
}

impl ClipSettings {
    /// Checks that a new run on frames of this format uses all settings of the clips.
    ///
    /// # Errors
    ///
    /// For the first setting that is ignored.
    pub(super) fn check_used(&self, format: FrameFormat) -> Result<(), SettingError> {
        let size = self.image_size;
        let (are_of_size, are_grey, wanted) = match format {
            FrameFormat::Features { .. } => (false, false, "left out with features".to_owned()),
            FrameFormat::Pixels { channels, height, width } => {
                let colours = if channels == 1 { "grey" } else { "in colour" };
                let wanted = format!("left out: these images are {height} x {width}, {colours}");
                (height == size, channels == 1, wanted)
            }
        };
        if size != Self::default().image_size && !are_of_size {
            return Err(SettingError::invalid("image-size", size, wanted));
        }
        if self.grey && !are_grey {
            return Err(SettingError::invalid("grey", true, wanted));
        }
        if matches!(format, FrameFormat::Features { .. }) {
            return Ok(());
        }
        let wanted = "left out with images, which are not normalised by statistics";
        if let Some(statistics) = self.normalization.filter(|statistics| *statistics != NORMALIZATION.0) {
            let name = Statistics::NAMES[statistics as usize];
            return Err(SettingError::invalid("normalization", name, wanted));
        }
        match self.clip_features.filter(|limit| *limit != CLIP_FEATURES.0) {
            Some(limit) => Err(SettingError::invalid("clip-features", limit, wanted)),
            None => Ok(()),
        }
    }

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

#[cfg(test)]
mod tests {
    use rekindle_models::frame_tagger::Recurrence;
    use rekindle_settings::Settings;
    use rstest::rstest;

    use super::*;

    fn without_cell(change: impl FnOnce(&mut FramesSettings)) -> FramesSettings {
        let mut settings = FramesSettings::default();
        settings.model.recurrent.cell = Recurrence(None);
        change(&mut settings);
        settings
    }

    #[rstest]
    #[case::fold(without_cell(|all| all.data.fold = 3), "--fold 3: must be used with --folds")]
    #[case::bidirectional(without_cell(|all| all.model.bidirectional = true), "--bidirectional: must be left out with --cell none")]
    #[case::layers(without_cell(|all| all.model.recurrent.layers = 2), "--layers 2: must be left out with --cell none")]
    #[case::zoneout(without_cell(|all| all.model.recurrent.zoneout = 0.1), "--zoneout 0.1: must be left out")]
    #[case::locked(without_cell(|all| all.model.recurrent.locked_output = 0.1), "--locked-output 0.1: must be left out")]
    fn a_setting_that_a_new_run_would_ignore_is_refused(#[case] settings: FramesSettings, #[case] wanted: &str) {
        let error = settings.check_used().unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
        // Runs of earlier versions have such settings, and open.
        settings.data.validate().unwrap();
        settings.model.validate().unwrap();
        without_cell(|_| ()).check_used().unwrap();
    }

    const FEATURES: FrameFormat = FrameFormat::Features { width: 2 };
    const GREY: FrameFormat = FrameFormat::Pixels { channels: 1, height: 4, width: 4 };
    const COLOUR: FrameFormat = FrameFormat::Pixels { channels: 3, height: 64, width: 64 };

    #[rstest]
    #[case::size_of_features(32, false, FEATURES, Some("--image-size 32: must be left out with features"))]
    #[case::grey_features(64, true, FEATURES, Some("--grey: must be left out with features"))]
    #[case::size_of_a_built_in_set(32, false, GREY, Some("these images are 4 x 4, grey"))]
    #[case::grey_of_a_built_in_set(64, true, COLOUR, Some("these images are 64 x 64, in colour"))]
    #[case::their_size(4, true, GREY, None)]
    #[case::default(64, false, GREY, None)]
    #[case::default_features(64, false, FEATURES, None)]
    fn sizes_and_colours_that_nothing_reads_are_refused(
        #[case] image_size: usize,
        #[case] grey: bool,
        #[case] format: FrameFormat,
        #[case] wanted: Option<&str>,
    ) {
        let checked = ClipSettings { image_size, grey, ..ClipSettings::default() }.check_used(format);
        let seen = checked.err().map(|error| error.to_string());
        match (seen, wanted) {
            (Some(seen), Some(wanted)) => assert!(seen.contains(wanted), "{seen}"),
            (seen, wanted) => assert_eq!(seen.as_deref(), wanted),
        }
    }

    #[rstest]
    #[case::statistics(Some(Statistics::Robust), None, "--normalization robust: must be left out with images")]
    #[case::limit(None, Some(3.0), "--clip-features 3: must be left out with images")]
    fn images_are_not_normalised_by_statistics(
        #[case] normalization: Option<Statistics>,
        #[case] clip_features: Option<f32>,
        #[case] wanted: &str,
    ) {
        let settings = ClipSettings { normalization, clip_features, ..ClipSettings::default() };
        let error = settings.check_used(GREY).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
        settings.check_used(FEATURES).unwrap();
        let (normalization, clip_features) = (Some(NORMALIZATION.0), Some(CLIP_FEATURES.0));
        ClipSettings { normalization, clip_features, ..settings }.check_used(GREY).unwrap();
    }
}
