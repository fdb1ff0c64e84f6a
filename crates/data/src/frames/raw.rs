//! Clips as read, and the settings of their reader.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::labels::Labels;
use super::{FrameFormat, Frames, Normalization};
use crate::alias::Alias;

/// The shape that images are resized to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Height and width.
    pub size: usize,
}

/// Settings for reading clips.
#[derive(Clone, Debug, PartialEq)]
pub struct ClipReader {
    /// The column of a CSV file that holds the label of each frame.
    pub label_column: String,
    /// Columns of CSV files that are not features.
    pub ignore: Vec<String>,
    /// Alternative spellings of labels.
    pub aliases: Vec<Alias>,
    /// The shape that images are resized to.
    pub image: ImageShape,
    /// The feature columns, in this order; all remaining ones if none.
    pub columns: Option<Vec<String>>,
    /// A frame is the change of each feature over this many frames, instead of its value.
    pub changes: Option<NonZeroUsize>,
    /// How features are normalised.
    pub normalization: Normalization,
}

impl ClipReader {
    /// The label column that is read unless another is chosen.
    pub const LABEL_COLUMN: &str = "label";
}

/// A clip as read: labels are names, features are not normalised.
#[derive(Clone, Debug, PartialEq)]
pub struct RawClip {
    /// A readable name.
    pub name: String,
    /// Its file or folder.
    pub path: PathBuf,
    /// The frames.
    pub frames: Frames,
    /// Their labels.
    pub labels: Option<Labels>,
    /// The names of the features, if any.
    pub columns: Option<Vec<String>>,
}

impl RawClip {
    /// The format of its frames, if images are resized to `image`.
    pub(super) fn format(&self, image: ImageShape) -> FrameFormat {
        match &self.frames {
            Frames::Features { width, .. } => FrameFormat::Features { width: *width },
            Frames::Images(_) | Frames::Pixels { .. } => {
                FrameFormat::Pixels { channels: image.channels, height: image.size, width: image.size }
            }
        }
    }
}
