//! Decoding image files, for all tasks.

mod jpeg;

use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use image::codecs::gif::GifDecoder;
use image::imageops::FilterType;
use image::{
    AnimationDecoder, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
};

use crate::{DataError, ErrorKind, files};

/// The largest file that is read as an image.
const MAX_BYTES: u64 = 256 << 20;

/// The most pixels of an image, those of a 100 megapixel camera.
const MAX_PIXELS: u64 = 100_000_000;

/// The images of a folder in natural order: `frame9.png` before `frame10.png`. Other files are skipped, and folders.
/// `what` names the images in errors: "frames".
///
/// # Errors
///
/// When the folder cannot be read, or has no images.
pub(crate) fn list(folder: &Path, what: &str) -> Result<Vec<PathBuf>, DataError> {
    let mut images = files::entries(folder)?;
    images.retain(|path| is_image(path));
    if images.is_empty() {
        let mut message = format!("there are no {what}: image files (.png, .jpg, .bmp, .webp, .ppm) in the folder");
        if let Some(folders) = folders(folder)? {
            message += &format!(", but in its folders {folders}: give one of them");
        }
        return Err(ErrorKind::TooLittle.error(message).within(folder));
    }
    Ok(images)
}

fn is_image(path: &Path) -> bool {
    ImageFormat::from_path(path).is_ok() && path.is_file()
}

/// The names of the folders in a folder that have images, for messages: the first few.
///
/// # Errors
///
/// When the folder cannot be read. Folders in it that cannot be read are skipped.
pub(crate) fn folders(folder: &Path) -> Result<Option<String>, DataError> {
    const SHOWN: usize = 5;
    let mut names = Vec::new();
    for inside in files::entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        if files::entries(&inside).unwrap_or_default().iter().any(|path| is_image(path)) {
            names.push(inside.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    names.truncate(SHOWN);
    Ok((!names.is_empty()).then(|| names.join(", ") + more))
}

/// Pixels of the image in a file, from its head: of one frame, for an animation.
///
/// # Errors
///
/// When the file cannot be read, or its head is not that of an image.
pub fn picture_pixels(path: &Path) -> Result<u64, DataError> {
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let reader = reader.map_err(|source| DataError::read(path, source))?;
    let format = reader.format();
    let (width, height) = reader.into_dimensions().map_err(|source| undecodable(path, &[0], format, source))?;
    Ok(u64::from(width) * u64::from(height))
}

/// The most pixels of a frame of an animation, the most frames, and the most pixels of all of them.
const MAX_FRAME_PIXELS: u64 = 4_000_000;
const MAX_FRAMES: usize = 10_000;
const MAX_ANIMATION_PIXELS: u64 = 1_000_000_000;
/// Frames that a decoder keeps: what stays on the canvas, what it reads, and both together.
const FRAME_BUFFERS: u64 = 3;

/// The frames of an animated GIF, each as [`pixels`].
///
/// # Errors
///
/// When the file cannot be read, is damaged, or is larger than an animation may be, which is checked before its pixels
/// are allocated.
pub(crate) fn animation(path: &Path, channels: usize, height: usize, width: usize) -> Result<Vec<u8>, DataError> {
    let too_large = |what: String| Err(ErrorKind::TooLarge.error(format!("an animation of {what}")).within(path));
    let file = std::fs::File::open(path).map_err(|source| DataError::read(path, source))?;
    let failed = |source| undecodable(path, &[0], Some(ImageFormat::Gif), source);
    let mut decoder = GifDecoder::new(BufReader::new(file)).map_err(failed)?;
    let (wide, high) = decoder.dimensions();
    let size = u64::from(wide) * u64::from(high);
    if size > MAX_FRAME_PIXELS {
        return too_large(format!("{wide} by {high} pixels, more than {} megapixels", MAX_FRAME_PIXELS / 1_000_000));
    }
    // A frame of a damaged file may claim to be larger than the animation.
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(FRAME_BUFFERS * size_of::<[u8; 4]>() as u64 * size);
    decoder.set_limits(limits).map_err(failed)?;
    let mut values = Vec::new();
    for (number, frame) in decoder.into_frames().enumerate() {
        if number == MAX_FRAMES || size * (number as u64 + 1) > MAX_ANIMATION_PIXELS {
            return too_large(format!("more than {number} frames of this size"));
        }
        let frame: DynamicImage = on_white(&frame.map_err(failed)?.into_buffer().into()).into();
        values.extend(resized(frame, channels, height, width));
    }
    if values.is_empty() {
        return Err(ErrorKind::TooLittle.error("the animation has no frames").within(path));
    }
    Ok(values)
}

/// Decodes any image: CMYK becomes RGB, transparency is blended with white, and the EXIF orientation is applied.
///
/// # Errors
///
/// When the file cannot be read, is damaged or not an image (the error says what it is), or is larger than
/// 256 MiB or 100 megapixels, which is checked before its pixels are allocated.
pub(crate) fn decode(path: &Path) -> Result<DynamicImage, DataError> {
    let failed = |source| DataError::read(path, source);
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("the file is larger than {} MiB, the most that is read as an image", MAX_BYTES >> 20);
        return Err(ErrorKind::TooLarge.error(message).within(path));
    }
    let reader = ImageReader::new(Cursor::new(&bytes)).with_guessed_format().map_err(failed)?;
    let format = reader.format();
    let undecodable = |source| undecodable(path, &bytes, format, source);
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        let message = format!(
            "an image of {width} by {height} pixels, more than {} megapixels: make it smaller first",
            MAX_PIXELS / 1_000_000
        );
        return Err(ErrorKind::TooLarge.error(message).within(path));
    }
    let turn = decoder.orientation().map_err(undecodable)?;
    let image = match format {
        Some(ImageFormat::Jpeg) => jpeg::decode(&bytes, (width, height), decoder.color_type()),
        _ => DynamicImage::from_decoder(decoder),
    };
    let mut image = image.map_err(undecodable)?;
    image.apply_orientation(turn);
    Ok(if image.color().has_alpha() { on_white(&image).into() } else { image })
}

