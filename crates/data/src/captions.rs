//! Images with captions.
//!
//! | part | purpose |
//! |---|---|
//! | [`CaptionSet`] | opens COCO's JSON, Karpathy's JSON, Flickr8k's token file, Kaggle's `captions.txt`, or a generated set |
//! | [`CaptionedImage`] | an image's name and its captions, all that is kept in memory |
//! | [`Pictures`] | decodes an image file of any format to red, green and blue |
//! | [`PictureLoader`] | decodes the images of a batch on several threads, ahead of the model |
//! | [`shapes`] | coloured shapes in places, described by a small grammar |
//! | [`scenes`] | groups of shapes along a path, described with counts and relations |
//!
//! In memory an image is its name and id, and a caption its text: for COCO's 120,000 images and 600,000 captions about
//! 60 MB, of which 35 MB are characters and the rest the 24 bytes of each string. Pixels are read on demand.
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
mod generated;
mod json;
mod loader;
mod picture;
mod read;
pub mod scenes;
mod set;
pub mod shapes;
#[cfg(test)]
mod tests;

pub use loader::PictureLoader;
pub use picture::{Augmentation, Pictures, read as read_picture};
pub use read::CaptionedImage;
pub use set::{CaptionOptions, CaptionSet};
