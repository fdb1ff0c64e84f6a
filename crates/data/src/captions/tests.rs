use std::collections::HashMap;
use std::fs;
use std::path::Path;

use image::{DynamicImage, ImageBuffer, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use proptest::prelude::*;
use rstest::rstest;
use tempfile::TempDir;

use super::*;

fn open(path: &Path) -> Result<CaptionSet, String> {
    open_with(path, &CaptionOptions::default())
}

fn open_with(path: &Path, options: &CaptionOptions) -> Result<CaptionSet, String> {
    CaptionSet::open(&path.display().to_string(), options).map_err(|error| error.to_string())
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn names(images: &[CaptionedImage]) -> Vec<&str> {
    images.iter().map(|image| image.name.as_str()).collect()
}

const TOKENS: &str = "a.jpg#0\tA dog runs .\na.jpg#1\tA brown dog .\nb.jpg#0\tTwo men\nc.jpg#0\tA cat\n";
const COCO: &str = r#"{"info": {}, "images": [{"id": 9, "file_name": "a.jpg"}, {"id": 4, "file_name": "b.jpg"}],
    "annotations": [{"id": 1, "image_id": 4, "caption": "Two men"}, {"id": 2, "image_id": 9, "caption": "A dog."},
    {"id": 3, "image_id": 9, "caption": "A brown dog."}]}"#;
const KARPATHY: &str = r#"{"dataset": "flickr8k", "images": [
    {"filename": "a.jpg", "imgid": 0, "split": "train", "sentences": [{"raw": "A dog", "tokens": ["a", "dog"]}]},
    {"filename": "b.jpg", "imgid": 1, "split": "restval", "filepath": "val2014", "cocoid": 77,
     "sentences": [{"raw": "Two men"}]},
    {"filename": "c.jpg", "imgid": 2, "split": "val", "sentences": [{"raw": "A cat"}]},
    {"filename": "d.jpg", "imgid": 3, "split": "test", "sentences": [{"raw": "A tree"}]}]}"#;

#[test]
fn flickr8k_goes_by_its_lists() {
    let files = [
        ("Flickr8k.token.txt", TOKENS),
        ("Flickr_8k.trainImages.txt", "c.jpg\na.jpg\n"),
        ("Flickr_8k.devImages.txt", "b.jpg\n"),
        ("Flicker8k_Dataset/a.jpg", ""),
        ("Flicker8k_Dataset/b.jpg", ""),
        ("Flicker8k_Dataset/c.jpg", ""),
    ];
    let data = folder(&files);
    let set = open(data.path()).unwrap();
    assert_eq!((names(&set.train), names(&set.validation)), (vec!["c.jpg", "a.jpg"], vec!["b.jpg"]));
    assert_eq!(set.train[1].captions, ["A dog runs .", "A brown dog ."]);
    assert_eq!(set.train[1].id, 0, "its place in the file of captions");
    assert_eq!(set.pictures, Pictures::Folder(data.path().join("Flicker8k_Dataset")));
    fs::write(data.path().join("Flickr_8k.devImages.txt"), "a.jpg\n").unwrap();
    let error = open(data.path()).unwrap_err();
    assert!(error.contains("devImages.txt, line 1: a.jpg: duplicate entry"), "{error}");
}

#[test]
fn kaggles_table_is_read_with_and_without_quotes() {
    let text = "image,caption\na.jpg,\"A dog, brown\"\na.jpg,A dog, running\nb.jpg,Two men\n";
    let data = folder(&[("captions.txt", text), ("Images/a.jpg", ""), ("Images/b.jpg", "")]);
    let options = CaptionOptions { validation_share: 0.5, ..CaptionOptions::default() };
    let set = open_with(data.path(), &options).unwrap();
    assert_eq!(set.train[0].captions, ["A dog, brown", "A dog, running"]);
    assert_eq!(names(&set.validation), ["b.jpg"], "the share from the end");
}

#[rstest]
#[case::capitals("Image,Caption")]
#[case::quotes("\"image\", \"caption\"")]
fn kaggles_header_is_read_in_any_case(#[case] header: &str) {
    let text = format!("{header}\na.jpg,A dog\nb.jpg,Two men\n");
    let data = folder(&[("captions.txt", &*text), ("Images/a.jpg", ""), ("Images/b.jpg", "")]);
    assert_eq!(open(data.path()).unwrap().train[0].captions, ["A dog"]);
}

