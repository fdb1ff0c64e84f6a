//! From a file to pixels.

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::{self, FilterType};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::shapes;
use crate::{DataError, pictures};

/// Where pictures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pictures {
    /// Files below this folder.
    Folder(PathBuf),
    /// Drawn by [`shapes`].
    Shapes,
}

/// How a picture is changed each time it is trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augmentation {
    /// Turn half of the pictures left for right.
    pub flip: bool,
    /// Cut out a window of seven eighths of each side.
    pub crop: bool,
    /// Decides which, and where.
    pub seed: u64,
}

impl Pictures {
    /// A picture of `side` by `side` pixels: all red ones, row by row, then green, then blue.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is no image that can be decoded: the error says what it is.
    pub fn pixels(&self, name: &str, side: usize, augmentation: Option<Augmentation>) -> Result<Vec<u8>, DataError> {
        let picture = match self {
            Self::Folder(folder) => pictures::decode(&folder.join(name))?.into_rgb8(),
            // A name that is no number is of no generated picture; the first stands for it.
            Self::Shapes => shapes::picture(shapes::number(name).unwrap_or(0), side),
        };
        Ok(planes(picture, side, augmentation))
    }

    /// The size of an image's file in bytes: two images of one name differ in it.
    pub fn size(&self, name: &str) -> u64 {
        match self {
            Self::Folder(folder) => fs::metadata(folder.join(name)).map_or(0, |metadata| metadata.len()),
            Self::Shapes => 0,
        }
    }
}

/// The picture in a file, as [`Pictures::pixels`] gives it.
///
/// # Errors
///
/// As there.
pub fn read(path: &Path, side: usize) -> Result<Vec<u8>, DataError> {
    Ok(planes(pictures::decode(path)?.into_rgb8(), side, None))
}

/// Squashed to a square, so that nothing is cut off, and laid out plane by plane.
fn planes(mut picture: RgbImage, side: usize, augmentation: Option<Augmentation>) -> Vec<u8> {
    if let Some(Augmentation { flip, crop, seed }) = augmentation {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let [right, down, turned]: [f32; 3] = std::array::from_fn(|_| rng.random());
        if crop {
            let (width, height) = picture.dimensions();
            let [w, h] = [width, height].map(|size| (size - size / 8).max(1));
            let at = |share: f32, room: u32| ((share * (room + 1) as f32) as u32).min(room);
            let (x, y) = (at(right, width - w), at(down, height - h));
            picture = imageops::crop_imm(&picture, x, y, w, h).to_image();
        }
        if flip && turned < 0.5 {
            imageops::flip_horizontal_in_place(&mut picture);
        }
    }
    let wanted = side as u32;
    if picture.dimensions() != (wanted, wanted) {
        picture = imageops::resize(&picture, wanted, wanted, FilterType::Triangle);
    }
    pictures::planes(picture)
}
