//! Pictures of a run, as SVG: they need no fonts to be made, and any browser shows them.

mod alignment;
mod attended;
mod confusion;
mod learning_curve;
mod timeline;

use std::fmt::Display;

pub use alignment::alignment;
pub use attended::{Thumbnail, attended};
pub use confusion::confusion;
pub use learning_curve::learning_curve;
pub use timeline::timeline;

/// A picture for the run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its file name, without `.svg`.
    pub name: &'static str,
    /// The picture.
    pub svg: String,
}

/// Drawing into memory cannot fail for the system's sake, so what fails is the drawing code.
pub(crate) fn drawn<T, E: Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|e| unreachable!("SVG is drawn into memory, with ranges that are not empty: {e}"))
}

/// A text with the marks that XML and HTML want.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
