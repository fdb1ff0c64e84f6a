//! The fixed public binarisation of MNIST: text, an image a line, a `0` or `1` for each pixel.
//!
//! Larochelle and Murray, "The neural autoregressive distribution estimator" (2011): `binarized_mnist_train.amat`.

use std::io::BufRead;
use std::path::Path;

use super::{Images, ImagesError, file};
use crate::Error;

/// Reads such a file, packed with gzip or not. Images are square.
///
/// # Errors
///
/// When the file cannot be read, or a line is not an image of the size of the first.
pub(super) fn read(path: &Path) -> Result<Images, Error> {
    let (mut side, mut values) = (0, Vec::new());
    for (index, line) in file::open(path)?.lines().enumerate() {
        let line = line.map_err(|e| Error::read(path.to_owned(), e))?;
        let bad = |reason| ImagesError::BadLine { path: path.to_owned(), line: index + 1, reason };
        let before = values.len();
        for word in line.split_whitespace() {
            values.push(match word.parse::<f32>() {
                Ok(0.0) => 0,
                Ok(1.0) => u8::MAX,
                _ => return Err(bad(format!("`{word}` is not 0 or 1")).into()),
            });
        }
        let pixels = values.len() - before;
        if index == 0 {
            side = pixels.isqrt();
            if side == 0 || side * side != pixels {
                return Err(bad(format!("{pixels} pixels are not a square image")).into());
            }
        } else if pixels != side * side {
            return Err(bad(format!("{pixels} pixels, and the first line has {}", side * side)).into());
        }
    }
    Ok(Images { channels: 1, height: side, width: side, values })
}