#[test]
fn pictures_in_none_of_the_lists_are_counted() {
    let lists = [("Flickr8k.token.txt", TOKENS), ("Flickr_8k.trainImages.txt", "a.jpg\n"), ("images/a.jpg", "")];
    assert_eq!(open(folder(&lists).path()).unwrap().notes, ["skipped, in none of the lists of the splits: 2 pictures"]);
}

#[rstest]
#[case::y2014("2014")]
#[case::y2017("2017")]
fn coco_is_read_from_its_folders(#[case] year: &str) {
    let validation =
        r#"{"images": [{"id": 5, "file_name": "v.jpg"}], "annotations": [{"image_id": 5, "caption": "x"}]}"#;
    let [train, val] = ["train", "val"].map(|part| format!("annotations/captions_{part}{year}.json"));
    let pictures = ["train", "train", "val"].into_iter().zip(["a", "b", "v"]);
    let pictures: Vec<String> = pictures.map(|(part, name)| format!("{part}{year}/{name}.jpg")).collect();
    let mut files = vec![(train.as_str(), COCO), (val.as_str(), validation)];
    files.extend(pictures.iter().map(|name| (name.as_str(), "")));
    let data = folder(&files);
    let set = open(data.path()).unwrap();
    assert_eq!(names(&set.train), [&pictures[0], &pictures[1]]);
    assert_eq!((set.train[0].id, set.train[0].captions.len()), (9, 2));
    assert_eq!(names(&set.validation), [&pictures[2]]);
    let alone = open(&data.path().join(&val)).unwrap();
    assert_eq!(names(&alone.train), [&pictures[2]]);
    assert_eq!(alone.into_all().len(), 1);
}

#[test]
fn karpathys_splits_are_kept() {
    let files = [("dataset_coco.json", KARPATHY), ("a.jpg", ""), ("val2014/b.jpg", ""), ("c.jpg", ""), ("d.jpg", "")];
    let data = folder(&files);
    let set = open(data.path()).unwrap();
    assert_eq!(names(&set.train), ["a.jpg", "val2014/b.jpg"]);
    assert_eq!((set.train[1].id, set.validation.len(), set.test.len()), (77, 1, 1));
    fs::write(data.path().join("dataset_other.json"), KARPATHY).unwrap();
    assert!(open(data.path()).unwrap_err().contains("2 files"));
    assert!(open(&data.path().join("dataset_coco.json")).is_ok());
}

#[rstest]
#[case::no_images(r#"{"annotations": []}"#, "`images`")]
#[case::no_annotations(r#"{"images": []}"#, "`annotations`")]
#[case::no_file_name(r#"{"annotations": [], "images": [{"id": 1}]}"#, "`file_name`")]
#[case::no_caption(r#"{"annotations": [{"image_id": 1}], "images": []}"#, "`caption`")]
#[case::no_sentences(r#"{"dataset": "x", "images": [{"filename": "a", "imgid": 1, "split": "train"}]}"#, "`sentences`")]
#[case::odd_split(
    r#"{"dataset": "x", "images": [{"filename": "a", "imgid": 1, "split": "t", "sentences": []}]}"#,
    "`split`"
)]
#[case::unknown_image(r#"{"annotations": [{"image_id": 7, "caption": "x"}], "images": []}"#, "picture 7")]
#[case::nothing(r#"{"annotations": [], "images": []}"#, "no pictures")]
#[case::truncated(r#"{"annotations": ["#, "EOF")]
#[case::a_list("[]", "JSON")]
fn json_that_is_not_right_is_named(#[case] text: &str, #[case] part: &str) {
    let data = folder(&[("captions.json", text)]);
    let error = open(&data.path().join("captions.json")).unwrap_err();
    assert!(error.contains("captions.json") && error.contains(part), "{error}");
}

#[rstest]
#[case::no_tab("a.jpg#0 A dog\n", "line 1")]
#[case::no_number("a.jpg\tA dog\n", "line 1")]
#[case::one_field("image,caption\nb.jpg,x\na.jpg\n", "line 3")]
#[case::semicolons("image;caption\na.jpg;A dog\n", "line 1: the header must be `image,caption`")]
#[case::tabs("Image\tCaption\na.jpg\tA dog\n", "line 1: the header must be `image,caption`")]
#[case::another_column("image,caption,split\na.jpg,A dog,train\n", "line 1: the header must be `image,caption`")]
fn a_line_that_is_no_caption_is_named(#[case] text: &str, #[case] part: &str) {
    let data = folder(&[("captions.txt", text)]);
    let error = open(data.path()).unwrap_err();
    assert!(error.contains("captions.txt") && error.contains(part), "{error}");
}

