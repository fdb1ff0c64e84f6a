//! What a reader of a format gives.

use std::path::PathBuf;

use crate::Split;

/// A picture and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionedImage {
    /// Its path below the folder of the pictures.
    pub name: String,
    /// Its number in COCO, or its place in the file of captions.
    pub id: u64,
    /// Its captions, as they were written: one at least.
    pub captions: Vec<String>,
}

/// What a reader of a format gives.
#[derive(Default)]
pub(super) struct Read {
    /// The file of captions.
    pub path: PathBuf,
    /// The default folder of the images.
    pub folder: PathBuf,
    /// The pictures.
    pub parts: Split<Vec<CaptionedImage>>,
}
