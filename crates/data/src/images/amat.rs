//! The public fixed binarisation of MNIST: text, an image per line, with `0` or `1` for each pixel.
//!
//! Larochelle and Murray, "The neural autoregressive distribution estimator" (2011): `binarized_mnist_train.amat`.

use std::io::BufRead;
use std::path::Path;

use super::Images;
use crate::{DataError, ErrorKind, counted, files};

/// Reads such a file, gzipped or not. Images are square.
///
/// # Errors
///
/// When the file cannot be read, or the images differ in size.
pub(super) fn read(path: &Path) -> Result<Images, DataError> {
    let (mut side, mut values) = (0, Vec::new());
    for (index, line) in files::open(path)?.lines().enumerate() {
        let line = line.map_err(|e| DataError::read(path, e))?;
        let bad = |reason: String| ErrorKind::Format.error(reason).within(path).line(index as u64 + 1);
        let before = values.len();
        for word in line.split_whitespace() {
            values.push(match word.parse::<f32>() {
                Ok(0.0) => 0,
                Ok(1.0) => u8::MAX,
                _ => return Err(bad(format!("`{word}` is not 0 or 1"))),
            });
        }
        let pixels = values.len() - before;
        if index == 0 {
            side = pixels.isqrt();
            if side == 0 || side * side != pixels {
                return Err(bad(format!("{} in a line, not a square image", counted(pixels, "pixels"))));
            }
        } else if pixels != side * side {
            return Err(bad(format!("{}, and the first line has {}", counted(pixels, "pixels"), side * side)));
        }
    }
    Ok(Images { channels: 1, height: side, width: side, values })
}
