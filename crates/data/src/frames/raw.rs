//! Clips as they were read, and the settings by which they are.

use std::num::NonZeroUsize;

use super::labels::Labels;
use super::{FrameFormat, Frames};
use crate::alias::Alias;

/// The shape to which images are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Height and width.
    pub size: usize,
}

/// How clips are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipReader {
    /// The column of a CSV file that holds the label of each frame.
    pub label_column: String,
    /// Columns of CSV files that are no features.
    pub ignore: Vec<String>,
    /// Other ways to write labels.
    pub aliases: Vec<Alias>,
    /// The shape to which images are brought.
    pub image: ImageShape,
    /// The columns that are the features, in this order; all that are left when none are given.
    pub columns: Option<Vec<String>>,
    /// A frame is how each feature has changed over so many frames, instead of its value.
    pub changes: Option<NonZeroUsize>,
}

/// A clip as it was read: labels are words, features are not standardised.
#[derive(Clone, Debug, PartialEq)]
pub struct RawClip {
    /// A name for people.
    pub name: String,
    /// The frames.
    pub frames: Frames,
    /// Their labels.
    pub labels: Option<Labels>,
    /// The names of the features, where they have some.
    pub columns: Option<Vec<String>>,
}

impl RawClip {
    /// What its frames are once they are read in the shape `image`.
    pub(super) fn format(&self, image: ImageShape) -> FrameFormat {
        match &self.frames {
            Frames::Features { width, .. } => FrameFormat::Features { width: *width },
            Frames::Images(_) | Frames::Pixels { .. } => {
                FrameFormat::Pixels { channels: image.channels, height: image.size, width: image.size }
            }
        }
    }
}
