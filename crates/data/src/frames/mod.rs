//! Clips: sequences of frames with a label for each.
//!
//! A clip comes from a folder of images, from a NumPy array or from a CSV file; a manifest ties many of them. Frames are
//! given out in batches of clips side by side, long ones in chunks.

mod chunks;
mod clip;
mod error;
mod images;
mod labels;
mod loader;
mod manifest;
mod moving_shapes;
mod npy;
mod reader;
mod schema;
mod set;
mod standardization;
mod table;
#[cfg(test)]
mod tests;

pub use chunks::{Chunk, Layout, TrainingPlan};
pub use clip::{Clip, FrameFormat, Frames};
pub use error::FramesError;
pub use labels::{Alias, Classes, Labels};
pub use loader::{FrameBatch, FrameLoader};
pub use moving_shapes::{MovingShapes, Part};
pub use reader::{ClipReader, ImageShape, RawClip};
pub use schema::FrameSchema;
pub use set::{FrameSet, FrameSource, HoldOut};
pub use standardization::Standardization;
