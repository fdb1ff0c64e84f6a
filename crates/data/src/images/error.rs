//! What can go wrong with images.

use std::path::PathBuf;

/// What is wrong with images, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// A file that is no idx file of the wanted kind.
    #[error(
        "{}: an idx file of {wanted_kind} begins with the number {wanted:#010x}, and this one with {seen:#010x}",
        path.display()
    )]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// What was looked for: "images", "labels".
        wanted_kind: &'static str,
        /// The magic number wanted.
        wanted: u32,
        /// The one in the file.
        seen: u32,
    },
    /// A file that ends too early, or goes on after its end.
    #[error("{}: the header announces {wanted} bytes ({announced}), and the file has {seen}", path.display())]
    WrongLength {
        /// The file.
        path: PathBuf,
        /// What the header announces, in words.
        announced: String,
        /// How many bytes that makes, header included.
        wanted: u64,
        /// The bytes there are; one too many stands for any number.
        seen: String,
    },
    /// A file of labels with another count than the images.
    #[error("{}: {labels} labels, and {} has {images} images", labels_path.display(), images_path.display())]
    CountsDiffer {
        /// The file of labels.
        labels_path: PathBuf,
        /// How many it has.
        labels: usize,
        /// The file of images.
        images_path: PathBuf,
        /// How many it has.
        images: usize,
    },
    /// A line of a binarised file that is not one.
    #[error("{}, line {line}: {reason}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Files of one set whose images differ in size.
    #[error("{}: images of {seen_height} by {seen_width}, and {} has {height} by {width}", path.display(), first.display())]
    SizesDiffer {
        /// The file.
        path: PathBuf,
        /// Its images' height.
        seen_height: usize,
        /// Its images' width.
        seen_width: usize,
        /// The file to compare with.
        first: PathBuf,
        /// Its images' height.
        height: usize,
        /// Its images' width.
        width: usize,
    },
    /// Less than two images: there is nothing to learn from.
    #[error("{name}: {count} image(s), and a model needs two or more")]
    TooFew {
        /// The file or folder.
        name: String,
        /// How many there are.
        count: usize,
    },
    /// A generator of this name does not exist.
    #[error("there are no built-in images `{name}`; there are: {known}")]
    NoSuchBuiltin {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Colour was asked of data that has none.
    #[error("{name}: these images are grey: leave --colour out")]
    Grey {
        /// The file or folder.
        name: String,
    },
    /// A side of 0 pixels, or of more than can be meant.
    #[error("--image-size {size}: it must be from 2 to 1024")]
    BadSize {
        /// What was given.
        size: usize,
    },
    /// Shares of held-out images that leave nothing to train on, or are none.
    #[error(
        "validation-share {validation} and test-share {test}: each must be from 0 to below 1, and so must their sum"
    )]
    BadShares {
        /// The share to validate with.
        validation: f64,
        /// The share to test with.
        test: f64,
    },
    /// A size that must not be 0.
    #[error("the {what} is 0, and must be 1 or more")]
    Zero {
        /// Which of them.
        what: &'static str,
    },
}
