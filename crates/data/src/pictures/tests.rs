//! Pictures as they come: turned, transparent, of other colours and sizes, or made to fill the memory.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageBuffer, ImageEncoder, Luma, Rgba};
use rstest::rstest;

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
fn folders_with_images_are_named_where_there_are_none() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["dog/1.png", "cat/1.png", "notes/1.txt", ".hidden/1.png"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let error = list(folder.path(), "images").unwrap_err().to_string();
    assert!(error.contains("no images") && error.ends_with("but in its folders cat, dog: give one of them"), "{error}");
    std::fs::write(folder.path().join("a.png"), "").unwrap();
    assert_eq!(list(folder.path(), "images").unwrap().len(), 1);
    for number in 0..5 {
        std::fs::create_dir(folder.path().join(format!("z{number}"))).unwrap();
        std::fs::write(folder.path().join(format!("z{number}/1.png")), "").unwrap();
    }
    assert_eq!(folders(folder.path()).unwrap().unwrap(), "cat, dog, z0, z1, z2, ...");
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

/// A JPEG file of a picture with detail everywhere.
fn jpeg(grey: bool) -> Vec<u8> {
    let picture =
        DynamicImage::from(RgbImage::from_fn(75, 50, |x, y| Rgb([((x * 37) ^ (y * 11)) as u8, (x * y) as u8, 3])));
    let mut bytes = Cursor::new(Vec::new());
    let picture = if grey { picture.into_luma8().into() } else { picture };
    picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

#[rstest]
fn a_good_jpeg_has_the_pixels_of_the_decoder_of_image(#[values(false, true)] grey: bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    let bytes = jpeg(grey);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(decode(&path).unwrap(), image::load_from_memory(&bytes).unwrap());
}

#[rstest]
#[case::half(2, false)]
#[case::last_rows(8, false)]
#[case::end_marker(usize::MAX, false)]
#[case::thumbnail(2, true)]
fn a_jpeg_that_is_cut_off_is_refused_by_name(#[case] part: usize, #[case] thumbnail: bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    let whole = jpeg(false);
    let kept = whole.len() - (whole.len() / part).max(2);
    // The end-of-image marker of a thumbnail is not that of the image.
    let comment = [0xff, 0xfe, 0, 4, 0xff, 0xd9];
    let comment = if thumbnail { &comment[..] } else { &[] };
    std::fs::write(&path, [&whole[..2], comment, &whole[2..kept]].concat()).unwrap();
    let error = decode(&path).unwrap_err().to_string();
    assert!(error.contains("a.jpg") && error.contains("damaged"), "{error}");
    std::fs::write(&path, [&whole[..2], comment, &whole[2..]].concat()).unwrap();
    decode(&path).unwrap();
}
