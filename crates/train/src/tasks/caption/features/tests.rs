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
    let mut said = Vec::new();
    let set = ImageSet { pictures: &Pictures::Shapes, images, name: "train", workers: 2 };
    let features = Features::open(folder, encoder, set, &mut |news| match news {
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
