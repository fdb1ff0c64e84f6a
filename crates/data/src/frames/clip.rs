//! A clip as a model reads it.

use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{DataError, pictures};

/// What models subtract from pixels, which are from 0 to 1.
pub const PIXEL_MEAN: f32 = 0.5;

/// What they divide the rest by.
pub const PIXEL_DEVIATION: f32 = 0.25;

/// The format of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameFormat {
    /// A vector of features.
    Features {
        /// Number of features.
        width: usize,
    },
    /// An image, in the order `[C, H, W]`.
    Pixels {
        /// 1 for grey, 3 for red, green and blue.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

impl FrameFormat {
    /// Size of a frame, `F`.
    pub fn size(self) -> usize {
        match self {
            Self::Features { width } => width,
            Self::Pixels { channels, height, width } => channels * height * width,
        }
    }

    /// The plural name of frames of this format.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Features { .. } => "features",
            Self::Pixels { .. } => "images",
        }
    }
}

/// The frames of a clip.
#[derive(Clone, Debug, PartialEq)]
pub enum Frames {
    /// `[T, F]`.
    Features {
        /// `F`.
        width: usize,
        /// The values, frame by frame.
        values: Vec<f32>,
    },
    /// `[T, C, H, W]`, from 0 to 255.
    Pixels {
        /// Values per frame.
        size: usize,
        /// The values, frame by frame.
        values: Vec<u8>,
    },
    /// A file for each frame, decoded on demand.
    Images(Vec<PathBuf>),
}

impl Frames {
    /// Number of frames.
    pub fn len(&self) -> usize {
        match self {
            Self::Features { width, values } => values.len() / (*width).max(1),
            Self::Pixels { size, values } => values.len() / (*size).max(1),
            Self::Images(paths) => paths.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A clip: its frames and, if known, their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// A readable name.
    pub name: String,
    /// The frames, features already normalised.
    pub frames: Frames,
    /// The class of every frame.
    pub labels: Option<Vec<u32>>,
    /// Whether the clip has one label for all its frames.
    pub whole_clip: bool,
}

impl Clip {
    /// Number of frames, `T`.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether it has no frames.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Writes the frames of `range` to `out`, of exactly their size: `[frames, F]`. Pixels are scaled to mean and
    /// deviation near 0 and 1, `(p / 255 - 1/2) · 4`.
    ///
    /// # Errors
    ///
    /// When an image cannot be read or decoded.
    pub(super) fn read(&self, range: Range<usize>, format: FrameFormat, out: &mut [f32]) -> Result<(), DataError> {
        let size = format.size();
        match (&self.frames, format) {
            (Frames::Features { values, .. }, _) => {
                out.copy_from_slice(&values[range.start * size..range.end * size]);
            }
            (Frames::Pixels { values, .. }, _) => {
                normalize(&values[range.start * size..range.end * size], out);
            }
            (Frames::Images(paths), FrameFormat::Pixels { channels, height, width }) => {
                for (path, out) in paths[range].iter().zip(out.chunks_exact_mut(size)) {
                    normalize(&pictures::pixels(path, channels, height, width)?, out);
                }
            }
            (Frames::Images(_), FrameFormat::Features { .. }) => {
                unreachable!("a set of features has no clips of images")
            }
        }
        Ok(())
    }

    /// All frames, `[T, F]`.
    ///
    /// # Errors
    ///
    /// When an image cannot be read or decoded.
    pub fn values(&self, format: FrameFormat) -> Result<Vec<f32>, DataError> {
        let mut values = vec![0.0; self.len() * format.size()];
        self.read(0..self.len(), format, &mut values)?;
        Ok(values)
    }
}

/// Scales pixels as the model reads them.
pub(super) fn normalize(pixels: &[u8], out: &mut [f32]) {
    for (out, &pixel) in out.iter_mut().zip(pixels) {
        *out = (f32::from(pixel) / 255.0 - PIXEL_MEAN) / PIXEL_DEVIATION;
    }
}
