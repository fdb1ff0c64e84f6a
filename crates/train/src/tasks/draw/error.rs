//! Errors of a run of `draw`.

use rekindle_data::images::Images;
use rekindle_models::draw::ImageShape;

/// An error of a run of `draw`, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// Images with another shape than the model's.
    #[error("{data}: images of {}, and the model draws {}", in_words(*found), in_words(*wanted))]
    OtherShape {
        /// The data.
        data: String,
        /// The shape of its images.
        found: ImageShape,
        /// The shape of the model's images.
        wanted: ImageShape,
    },
    /// The source run has another model.
    #[error("--init-from: the run has images of another shape, or other --hidden, --latent, --read or --write")]
    OtherModel,
    /// More new images than a picture has room for.
    #[error(
        "--count {count}: their picture would have more than {} megapixels: give at most {most}",
        MOST_PIXELS / 1_000_000
    )]
    TooMany {
        /// The images that were asked for.
        count: usize,
        /// The most that there is room for.
        most: usize,
    },
}

/// The most pixels of a picture of new images, which take 1.2 GB of memory.
pub(super) const MOST_PIXELS: usize = 400_000_000;

impl DrawError {
    /// Checks that `images` of `data` have the shape of the model's images.
    pub(super) fn check(data: &str, images: &Images, wanted: ImageShape) -> Result<(), Self> {
        let found = shape_of(images);
        if found == wanted { Ok(()) } else { Err(Self::OtherShape { data: data.to_owned(), found, wanted }) }
    }
}

/// The shape of an image of `images`.
pub(super) fn shape_of(images: &Images) -> ImageShape {
    ImageShape { channels: images.channels, height: images.height, width: images.width }
}

fn in_words(ImageShape { channels, height, width }: ImageShape) -> String {
    format!("{height} by {width} pixels{}", if channels == 1 { "" } else { " in colour" })
}
