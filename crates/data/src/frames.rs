//! Clips: sequences of frames with a label for each.
//!
//! A clip comes from a folder of images, a NumPy array or a CSV file; a manifest lists several. A batch has the frames
//! of several clips side by side, long clips in chunks.
//!
//! ```
//! use std::sync::Arc;
//!
//! use rekindle_data::frames::{
//!     ClipReader, FrameLoader, FrameSet, FrameSource, ImageShape, Normalization, TrainingPlan,
//! };
//!
//! let image = ImageShape { channels: 3, size: 32 };
//! let aliases = vec!["clockwise=right".parse()?];
//! // For tables.
//! let (label_column, ignore, columns) = (ClipReader::LABEL_COLUMN.into(), Vec::new(), None);
//! let (changes, normalization) = (None, Normalization::default());
//! let reader = ClipReader { label_column, ignore, aliases, image, columns, changes, normalization };
//! let set = FrameSet::open(&FrameSource::parse("builtin:moving-shapes", None)?, None, &reader, None)?;
//!
//! let lengths = set.train.iter().map(|clip| clip.len()).collect();
//! let plan = TrainingPlan::new(lengths, 16, 20, 1);
//! let mut loader = FrameLoader::new(set.train, set.schema.format, 2);
//! let batch = loader.batch(&Arc::new(plan.epoch(0)), 0)?;
//! assert_eq!(batch.frames.len(), 16 * 20 * set.schema.format.size());
//! # Ok::<(), rekindle_data::DataError>(())
//! ```

mod chunks;
mod clip;
mod generated;
mod labels;
mod live;
mod loader;
mod manifest;
mod moving_shapes;
mod normalization;
mod npy;
mod occluded_shapes;
mod raw;
mod reader;
mod schema;
mod set;
mod standardization;
mod table;
#[cfg(test)]
mod tests;
mod transitions;

pub use chunks::{Chunk, Layout, TrainingPlan};
pub use clip::{Clip, FrameFormat, Frames, PIXEL_DEVIATION, PIXEL_MEAN};
pub use labels::{Classes, Labels};
pub use live::LiveFrames;
pub use loader::{FrameBatch, FrameLoader};
pub use moving_shapes::MovingShapes;
pub use normalization::{Normalization, Statistics};
pub use occluded_shapes::OccludedShapes;
pub use raw::{ClipReader, ImageShape, RawClip};
pub use reader::is_image;
pub use schema::FrameSchema;
pub use set::{FrameSet, FrameSource, HoldOut};
pub use standardization::Standardization;
pub use transitions::Transitions;

pub use crate::alias::Alias;
pub use crate::split::Part;