#[rstest]
#[case::open_quote("captions.txt", "image,caption\na.jpg,\"A dog\nb.jpg,Two men\n", &["line 2", "quotation mark"])]
#[case::listed_twice(
    "dataset.json",
    r#"{"dataset": "x", "images": [{"filename": "a.jpg", "imgid": 0, "split": "train", "sentences": [{"raw": "A"}]},
        {"filename": "a.jpg", "imgid": 1, "split": "test", "sentences": [{"raw": "A"}]}]}"#,
    &["a.jpg", "twice"]
)]
#[case::two_numbers_for_one(
    "coco.json",
    r#"{"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 1, "caption": "A"}, {"image_id": 2, "caption": "B"}]}"#,
    &["a.jpg", "twice"]
)]
fn captions_that_would_be_lost_are_refused(#[case] name: &str, #[case] text: &str, #[case] wanted: &[&str]) {
    let data = folder(&[(name, text), ("a.jpg", ""), ("b.jpg", "")]);
    let error = open(&data.path().join(name)).unwrap_err();
    assert!(wanted.iter().all(|wanted| error.contains(wanted)), "{error}");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    let (tokens, coco) = (format!("\u{FEFF}{TOKENS}"), format!("\u{FEFF}{COCO}"));
    let pictures = [("a.jpg", ""), ("b.jpg", ""), ("c.jpg", "")];
    let data = folder(&[&[("Flickr8k.token.txt", &*tokens), ("coco.json", &*coco)], &pictures[..]].concat());
    assert_eq!(names(&open(data.path()).unwrap().train)[0], "a.jpg");
    assert_eq!(open(&data.path().join("coco.json")).unwrap().train[0].captions.len(), 2);
}

#[test]
fn bytes_that_are_no_text_are_named_with_their_line() {
    let data = folder(&[]);
    fs::write(data.path().join("captions.txt"), b"image,caption\na.jpg,\xff\n").unwrap();
    let error = open(data.path()).unwrap_err();
    assert!(error.contains("line 2: byte ") && error.contains("not valid UTF-8"), "{error}");
}

#[test]
fn missing_pictures_are_counted_and_named_and_can_be_left_out() {
    let text: String = (0..8).map(|i| format!("{i}.jpg#0\tA dog\n")).collect();
    let data = folder(&[("Flickr8k.token.txt", &text), ("images/3.jpg", ""), ("images/5.jpg", "")]);
    let error = open(data.path()).unwrap_err();
    for part in ["6 of 8", "0.jpg, 1.jpg, 2.jpg, 4.jpg, 6.jpg, ...", "--allow-missing"] {
        assert!(error.contains(part), "{error}");
    }
    let options = CaptionOptions { allow_missing: true, validation_share: 0.0, ..CaptionOptions::default() };
    let set = open_with(data.path(), &options).unwrap();
    assert_eq!(names(&set.train), ["3.jpg", "5.jpg"]);
    assert!(set.notes[0].contains('6'), "{:?}", set.notes);
}

#[test]
fn empty_captions_are_left_out_and_pictures_without_any_are_named() {
    let text = "a.jpg#0\t \na.jpg#1\tA dog\nb.jpg#0\t\n";
    let data = folder(&[("Flickr8k.token.txt", text), ("images/a.jpg", ""), ("images/b.jpg", "")]);
    let error = open(data.path()).unwrap_err();
    assert!(error.contains("no caption for 1 of 2 pictures: b.jpg"), "{error}");
    let options = CaptionOptions { allow_missing: true, validation_share: 0.0, ..CaptionOptions::default() };
    let set = open_with(data.path(), &options).unwrap();
    assert_eq!((names(&set.train), set.train[0].captions.len()), (vec!["a.jpg"], 1));
    assert!(set.notes[0].contains("2 empty"), "{:?}", set.notes);
}

