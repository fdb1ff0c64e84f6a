//! What the generated sets of images share.

use std::ops::Range;

use super::read::CaptionedImage;
use crate::Split;

/// Names and values of the colours.
pub(super) const COLOURS: [(&str, [u8; 3]); 4] =
    [("red", [220, 50, 40]), ("green", [50, 190, 70]), ("blue", [60, 90, 230]), ("yellow", [235, 215, 60])];

/// Images in the validation and in the test split.
const HELD_OUT: u64 = 500;

/// All images of the set `name`, each with its one caption: the first `train` to train on.
pub(super) fn all(name: &str, train: u64, caption: fn(u64) -> String) -> Split<Vec<CaptionedImage>> {
    let part = |numbers: Range<u64>| {
        let image = |id| CaptionedImage { name: format!("{name}/{id}"), id, captions: vec![caption(id)] };
        numbers.map(image).collect()
    };
    Split {
        train: part(0..train),
        validation: part(train..train + HELD_OUT),
        test: part(train + HELD_OUT..train + 2 * HELD_OUT),
    }
}

/// The number of an image of the set `name`, from the image's name.
pub(super) fn number(name: &str, image: &str) -> Option<u64> {
    image.strip_prefix(name)?.strip_prefix('/')?.parse().ok()
}
