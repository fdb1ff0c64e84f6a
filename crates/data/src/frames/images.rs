//! Frames as image files.

use std::fs;
use std::path::{Path, PathBuf};

use image::{ImageError, ImageFormat, ImageReader, imageops::FilterType};

use super::FramesError;
use crate::Error;

/// The images of a folder in natural order: `frame9.png` before `frame10.png`. Other files are passed over.
///
/// # Errors
///
/// When the folder cannot be read, or has no images.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |e| Error::read(folder.to_owned(), e);
    let mut images = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && ImageFormat::from_path(&path).is_ok() && path.is_file() {
            images.push(path);
        }
    }
    if images.is_empty() {
        let wanted = "image files (.png, .jpg, .bmp, .webp, .ppm) in the folder";
        return Err(FramesError::NoFrames { path: folder.to_owned(), wanted }.into());
    }
    alphanumeric_sort::sort_path_slice(&mut images);
    Ok(images)
}

/// Decodes an image and resizes it to `height` by `width`, whatever its aspect. `channels` is 1 for grey or 3 for RGB.
/// The numbers are in the order `[C, H, W]`.
///
/// # Errors
///
/// When the file cannot be read, or is no image that can be decoded: the error says what it is.
pub(crate) fn decode(path: &Path, channels: usize, height: usize, width: usize) -> Result<Vec<u8>, Error> {
    let bytes = fs::read(path).map_err(|e| Error::read(path.to_owned(), e))?;
    let reader = ImageReader::new(std::io::Cursor::new(&bytes));
    let reader = reader.with_guessed_format().map_err(|e| Error::read(path.to_owned(), e))?;
    let format = reader.format();
    let image = reader.decode().map_err(|source| undecodable(path, &bytes, format, source))?;
    let (w, h) = (width as u32, height as u32);
    let image =
        if (image.width(), image.height()) == (w, h) { image } else { image.resize_exact(w, h, FilterType::Triangle) };
    if channels == 1 {
        return Ok(image.into_luma8().into_raw());
    }
    let pixels = image.into_rgb8().into_raw();
    let plane = |channel: usize| pixels.iter().skip(channel).step_by(3).copied();
    Ok((0..3).flat_map(plane).collect())
}

/// What is said of a file that is no image, or a damaged one.
pub(crate) fn undecodable(path: &Path, bytes: &[u8], format: Option<ImageFormat>, source: ImageError) -> FramesError {
    let (what, source) = match format {
        _ if bytes.is_empty() => ("the file is empty".to_owned(), None),
        Some(format) => (format!("a damaged or unsupported {} file", name(format)), Some(Box::new(source))),
        None if bytes.iter().all(|&b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => {
            ("a text file".to_owned(), None)
        }
        None => {
            let head: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            (format!("of no known format; it begins with the bytes {}", head.join(" ")), None)
        }
    };
    FramesError::Image { path: path.to_owned(), what, source }
}

fn name(format: ImageFormat) -> String {
    format.extensions_str().first().map_or_else(|| "image".to_owned(), |extension| extension.to_uppercase())
}
