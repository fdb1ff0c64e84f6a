//! Drawings of the data and results of sequence models.
//!
//! Charts are SVG, which needs no fonts to generate and any browser shows; images are PNG and GIF; texts are HTML or
//! coloured terminal lines.
//!
//! * [`learning_curve`]: the loss and the first figure of a run, over the epochs.
//! * [`alignment`]: the attention weights of a translation; [`attended`]: those over an image, word by word.
//! * [`confusion`]: a confusion matrix.
//! * [`timeline`]: the labels of every frame of a clip.
//! * [`sheet`]: images side by side, as a picture, an animation or text.
//! * [`contributions`]: a text with words coloured by their contributions to a prediction.
//! * [`gallery`]: an HTML page of images with their captions.
//! * `Picture::png`, with the feature `png`: a drawing as PNG, for programs that show no SVG.
//! * [`page`]: an HTML page for such drawings; [`visible`]: text that is safe for a terminal.
//!
//! ```
//! use rekindle_metrics::classification::ConfusionMatrix;
//! use rekindle_pictures::confusion;
//!
//! let matrix = ConfusionMatrix::of(2, &[0, 0, 1], &[0, 1, 1]);
//! let picture = confusion(&matrix, &["negative", "positive"]);
//! assert!(picture.svg.starts_with("<svg"));
//! ```
#![forbid(unsafe_code)]

mod alignment;
mod attended;
mod confusion;
pub mod contributions;
mod gallery;
mod learning_curve;
#[cfg(feature = "png")]
mod png;
pub mod sheet;
mod text;
mod timeline;

use std::fmt::Display;

pub use alignment::alignment;
pub use attended::{Thumbnail, attended, png_address};
pub use confusion::confusion;
pub use gallery::{Exhibit, gallery};
pub use learning_curve::learning_curve;
pub use text::{escaped, page, visible};
pub use timeline::timeline;

/// A drawing for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its file name, without `.svg`.
    pub name: &'static str,
    /// The drawing.
    pub svg: String,
}

/// Drawing into memory has no system errors, so an error is a bug in the drawing code.
fn drawn<T, E: Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|e| unreachable!("SVG is drawn into memory, with ranges that are not empty: {e}"))
}
