//! Decoding JPEG files. The decoder of `image` fills what is missing of a damaged file with grey; this one refuses it.

use image::error::{DecodingError, ImageFormatHint};
use image::{ColorType, DynamicImage, GrayImage, ImageError, ImageFormat, ImageResult, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// A JPEG file of these sides, in grey for [`ColorType::L8`] and in RGB for the others, as `image` decodes it.
///
/// # Errors
///
/// When the data is corrupt, or ends before the end-of-image marker.
pub(super) fn decode(bytes: &[u8], (width, height): (u32, u32), colours: ColorType) -> ImageResult<DynamicImage> {
    let grey = colours == ColorType::L8;
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(if grey { ColorSpace::Luma } else { ColorSpace::RGB })
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let pixels = JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode();
    let pixels = pixels.map_err(|source| damaged(format!("{source:?}")))?;
    if !ends(bytes) {
        return Err(damaged("the data ends before the end-of-image marker".to_owned()));
    }
    let image = match grey {
        true => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        false => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
    };
    image.ok_or_else(|| damaged(format!("the data is not of {width} by {height} pixels")))
}

fn damaged(reason: String) -> ImageError {
    ImageError::Decoding(DecodingError::new(ImageFormatHint::Exact(ImageFormat::Jpeg), reason))
}

/// Whether an end-of-image marker follows the start of the first scan. The segments before are skipped by their
/// lengths: an EXIF thumbnail has a marker of its own.
fn ends(bytes: &[u8]) -> bool {
    const SCAN: u8 = 0xda;
    const END: [u8; 2] = [0xff, 0xd9];
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        match *rest {
            [0xff, SCAN, ..] => return rest.windows(2).any(|pair| pair == END),
            // Markers may be filled up with 0xff.
            [0xff, 1..=0xfe, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                rest = rest.get(2 + length..).unwrap_or_default();
            }
            [_, ..] => rest = &rest[1..],
            [] => return false,
        }
    }
}