/// An image on a white background, in 8 bits.
fn on_white(image: &DynamicImage) -> RgbImage {
    let layered = image.to_rgba8();
    RgbImage::from_fn(layered.width(), layered.height(), |x, y| {
        let [colours @ .., alpha] = layered.get_pixel(x, y).0;
        let alpha = u16::from(alpha);
        Rgb(colours.map(|colour| ((u16::from(colour) * alpha + 255 * (255 - alpha)) / 255) as u8))
    })
}

/// Decodes an image and resizes it to `height` by `width`, whatever its aspect ratio. `channels` is 1 for grey or 3
/// for RGB. The values are in the order `[C, H, W]`.
///
/// # Errors
///
/// As [`decode`].
pub(crate) fn pixels(path: &Path, channels: usize, height: usize, width: usize) -> Result<Vec<u8>, DataError> {
    Ok(resized(decode(path)?, channels, height, width))
}

fn resized(image: DynamicImage, channels: usize, height: usize, width: usize) -> Vec<u8> {
    let (w, h) = (width as u32, height as u32);
    let image =
        if (image.width(), image.height()) == (w, h) { image } else { image.resize_exact(w, h, FilterType::Triangle) };
    if channels == 1 { image.into_luma8().into_raw() } else { planes(image.into_rgb8()) }
}

/// Red, then green, then blue, each row by row.
pub(crate) fn planes(image: RgbImage) -> Vec<u8> {
    let pixels = image.into_raw();
    let plane = |channel: usize| pixels.iter().skip(channel).step_by(3).copied();
    (0..3).flat_map(plane).collect()
}

/// The error for a file that is not an image, or is damaged.
fn undecodable(path: &Path, bytes: &[u8], format: Option<ImageFormat>, source: ImageError) -> DataError {
    let (kind, what, source) = match format {
        _ if bytes.is_empty() => (ErrorKind::Format, "the file is empty".to_owned(), None),
        Some(format) => {
            let kind = if matches!(source, ImageError::Limits(_)) { ErrorKind::TooLarge } else { ErrorKind::Format };
            (kind, format!("a damaged or unsupported {} file", name(format)), Some(source))
        }
        None if bytes.iter().all(|&b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => {
            (ErrorKind::Format, "a text file".to_owned(), None)
        }
        None => {
            let head: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            let what = format!("of no known format; it begins with the bytes {}", head.join(" "));
            (ErrorKind::Format, what, None)
        }
    };
    let error = kind.error(format!("not an image that can be read: {what}")).within(path);
    match source {
        Some(source) => error.because(source),
        None => error,
    }
}

fn name(format: ImageFormat) -> String {
    format.extensions_str().first().map_or_else(|| "image".to_owned(), |extension| extension.to_uppercase())
}

#[cfg(test)]
mod tests;
