//! The input format and the classes of a frame model.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::normalization::Normalizer;
use super::raw::{ClipReader, ImageShape, RawClip};
use super::reader::no_labels;
use super::{Classes, Clip, FrameFormat, Frames, Normalization, Standardization, Statistics, Transitions};
use crate::{DataError, ErrorKind, counted, files, json};

/// The input format and the classes of a model, stored with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameSchema {
    /// The frame format.
    pub format: FrameFormat,
    /// The feature columns, if they have names.
    pub columns: Option<Vec<String>>,
    /// The classes of a frame.
    pub classes: Classes,
    /// A frame is the change of each feature over this many frames, instead of its value.
    #[serde(default)]
    pub changes: Option<NonZeroUsize>,
    /// How features are normalised.
    #[serde(default)]
    pub normalization: Normalization,
    /// Fitted to the features of the training clips, which are normalised before if it is by the recording.
    pub standardization: Option<Standardization>,
    /// How labels follow each other in the training clips; none in the files of version 0.1.
    #[serde(default)]
    pub transitions: Option<Transitions>,
}

/// The schema with the file's version.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    frames: FrameSchema,
}

/// The version that is written; this and all earlier ones are read.
const VERSION: u64 = 2;

impl FrameSchema {
    /// Fits a schema to training clips. Features are normalised by their own statistics.
    ///
    /// # Errors
    ///
    /// When there is no clip, the clips do not match, one has no labels, or there is only one label.
    pub(super) fn fit(clips: &[RawClip], reader: &ClipReader) -> Result<Self, DataError> {
        let image = reader.image;
        let Some(first) = clips.first() else {
            let message =
                "there is no clip to train on: name some with --data, or give some the split `train` in the manifest";
            return Err(ErrorKind::TooLittle.error(message));
        };
        let format = first.format(image);
        for clip in clips {
            check_format(clip, format, &first.path.display().to_string(), image)?;
            if clip.labels.is_none() {
                return Err(no_labels(&clip.name));
            }
        }
        let classes = Classes::of(clips.iter().filter_map(|clip| clip.labels.as_ref()));
        if let [label] = classes.names() {
            let message = format!(
                "every frame of the {} training clips is labelled `{label}`: training needs at least two labels",
                clips.len()
            );
            return Err(ErrorKind::TooLittle.error(message));
        }
        let (changes, normalization) = (reader.changes, reader.normalization);
        // Arrays, whose features have no names, are read by position.
        let columns = clips.iter().find_map(|clip| clip.columns.clone());
        let mut schema =
            Self { format, columns, classes, changes, normalization, standardization: None, transitions: None };
        if let FrameFormat::Features { width } = format {
            let of_training = normalization.statistics == Statistics::Training;
            let values = clips.iter().map(|clip| match &clip.frames {
                Frames::Features { values, .. } if of_training => Ok(Cow::Borrowed(&values[..])),
                Frames::Features { values, .. } => schema.normalized(&clip.name, values.clone()).map(Cow::Owned),
                Frames::Images(_) | Frames::Pixels { .. } => unreachable!("all clips are of one format"),
            });
            let values = values.collect::<Result<Vec<Cow<'_, [f32]>>, DataError>>()?;
            schema.standardization = Some(Standardization::fit(values.iter().map(|values| &values[..]), width));
        }
        schema.transitions = Some(schema.count(clips)?);
        Ok(schema)
    }

    /// How the labels of clips follow each other.
    fn count(&self, clips: &[RawClip]) -> Result<Transitions, DataError> {
        let labels = clips.iter().filter_map(|clip| Some((clip.labels.as_ref()?, clip.frames.len())));
        let labels = labels.map(|(labels, frames)| self.classes.number(labels, frames));
        Ok(Transitions::count(
            self.classes.len(),
            labels.collect::<Result<Vec<_>, DataError>>()?.iter().map(Vec::as_slice),
        ))
    }

