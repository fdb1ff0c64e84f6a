//! The input format and the classes of a frame model.

use std::num::NonZeroUsize;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::raw::{ClipReader, ImageShape, RawClip};
use super::reader::no_labels;
use super::{Classes, Clip, FrameFormat, Frames, Standardization};
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
    /// Fitted to the features of the training clips.
    pub standardization: Option<Standardization>,
}

/// The schema with the file's version.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    frames: FrameSchema,
}

/// The version that is written; this and all earlier ones are read.
const VERSION: u64 = 1;

impl FrameSchema {
    /// Fits a schema to training clips. Features are standardised by their own mean and deviation.
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
            check_format(clip, format, &first.name, image)?;
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
        let values = clips.iter().filter_map(|clip| match &clip.frames {
            Frames::Features { values, .. } => Some(&values[..]),
            _ => None,
        });
        let standardization = match format {
            FrameFormat::Features { width } => Some(Standardization::fit(values, width)),
            FrameFormat::Pixels { .. } => None,
        };
        Ok(Self { format, columns: first.columns.clone(), classes, changes: reader.changes, standardization })
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
            let mut clip = Clip { name: raw.name, frames: raw.frames, labels: labels.transpose()?, whole_clip };
            if let Some(standardization) = &self.standardization {
                clip.standardize(standardization);
            }
            Ok(clip)
        };
        clips.into_iter().map(convert).collect()
    }

    /// `reader`, set to the model's columns, image shape and changes.
    pub fn reader(&self, reader: &ClipReader) -> ClipReader {
        ClipReader { columns: self.columns.clone(), image: self.image(), changes: self.changes, ..reader.clone() }
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
        Ok(())
    }
}

fn check_format(clip: &RawClip, wanted: FrameFormat, first: &str, image: ImageShape) -> Result<(), DataError> {
    let message = match (clip.format(image), wanted) {
        (found, wanted) if found == wanted => return Ok(()),
        (FrameFormat::Features { width: found }, FrameFormat::Features { width: wanted }) => {
            format!("its frames have {}, and those of {first} have {wanted}", counted(found, "features"))
        }
        (found, wanted) => return Err(mixed(&clip.name, found.plural(), wanted, first)),
    };
    Err(ErrorKind::Mismatch.error(message).within(&clip.name))
}

/// The error for images mixed with features. `first` is the clip with the expected format.
pub(super) fn mixed(clip: &str, found: &str, wanted: FrameFormat, first: &str) -> DataError {
    let message = format!("its frames are {found}, and {} are wanted, as {first} has", wanted.plural());
    ErrorKind::Mismatch.error(message).within(clip)
}
