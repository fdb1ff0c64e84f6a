//! Pictures with captions.
//!
//! | part | what it does |
//! |---|---|
//! | [`CaptionSet`] | opens COCO's JSON, Karpathy's JSON, Flickr8k's token file, Kaggle's `captions.txt`, or generated shapes |
//! | [`CaptionedImage`] | a picture's name and its captions: all that is kept in memory |
//! | [`Pictures`] | decodes a picture to red, green and blue, whatever it is stored as |
//! | [`PictureLoader`] | decodes the pictures of a batch on several threads, ahead of the model |
//! | [`shapes`] | coloured shapes in places, described by a small grammar |
//!
//! In memory a picture is its name and number, and a caption its text: with 120,000 pictures and 600,000 captions of COCO
//! about 60 MB, of which 35 MB are letters and the rest the 24 bytes that a text takes to be found. Pixels are read when
//! they are wanted.
//!
//! ```
//! use rekindle_data::captions::{CaptionOptions, CaptionSet};
//!
//! let set = CaptionSet::open("builtin:shapes", &CaptionOptions::default())?;
//! let image = &set.train[0];
//! println!("{}: {}", image.name, image.captions[0]);
//! let pixels = set.pictures.pixels(&image.name, 48, None)?;
//! assert_eq!(pixels.len(), 3 * 48 * 48);
//! # Ok::<(), rekindle_data::DataError>(())
//! ```

mod flickr;
mod json;
mod loader;
mod picture;
mod read;
mod set;
pub mod shapes;
#[cfg(test)]
mod tests;

pub use loader::PictureLoader;
pub use picture::{Augmentation, Pictures, read as read_picture};
pub use read::CaptionedImage;
pub use set::{CaptionOptions, CaptionSet};
