//! What images must be, and what must be said of broken ones.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use rstest::rstest;
use tempfile::tempdir;

use super::*;
use crate::DataError;

fn idx(magic: u32, sizes: &[u32], body: &[u8]) -> Vec<u8> {
    let header = std::iter::once(magic).chain(sizes.iter().copied()).flat_map(u32::to_be_bytes);
    header.chain(body.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn words(error: &DataError) -> String {
    let cause = std::error::Error::source(error).map(|e| format!(": {e}")).unwrap_or_default();
    format!("{error}{cause}")
}

const ALL: ImageReader = ImageReader { size: None, colour: false, validation_share: 0.0, test_share: 0.0 };

#[rstest]
#[case::plain(false)]
#[case::packed(true)]
fn an_idx_file_is_read_packed_or_not(#[case] packed: bool) {
    let folder = tempdir().unwrap();
    let body: Vec<u8> = (0..24).collect();
    let bytes = idx(0x803, &[4, 2, 3], &body);
    let file = write(folder.path(), "digits", &if packed { gzip(&bytes) } else { bytes });
    let images = WholeSource::open(&file, &ALL).unwrap().images;
    assert_eq!(images, Images { channels: 1, height: 2, width: 3, values: body });
    assert_eq!((images.len(), images.image(1)), (4, &[6, 7, 8, 9, 10, 11][..]));
}

#[test]
fn folders_in_a_folder_of_images_get_a_warning() {
    let folder = tempdir().unwrap();
    let source = folder.path().to_str().unwrap();
    write(folder.path(), "1.png", b"");
    assert_eq!(ImageSet::skipped_folders(source).unwrap(), None);
    fs::create_dir(folder.path().join("more")).unwrap();
    write(folder.path(), "more/1.png", b"");
    let warning = ImageSet::skipped_folders(source).unwrap().unwrap();
    assert_eq!(warning, format!("{source}: the images in its folders are not read: more"));
    assert_eq!(ImageSet::skipped_folders("builtin:strokes").unwrap(), None);
}

#[test]
fn the_folder_of_mnist_has_a_test_part_of_its_own() {
    let folder = tempdir().unwrap();
    write(folder.path(), "train-images-idx3-ubyte.gz", &gzip(&idx(0x803, &[10, 2, 2], &[7; 40])));
    write(folder.path(), "train-labels-idx1-ubyte.gz", &gzip(&idx(0x801, &[10], &[0; 10])));
    write(folder.path(), "t10k-images-idx3-ubyte", &idx(0x803, &[3, 2, 2], &[9; 12]));
    let reader = ImageReader { validation_share: 0.2, ..ALL };
    let set = ImageSet::open(folder.path().to_str().unwrap(), &reader).unwrap();
    assert_eq!((set.train.len(), set.validation.len(), set.test.len()), (8, 2, 3));
    assert_eq!(set.test.values, [9; 12]);
}

#[rstest]
#[case::wrong_magic(idx(0x801, &[1, 2, 2], &[0; 4]), &["0x00000803", "0x00000801"])]
#[case::truncated(idx(0x803, &[2, 2, 2], &[0; 7]), &["24 bytes", "has 23"])]
#[case::too_long(idx(0x803, &[2, 2, 2], &[0; 9]), &["24 bytes", "more"])]
#[case::header_cut_off(idx(0x803, &[2], &[]), &["header", "16 bytes", "has 8"])]
#[case::empty(Vec::new(), &["header", "has 0"])]
#[case::a_lie(idx(0x803, &[u32::MAX; 3], &[0; 9]), &["the header says"])]
#[case::packed_and_cut_off(gzip(&idx(0x803, &[9, 9, 9], &[5; 729]))[..20].to_vec(), &["cannot read"])]
fn a_broken_idx_file_is_named(#[case] bytes: Vec<u8>, #[case] wanted: &[&str]) {
    let folder = tempdir().unwrap();
    let file = write(folder.path(), "broken", &bytes);
    let said = words(&WholeSource::open(&file, &ALL).unwrap_err());
    for word in wanted.iter().chain(&["broken"]) {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
}

#[test]
fn labels_of_another_count_are_named() {
    let folder = tempdir().unwrap();
    let images = write(folder.path(), "train-images-idx3-ubyte", &idx(0x803, &[4, 1, 1], &[0; 4]));
    write(folder.path(), "train-labels-idx1-ubyte", &idx(0x801, &[3], &[0; 3]));
    for source in [images.as_str(), folder.path().to_str().unwrap()] {
        let said = words(&ImageSet::open(source, &ALL).unwrap_err());
        assert!(said.contains("3 labels") && said.contains("4 images"), "{said}");
    }
}

#[rstest]
#[case::grey(false, 1)]
#[case::colour(true, 3)]
fn a_folder_of_images_is_resized(#[case] colour: bool, #[case] channels: usize) {
    let folder = tempdir().unwrap();
    for number in 0..4 {
        let picture = image::RgbImage::from_pixel(9, 5, image::Rgb([200, 0, 40]));
        picture.save(folder.path().join(format!("{number}.png"))).unwrap();
    }
    let source = folder.path().to_str().unwrap();
    let set = ImageSet::open(source, &ImageReader { size: Some(6), colour, ..ALL }).unwrap();
    assert_eq!((set.train.channels, set.train.height, set.train.width, set.train.len()), (channels, 6, 6, 4));
    if colour {
        assert_eq!((set.train.image(0)[0], set.train.image(0)[36], set.train.image(0)[72]), (200, 0, 40));
    }
}

#[rstest]
#[case::none(0, "there are no images")]
#[case::one(1, "1 image,")]
fn a_folder_of_less_than_two_images_is_refused(#[case] count: usize, #[case] wanted: &str) {
    let folder = tempdir().unwrap();
    write(folder.path(), "notes.txt", b"nothing");
    for number in 0..count {
        image::GrayImage::new(3, 3).save(folder.path().join(format!("{number}.png"))).unwrap();
    }
    let said = words(&ImageSet::open(folder.path().to_str().unwrap(), &ALL).unwrap_err());
    assert!(said.contains(wanted), "{said}");
}

#[rstest]
#[case::unknown("builtin:sonnets", ALL, "strokes, shapes")]
#[case::absent("no/such/thing", ALL, "no such file")]
#[case::no_side("builtin:shapes", ImageReader { size: Some(0), ..ALL }, "2 to 1024")]
#[case::colour("builtin:shapes", ImageReader { colour: true, ..ALL }, "grey")]
#[case::shares("builtin:shapes", ImageReader { validation_share: 0.5, test_share: 0.5, ..ALL }, "below 1")]
#[case::not_a_share("builtin:shapes", ImageReader { validation_share: f64::NAN, ..ALL }, "below 1")]
fn what_cannot_be_opened_is_explained(#[case] source: &str, #[case] reader: ImageReader, #[case] wanted: &str) {
    let said = words(&ImageSet::open(source, &reader).unwrap_err());
    assert!(said.contains(wanted), "{said}");
}

#[test]
fn the_fixed_binarisation_is_read_with_its_parts() {
    let folder = tempdir().unwrap();
    for (part, lines) in [("train", 3), ("valid", 2), ("test", 1)] {
        write(folder.path(), &format!("binarized_mnist_{part}.amat"), "0 1 1 0\n".repeat(lines).as_bytes());
    }
    let set = ImageSet::open(folder.path().to_str().unwrap(), &ALL).unwrap();
    assert_eq!((set.train.len(), set.validation.len(), set.test.len()), (3, 2, 1));
    assert_eq!(set.test.image(0), [0, 255, 255, 0]);
}

#[rstest]
#[case::mnist_with_a_test_part(&["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"], "test", 2)]
#[case::mnist_without(&["train-images-idx3-ubyte"], "training", 1)]
#[case::fixed(&["binarized_mnist_train.amat", "binarized_mnist_test.amat"], "test", 2)]
fn of_a_folder_with_parts_the_test_part_is_evaluated(
    #[case] files: &[&str],
    #[case] part: &str,
    #[case] images: usize,
) {
    let folder = tempdir().unwrap();
    for (count, name) in (1..).zip(files) {
        let bytes = match name.ends_with("amat") {
            true => "0 1 1 0\n".repeat(count).into_bytes(),
            false => idx(0x803, &[count as u32, 2, 2], &vec![7; 4 * count]),
        };
        write(folder.path(), name, &bytes);
    }
    let source = folder.path().to_str().unwrap();
    let whole = WholeSource::open(source, &ALL).unwrap();
    assert_eq!((whole.name.clone(), whole.images.len()), (format!("{source}, {part} part"), images));
    let name = if images == 1 { whole.name.clone() } else { format!("{}, 0", whole.name) };
    assert_eq!(whole.name_of(0), name);
}

#[test]
fn images_of_a_folder_are_named_by_their_files() {
    let folder = tempdir().unwrap();
    for name in ["b10.png", "b9.png"] {
        image::GrayImage::new(3, 3).save(folder.path().join(name)).unwrap();
    }
    let whole = WholeSource::open(folder.path().to_str().unwrap(), &ALL).unwrap();
    assert_eq!(
        [0, 1].map(|image| whole.name_of(image)),
        ["b9.png", "b10.png"].map(|name| folder.path().join(name).display().to_string())
    );
}

#[rstest]
#[case::not_binary("0 1 2 0\n", "line 1: `2`")]
#[case::not_square("0 1 1\n", "3 pixels")]
#[case::ragged("0 1 1 0\n0 1 1\n", "line 2: 3 pixels")]
#[case::no_number("0 1 1 0\n0 1 x 0\n", "line 2: `x`")]
fn a_broken_binarised_file_is_named(#[case] text: &str, #[case] wanted: &str) {
    let folder = tempdir().unwrap();
    let file = write(folder.path(), "a.amat", text.as_bytes());
    let said = words(&WholeSource::open(&file, &ALL).unwrap_err());
    assert!(said.contains(wanted) && said.contains("a.amat"), "{said}");
}

#[rstest]
fn a_batch_is_a_function_of_its_numbers_alone(
    #[values(Binarization::Stochastic, Binarization::Threshold, Binarization::None)] binarization: Binarization,
) {
    let images = Images { channels: 1, height: 2, width: 2, values: (0..=199).collect() };
    let batches = Batches::new(50, 8, 3).unwrap();
    assert_eq!(batches.count(), 6);
    let late = batches.batch(&images, binarization, 1, 4);
    let _ = batches.batch(&images, binarization, 0, 0);
    assert_eq!(batches.batch(&images, binarization, 1, 4), late);
    assert_ne!(batches.batch(&images, binarization, 2, 4), late);
    let mut order = batches.order(7);
    order.sort_unstable();
    assert_eq!(order, (0..50).collect::<Vec<_>>());
}

#[test]
fn stochastic_binarisation_has_the_grey_level_as_its_mean_and_is_new_each_epoch() {
    let images = Images { channels: 1, height: 1, width: 3, values: vec![0, 51, 255] };
    let batches = Batches::new(1, 1, 9).unwrap();
    let epochs = 4000;
    let mut sums = [0.0; 3];
    for epoch in 0..epochs {
        for (sum, value) in sums.iter_mut().zip(batches.rows(&images, Binarization::Stochastic, &[0], epoch)) {
            *sum += value / epochs as f32;
        }
    }
    assert_eq!((sums[0], (sums[2] - 1.0).abs() < 1e-3), (0.0, true));
    // 51 of 255 is 0.2; the standard error of 4000 draws is 0.0063, and this is four of them.
    assert!((sums[1] - 0.2).abs() < 0.026, "{sums:?}");
    let threshold = batches.rows(&images, Binarization::Threshold, &[0], 0);
    assert_eq!(threshold, [0.0, 0.0, 1.0]);
    // (0.5 + mean) / 2 of a single image.
    assert_eq!(images.means(Binarization::Stochastic), [0.25, 0.35, 0.75]);
    assert_eq!(images.means(Binarization::Threshold), [0.25, 0.25, 0.75]);
    assert_eq!(images.means(Binarization::None), [0.25, 0.35, 0.75]);
}

#[rstest]
fn generated_images_are_drawn_and_differ(#[values(Generator::Strokes, Generator::Shapes)] generator: Generator) {
    let first = generator.image(0);
    assert_eq!((first.len(), generator.image(0)), (784, first.clone()));
    assert_ne!(first, generator.image(1));
    for number in 0..100 {
        let white = generator.image(number).iter().filter(|&&pixel| pixel > 127).count();
        assert!((20..500).contains(&white), "image {number}: {white} white pixels");
    }
}

#[rstest]
#[case("batch size", 5, 0)]
#[case("number of images", 0, 5)]
fn a_size_of_zero_is_refused(#[case] what: &str, #[case] images: usize, #[case] batch: usize) {
    let said = Batches::new(images, batch, 1).unwrap_err().to_string();
    assert!(said.contains(what), "{said}");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_of_idx_files_panic(
        magic in prop_oneof![Just(0x803u32), any::<u32>()],
        sizes in prop::collection::vec(prop_oneof![0u32..4, any::<u32>()], 0..4),
        body in prop::collection::vec(any::<u8>(), 0..64),
        packed in any::<bool>(),
    ) {
        let folder = tempdir().unwrap();
        let bytes = idx(magic, &sizes, &body);
        let file = write(folder.path(), "any", &if packed { gzip(&bytes) } else { bytes });
        if let Ok(WholeSource { images, .. }) = WholeSource::open(&file, &ALL) {
            prop_assert_eq!(images.values.len(), images.len() * images.size());
        }
    }

    #[test]
    fn no_text_makes_the_reader_of_binarised_files_panic(text in "[01 x.\n-]{0,60}") {
        let folder = tempdir().unwrap();
        let file = write(folder.path(), "any.amat", text.as_bytes());
        if let Ok(WholeSource { images, .. }) = WholeSource::open(&file, &ALL) {
            prop_assert!(images.values.iter().all(|&pixel| pixel == 0 || pixel == 255));
        }
    }
}