    /// Starts normalising the features of a recording, as they arrive; none if its statistics are of the whole.
    pub(super) fn normalizer(&self) -> Option<Normalizer<'_>> {
        let normalization = match self.format {
            FrameFormat::Features { .. } => self.normalization,
            FrameFormat::Pixels { .. } => Normalization::default(),
        };
        normalization.start(self.format.size(), self.standardization.as_ref())
    }

    /// The frames `[T, F]` of a recording, normalised.
    fn normalized(&self, clip: &str, mut values: Vec<f32>) -> Result<Vec<f32>, DataError> {
        let width = self.format.size();
        let mut normalizer = self.normalization.start_of(&values, width, self.standardization.as_ref());
        for (number, frame) in values.chunks_exact_mut(width).enumerate() {
            let place = || format!("frame {number}");
            normalizer.frame(frame).map_err(|feature| self.too_large(feature).within(clip).item(place()))?;
        }
        Ok(values)
    }

    /// The name of a feature, or its number from 1.
    pub(super) fn column(&self, feature: usize) -> String {
        self.columns.as_ref().map_or_else(|| (feature + 1).to_string(), |names| names[feature].clone())
    }

    /// The error for a feature whose value is too large once normalised.
    pub(super) fn too_large(&self, feature: usize) -> DataError {
        let message = format!(
            "the value of the column `{}` is too large once normalised; train with --clip-features to limit such values",
            self.column(feature)
        );
        ErrorKind::TooLarge.error(message)
    }

    /// Converts clips to the model's input. A clip may lack labels.
    ///
    /// # Errors
    ///
    /// When a clip has frames of another format, or a label outside of the model's classes.
    pub fn apply(&self, clips: Vec<RawClip>) -> Result<Vec<Clip>, DataError> {
        let image = self.image();
        let convert = |raw: RawClip| {
            check_format(&raw, self.format, "the model", image)?;
            let count = raw.frames.len();
            let labels = raw.labels.as_ref().map(|labels| {
                labels.check_count(&raw.name, count)?;
                self.classes.number(labels, count)
            });
            let whole_clip = raw.labels.as_ref().is_some_and(super::Labels::whole_clip);
            let frames = match raw.frames {
                Frames::Features { width, values } => {
                    Frames::Features { width, values: self.normalized(&raw.name, values)? }
                }
                pictures => pictures,
            };
            Ok(Clip { name: raw.name, frames, labels: labels.transpose()?, whole_clip })
        };
        clips.into_iter().map(convert).collect()
    }

    /// `reader`, set to the model's columns, image shape, changes and normalisation.
    pub fn reader(&self, reader: &ClipReader) -> ClipReader {
        let Self { changes, normalization, .. } = *self;
        ClipReader { columns: self.columns.clone(), image: self.image(), changes, normalization, ..reader.clone() }
    }

    /// The shape of images that the model reads; arbitrary if it reads none.
    fn image(&self) -> ImageShape {
        match self.format {
            FrameFormat::Pixels { channels, height, .. } => ImageShape { channels, size: height },
            FrameFormat::Features { .. } => ImageShape { channels: 1, size: 1 },
        }
    }

    /// Writes the schema to a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        let stored = Stored { version: VERSION, frames: self.clone() };
        let text = serde_json::to_string_pretty(&stored).expect("numbers and strings can be written as JSON");
        files::write(path.as_ref(), &text)
    }

    /// Reads a file written by [`save`](Self::save).
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is damaged, or is of a newer version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let stored: Stored = json::document(path, &files::text(path)?, None, VERSION)?;
        let check = stored.frames.check();
        check.map_err(|reason| ErrorKind::Format.error(format!("not a vocabulary: {reason}")).within(path))?;
        Ok(stored.frames)
    }

    /// Checks values that may be damaged in a well-formed file.
    fn check(&self) -> Result<(), &'static str> {
        let size = self.format.size();
        if size == 0 {
            return Err("its frames have no numbers");
        }
        if self.classes.len() < 2 {
            return Err("there are fewer than two classes");
        }
        if self.columns.as_ref().is_some_and(|columns| columns.len() != size) {
            return Err("there are not as many columns as features");
        }
        let fits = |s: &Standardization| s.mean.len() == size && s.deviation.len() == size;
        if !self.standardization.as_ref().is_none_or(fits) {
            return Err("the standardisation is of another number of features");
        }
        if self.normalization.clip.is_some_and(|clip| clip.is_nan() || clip <= 0.0) {
            return Err("values are clipped at a number that is not above 0");
        }
        if self.transitions.as_ref().is_some_and(|counts| counts.classes() != Some(self.classes.len())) {
            return Err("the counts of transitions are of another number of classes");
        }
        Ok(())
    }
}

fn check_format(clip: &RawClip, wanted: FrameFormat, first: &str, image: ImageShape) -> Result<(), DataError> {
    let message = match (clip.format(image), wanted) {
        (found, wanted) if found == wanted => return Ok(()),
        (FrameFormat::Features { width: found }, FrameFormat::Features { width: wanted }) => {
            format!("its frames have {}, and those of {first} have {wanted}", counted(found, "features"))
        }
        (found, wanted) => return Err(mixed(&clip.path, found.plural(), wanted, first)),
    };
    Err(ErrorKind::Mismatch.error(message).within(&clip.path))
}

/// The error for images mixed with features. `first` is the clip with the expected format.
pub(super) fn mixed(clip: impl AsRef<Path>, found: &str, wanted: FrameFormat, first: &str) -> DataError {
    let message = format!("its frames are {found}, and {} are wanted, as {first} has", wanted.plural());
    ErrorKind::Mismatch.error(message).within(clip)
}