#[test]
fn what_is_not_there_is_named() {
    let data = folder(&[]);
    assert!(open(data.path()).unwrap_err().contains("Flickr8k.token.txt"));
    assert!(open(&data.path().join("x.json")).unwrap_err().contains("x.json"));
    assert!(open(Path::new("builtin:squares")).unwrap_err().contains("shapes"));
    let options = CaptionOptions { validation_share: 1.0, ..CaptionOptions::default() };
    assert!(open_with(Path::new("builtin:shapes"), &options).unwrap_err().contains("validation-share"));
}

#[test]
fn any_kind_of_image_becomes_red_green_and_blue() {
    let data = folder(&[]);
    let save = |image: DynamicImage, name: &str| image.save(data.path().join(name)).unwrap();
    let read = |name: &str| read_picture(&data.path().join(name), 2).unwrap();
    save(DynamicImage::ImageLuma8(ImageBuffer::from_pixel(2, 2, Luma([90]))), "grey.png");
    assert_eq!(read("grey.png"), [90; 12]);
    save(DynamicImage::ImageLuma16(ImageBuffer::from_pixel(2, 2, Luma([90 * 257]))), "deep.png");
    assert_eq!(read("deep.png"), [90; 12]);
    save(DynamicImage::ImageRgb16(ImageBuffer::from_pixel(2, 2, Rgb([0, 257, 514]))), "colour.png");
    assert_eq!(read("colour.png"), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    save(DynamicImage::ImageRgba8(RgbaImage::from_pixel(2, 2, Rgba([0, 100, 200, 0]))), "clear.png");
    assert_eq!(read("clear.png"), [255; 12], "what is transparent is white");
    save(DynamicImage::ImageRgba8(RgbaImage::from_pixel(2, 2, Rgba([0, 100, 200, 255]))), "solid.png");
    assert_eq!(read("solid.png"), [0, 0, 0, 0, 100, 100, 100, 100, 200, 200, 200, 200]);
}

/// A JPEG of two colours, red at the left and blue at the right, with an EXIF segment that asks for a quarter turn.
fn turned_jpeg() -> Vec<u8> {
    let image = RgbImage::from_fn(16, 16, |x, _| if x < 8 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) });
    let mut plain = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut plain, 100).encode_image(&image).unwrap();
    // TIFF header, one entry: tag 0x0112 (orientation), type 3, count 1, value 6.
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut bytes = plain[..2].to_vec();
    bytes.extend([0xff, 0xe1, 0, exif.len() as u8 + 2]);
    bytes.extend(exif);
    bytes.extend(&plain[2..]);
    bytes
}

#[test]
fn a_turn_that_exif_asks_for_is_made() {
    let data = folder(&[]);
    let path = data.path().join("turned.jpg");
    fs::write(&path, turned_jpeg()).unwrap();
    let pixels = read_picture(&path, 2).unwrap();
    let (red, blue) = (&pixels[..4], &pixels[8..]);
    assert!(red[0] > 200 && red[1] > 200 && red[2] < 50 && blue[2] > 200 && blue[0] < 50, "{pixels:?}");
}

#[rstest]
#[case::empty(b"", "empty")]
#[case::text(b"hello", "a text file")]
#[case::damaged(b"\x89PNG\r\n\x1a\n\0\0\0", "PNG")]
fn what_does_not_decode_is_named(#[case] bytes: &[u8], #[case] part: &str) {
    let data = folder(&[]);
    let path = data.path().join("x.jpg");
    fs::write(&path, bytes).unwrap();
    let error = read_picture(&path, 8).unwrap_err().to_string();
    assert!(error.contains("x.jpg") && error.contains(part), "{error}");
}

#[test]
fn batches_are_the_same_ahead_and_at_once() {
    let set = CaptionSet::open("builtin:shapes", &CaptionOptions::default()).unwrap();
    let wanted = |from: usize| -> Vec<(String, Option<Augmentation>)> {
        let augmentation = Augmentation::random(true, true, 3);
        set.train[from..from + 5].iter().map(|image| (image.name.clone(), Some(augmentation))).collect()
    };
    let mut loader = PictureLoader::new(set.pictures.clone(), 12, 2);
    loader.load(wanted(0), wanted(5)).unwrap();
    let ahead = loader.load(wanted(5), Vec::new()).unwrap();
    assert_eq!(ahead, loader.load(wanted(5), Vec::new()).unwrap());
    assert_eq!(ahead.len(), 5 * 3 * 12 * 12);
    let mut broken = PictureLoader::new(Pictures::Folder("nowhere".into()), 12, 2);
    assert!(broken.load(wanted(0), Vec::new()).is_err());
}

