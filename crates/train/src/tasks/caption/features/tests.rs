use std::fs;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::captions::{CaptionOptions, CaptionSet};

use super::*;

fn frozen(seed: u64) -> FrozenEncoder {
    // Whichever backend the tests have.
    let device = Device::default();
    let mut model = CaptionModelSettings::default();
    model.encoder.image_size = 16;
    let encoder = model.encoder.config().init_with(&mut ChaCha8Rng::seed_from_u64(seed), &device);
    FrozenEncoder::new(encoder, &model, &device)
}

/// What is computed, and what is said.
fn open(folder: &Path, encoder: &FrozenEncoder, images: &[CaptionedImage]) -> (Features, Vec<String>) {
    open_version(folder, encoder, images, Version::default())
}

fn open_version(
    folder: &Path,
    encoder: &FrozenEncoder,
    images: &[CaptionedImage],
    version: Version,
) -> (Features, Vec<String>) {
    let mut said = Vec::new();
    let set = ImageSet { pictures: &Pictures::Shapes, images, name: "train", workers: 2 };
    let features = Features::open(folder, encoder, set, version, &mut |news| match news {
        Preparation::Message(text) => said.push(text.to_owned()),
        Preparation::Progress { done, total, .. } => said.push(format!("{done}/{total}")),
    });
    (features.unwrap(), said)
}

#[test]
fn a_file_is_made_once_and_anew_when_it_does_not_fit() {
    let set = CaptionSet::open("builtin:shapes", &CaptionOptions::default()).unwrap();
    let images = &set.train[..20];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er");
    let (features, said) = open(&path, &frozen(1), images);
    assert_eq!(said, ["16/20", "20/20"]);
    let device = Device::default();
    let pixels = set.pictures.pixels(&images[17].name, 16, None).unwrap();
    let [found, wanted] = [features.rows(&[3, 17], &device).unwrap().narrow(0, 1, 1), frozen(1).features(&pixels)];
    // 16 bits have 11 of the number; those here are below 4.
    assert!((found - wanted).abs().max().into_scalar::<f32>() < 4.0 / 2048.0);
    assert!(open(&path, &frozen(1), images).1.is_empty(), "it is there");

    let (_, said) = open(&path, &frozen(2), images);
    assert!(said[0].contains("other weights") && said.len() == 3, "{said:?}");
    let file = fs::read_dir(&path).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    for cut in [whole.len() - 1, 5] {
        fs::write(&file, &whole[..cut]).unwrap();
        let (_, said) = open(&path, &frozen(2), images);
        assert!(said[0].contains("cut off"), "{said:?}");
    }
    // The format of version 0.1.
    fs::write(&file, [b"RKFEAT01", &whole[8..]].concat()).unwrap();
    assert!(open(&path, &frozen(2), images).1[0].contains("version"));
    assert_eq!(fs::read(&file).unwrap(), whole);
    assert!(open(&path, &frozen(2), &images[1..]).1.len() == 2, "other images have another file");
}

#[test]
fn versions_are_the_image_mirrored_and_cropped() {
    let set = CaptionSet::open("builtin:shapes", &CaptionOptions::default()).unwrap();
    let images = &set.train[..20];
    let folder = tempfile::tempdir().unwrap();
    let encoder = frozen(1);
    let open = |number, flip, crop| open_version(folder.path(), &encoder, images, Version { number, flip, crop });
    let device = Device::default();
    let of_pixels = |change| encoder.features(&set.pictures.pixels(&images[17].name, 16, change).unwrap());
    let mirrored = Augmentation { mirror: true, window: None };
    for (number, flip, wanted) in [(0, true, None), (1, true, Some(mirrored)), (2, true, None)] {
        let found = open(number, flip, false).0.rows(&[17], &device).unwrap();
        assert!((found - of_pixels(wanted)).abs().max().into_scalar::<f32>() < 4.0 / 2048.0, "version {number}");
    }
    // Cropped versions have windows of their own, and of each image another.
    let change = |number, image| Version { number, flip: true, crop: true }.change(image);
    let [one, two, other] = [change(1, 17), change(2, 17), change(1, 16)].map(Option::unwrap);
    assert!(one.mirror && !two.mirror && one.window != two.window && one.window != other.window);
    assert_eq!(change(0, 17), None);
    let found = open(2, true, true).0.rows(&[17], &device).unwrap();
    assert!((found - of_pixels(Some(two))).abs().max().into_scalar::<f32>() < 4.0 / 2048.0);
    // Version 0 is the same for all.
    open(0, true, true);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    assert!(open(1, true, false).1.is_empty(), "it is there");
}

#[test]
fn a_batch_has_the_version_of_each_image() {
    let set = CaptionSet::open("builtin:shapes", &CaptionOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let version = |number| Version { number, flip: true, crop: false };
    let files = [0, 1].map(|number| open_version(folder.path(), &frozen(1), &set.train[..20], version(number)).0);
    let device = Device::default();
    let found = Features::of_versions(&[3, 17, 4], |image| &files[image % 2], &device).unwrap();
    for (place, image) in [3, 17, 4].into_iter().enumerate() {
        let wanted = files[image % 2].rows(&[image], &device).unwrap();
        assert_eq!(found.clone().narrow(0, place, 1).into_data(), wanted.into_data());
    }
}
