//! The result of reading a caption format.

use std::path::PathBuf;

use crate::Split;

/// An image and its captions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionedImage {
    /// Its path in the image folder.
    pub name: String,
    /// Its id in COCO, or its position in the caption file.
    pub id: u64,
    /// Its captions, as written: at least one.
    pub captions: Vec<String>,
}

/// The result of reading a caption format.
#[derive(Default)]
pub(super) struct Read {
    /// The caption file.
    pub path: PathBuf,
    /// The default folder of the images.
    pub folder: PathBuf,
    /// The images.
    pub parts: Split<Vec<CaptionedImage>>,
    /// Notes for the user.
    pub notes: Vec<String>,
}