#[test]
fn images_are_mirrored_and_cropped() {
    let set = CaptionSet::open("builtin:shapes", &CaptionOptions::default()).unwrap();
    let side = 32;
    let pixels =
        |mirror, window| set.pictures.pixels(&set.train[1].name, side, Some(Augmentation { mirror, window })).unwrap();
    let whole = set.pictures.pixels(&set.train[1].name, side, None).unwrap();
    assert_eq!(pixels(false, None), whole);
    let mirrored: Vec<u8> = whole.chunks(side).flat_map(|row| row.iter().rev().copied()).collect();
    assert_ne!(mirrored, whole);
    assert_eq!(pixels(true, None), mirrored);
    // The corners of the image are those of the windows that touch them.
    let corners = |pixels: &[u8]| [pixels[0], pixels[side - 1], pixels[side * (side - 1)], pixels[side * side - 1]];
    for (corner, window) in [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]].into_iter().enumerate() {
        assert_eq!(corners(&pixels(false, Some(window)))[corner], corners(&whole)[corner]);
    }
    assert_ne!(pixels(false, Some([0.0, 0.0])), pixels(false, Some([1.0, 1.0])));

    let random: Vec<Augmentation> = (0..400).map(|seed| Augmentation::random(true, true, seed)).collect();
    let mirrored = random.iter().filter(|change| change.mirror).count();
    assert!((150..250).contains(&mirrored), "{mirrored} of 400");
    assert!(
        random.iter().all(|change| change.window.is_some_and(|window| window.iter().all(|s| (0.0..1.0).contains(s))))
    );
    assert_eq!(Augmentation::random(false, false, 5), Augmentation::default());
}

#[test]
fn shapes_are_where_their_captions_say() {
    let set = CaptionSet::open("builtin:shapes", &CaptionOptions::default()).unwrap();
    assert_eq!((set.train.len(), set.validation.len(), set.test.len()), (6000, 500, 500));
    for image in &set.train[..50] {
        let shapes = shapes::shapes(image.id);
        assert_eq!(image.captions[0].matches(" at the ").count(), shapes.len());
        let pixels = set.pictures.pixels(&image.name, 9, None).unwrap();
        for place in 0..9 {
            let (x, y) = (3 * (place % 3) + 1, 3 * (place / 3) + 1);
            let lit = (0..3).any(|channel| pixels[channel * 81 + y * 9 + x] > 80);
            assert_eq!(lit, shapes.iter().any(|shape| shape.place == place), "{image:?} at {place}");
        }
    }
    assert_eq!((scenes::number("scenes/7"), scenes::number("shapes/7")), (Some(7), None));
    assert_eq!((shapes::number("shapes/7"), shapes::number("shapes/x"), shapes::number("7")), (Some(7), None, None));
}

