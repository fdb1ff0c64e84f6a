//! Pictures as they come: turned, transparent, of other colours and sizes, or made to fill the memory.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageBuffer, ImageEncoder, Luma, Rgba};

use super::*;

/// A PNG file of 2 by 1 pixels, red and blue, whose EXIF asks for a turn.
fn turned(orientation: u8) -> Vec<u8> {
    let exif = [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0][..], &[0; 4]].concat();
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.write_image(&[255, 0, 0, 0, 0, 255], 2, 1, ExtendedColorType::Rgb8).unwrap();
    bytes
}

#[test]
fn a_turn_that_exif_asks_for_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, turned(1)).unwrap();
    assert_eq!(pixels(&path, 3, 1, 2).unwrap(), [255, 0, 0, 0, 0, 255]);
    std::fs::write(&path, turned(3)).unwrap();
    assert_eq!(pixels(&path, 3, 1, 2).unwrap(), [0, 255, 0, 0, 255, 0]);
    std::fs::write(&path, turned(6)).unwrap();
    assert_eq!(decode(&path).unwrap().height(), 2);
}

#[test]
fn what_is_transparent_is_laid_on_white() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let half = ImageBuffer::from_fn(2, 1, |x, _| Rgba([0_u8, 0, 0, if x == 0 { 0 } else { 255 }]));
    half.save(&path).unwrap();
    assert_eq!(pixels(&path, 1, 1, 2).unwrap(), [255, 0]);
    assert_eq!(pixels(&path, 3, 1, 2).unwrap(), [255, 0, 255, 0, 255, 0]);
}

#[test]
fn sixteen_bits_are_rounded_to_eight() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    ImageBuffer::from_fn(2, 1, |x, _| Luma([if x == 0 { u16::MAX } else { 0x8000 }])).save(&path).unwrap();
    assert_eq!(pixels(&path, 1, 1, 2).unwrap(), [255, 128]);
}

#[test]
fn too_many_pixels_are_refused_before_they_are_allocated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pgm");
    std::fs::write(&path, b"P5 30000 30000 255\n").unwrap();
    let error = decode(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("30000 by 30000 pixels"), "{error}");
}