/// The groups of a scene, read from its pixels: count, colour and place, in reading order; and the lit place.
fn seen(pixels: &[u8]) -> (Vec<(usize, &'static str, usize)>, Vec<usize>) {
    const SIDE: usize = 48;
    let at = |x: usize, y: usize| [0, 1, 2].map(|channel| pixels[channel * SIDE * SIDE + y * SIDE + x]);
    let (mut groups, mut lit) = (Vec::new(), Vec::new());
    for place in 0..9 {
        let mut colours = Vec::new();
        for slot in 0..4 {
            let (left, top) = (16 * (place % 3) + 8 * (slot % 2), 16 * (place / 3) + 8 * (slot / 2));
            let inside = (0..64).map(|pixel| at(left + pixel % 8, top + pixel / 8));
            // The ground is grey: its channels differ by less than the noise.
            let colour = inside.clone().find(|[r, g, b]| r.max(g).max(b) - r.min(g).min(b) > 40);
            colours.extend(colour.map(|[r, g, b]| match [r > 150, g > 150, b > 150] {
                [true, true, _] => "yellow",
                [true, ..] => "red",
                [_, true, _] => "green",
                _ => "blue",
            }));
            if inside.clone().filter(|pixel| pixel.iter().all(|&value| (90..110).contains(&value))).count() > 10 {
                lit.push(place);
            }
        }
        if let Some(&colour) = colours.first() {
            assert!(colours.iter().all(|&other| other == colour), "a group has one colour: {colours:?}");
            groups.push((colours.len(), colour, place));
        }
    }
    lit.dedup();
    (groups, lit)
}

/// The groups of a caption, from the place of the first: count, colour and place.
fn described(caption: &str, mut place: usize) -> Vec<(usize, &str, usize)> {
    let mut words = caption.split(' ').filter(|&word| word != "of");
    let mut groups = Vec::new();
    while let Some(count) = words.next() {
        let count = 1 + ["a", "two", "three"].iter().position(|&word| word == count).unwrap();
        groups.push((count, words.next().unwrap(), place));
        let is_plural = ["circles", "crosses", "triangles"].contains(&words.next().unwrap());
        assert_eq!(is_plural, count > 1, "{caption}");
        match words.next() {
            Some("above") => place += 3,
            Some("below") => place -= 3,
            Some("left") => place += 1,
            Some("right") => place -= 1,
            end => assert_eq!(end, None, "{caption}"),
        }
    }
    groups
}

#[test]
fn scenes_are_what_their_captions_say() {
    let set = CaptionSet::open("builtin:scenes", &CaptionOptions::default()).unwrap();
    assert_eq!((set.train.len(), set.validation.len(), set.test.len()), (20_000, 500, 500));
    for image in set.train[..200].iter().chain(&set.test[..50]) {
        let pixels = set.pictures.pixels(&image.name, 48, None).unwrap();
        assert_eq!(pixels, set.pictures.pixels(&image.name, 48, None).unwrap());
        let [caption] = &image.captions[..] else { panic!("{image:?} has one caption") };
        let (mut groups, lit) = seen(&pixels);
        assert_eq!(lit.len(), 1, "{image:?}");
        let mut described = described(caption, lit[0]);
        assert!((3..=5).contains(&described.len()), "{caption}");
        groups.sort_by_key(|group| group.2);
        described.sort_by_key(|group| group.2);
        assert_eq!(groups, described, "{image:?}");
    }
}

#[test]
fn a_scene_has_one_path_and_its_facts_are_balanced() {
    let touch = |a: usize, b: usize| (a / 3).abs_diff(b / 3) + (a % 3).abs_diff(b % 3) == 1;
    let set = CaptionSet::open("builtin:scenes", &CaptionOptions::default()).unwrap();
    let (mut words, mut groups) = (HashMap::<&str, usize>::new(), 0);
    for image in &set.train {
        let places: Vec<usize> = scenes::groups(image.id).iter().map(|group| group.place).collect();
        for (i, &a) in places.iter().enumerate() {
            for (j, &b) in places.iter().enumerate().skip(i + 1) {
                assert!(a != b && touch(a, b) == (j == i + 1), "{places:?}");
            }
        }
        groups += places.len();
        image.captions[0].split(' ').for_each(|word| *words.entry(word).or_default() += 1);
        // The default of --max-length is 24.
        assert!(image.captions[0].split(' ').count() < 24);
    }
    let relations = groups - set.train.len();
    let plurals = words["circles"] + words["crosses"] + words["triangles"];
    for (word, of, share) in [
        ("a", groups, 1.0 / 3.0),
        ("two", groups, 1.0 / 3.0),
        ("red", groups, 0.25),
        ("blue", groups, 0.25),
        ("left", relations, 0.25),
        ("right", relations, 0.25),
        ("above", relations, 0.25),
        ("crosses", plurals, 1.0 / 3.0),
    ] {
        let found = words[word] as f64 / of as f64;
        // Four standard deviations of a share of 50,000.
        assert!((found - share).abs() < 0.01, "{word}: {found}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_loader_panic(text in "\\PC{0,60}|(image,caption\n)?([a#,\t\"\n ]{0,40})") {
        let data = folder(&[("captions.txt", &text), ("captions.json", &text)]);
        let _ = open(data.path());
        let _ = open(&data.path().join("captions.json"));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), head in 0_usize..40) {
        let data = folder(&[]);
        let path = data.path().join("x");
        let mut file = turned_jpeg();
        file.truncate(head);
        file.extend(bytes);
        fs::write(&path, file).unwrap();
        let _ = read_picture(&path, 4);
    }
}
