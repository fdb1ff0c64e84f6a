//! The same numbers as PyTorch's, for the same weights: `crates/bench/python/caption_reference.py encoders`.

use std::path::PathBuf;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_weights::WeightFile;
use rstest::rstest;

use super::super::tests::noise;
use super::*;
use rekindle_testing::{Numbers, cpus, devices};

/// What the script prints of a map or a vector.
struct Known {
    mean: f64,
    chosen: [f64; 3],
}

impl Known {
    fn check(&self, seen: Tensor<3>, name: &str) {
        let values: Vec<f64> = seen.into_data().convert::<f64>().try_to_vec().unwrap();
        let mean = values.iter().map(|x| x.abs()).sum::<f64>() / values.len() as f64;
        let chosen = [values.len() / 7, values.len() / 3, values.len() - 1].map(|i| values[i]);
        let pairs = chosen.iter().zip(&self.chosen).chain([(&mean, &self.mean)]);
        for (seen, wanted) in pairs {
            // The bound that the activations are held to.
            assert!((seen - wanted).abs() < 1e-3, "{name}: {seen} and {wanted}");
        }
    }
}

fn pictures(device: &Device) -> Tensor<4> {
    let values = noise(3 * 224 * 224, 0.5).into_iter().map(|x| x / 2.0 + 0.5).collect();
    Tensor::from_data(TensorData::new(values, [1, 3, 224, 224]), device)
}

/// The weights that the script gives to a network with these names and shapes.
fn weights(names: Vec<(String, Vec<usize>)>) -> BTreeMap<String, WeightTensor> {
    let names: BTreeMap<_, _> = names.into_iter().collect();
    let tensor = |(index, (name, shape)): (usize, (String, Vec<usize>))| {
        let mut values = noise(shape.iter().product(), index as f64);
        let norm = name.ends_with("running_var") || name.contains("bn") && name.ends_with("weight");
        let fan_in: usize = shape[1..].iter().product();
        let scale = (6.0 / fan_in as f64).sqrt() as f32;
        for value in &mut values {
            *value = match shape.len() {
                1 if norm => 1.0 + *value / 2.0,
                1 => *value / 4.0,
                _ => *value * scale,
            };
        }
        (name, WeightTensor::new(shape, values).unwrap())
    };
    names.into_iter().enumerate().map(tensor).collect()
}

fn efficientnet_names() -> Vec<(String, Vec<usize>)> {
    let mut names = Vec::new();
    let mut add = |convolution: &str, norm: &str, shape: [usize; 4]| {
        names.push((format!("{convolution}.weight"), shape.to_vec()));
        for part in ["weight", "bias", "running_mean", "running_var"] {
            names.push((format!("{norm}.{part}"), vec![shape[0]]));
        }
    };
    add("_conv_stem", "_bn0", [32, 3, 3, 3]);
    let stages =
        [[1, 3, 1, 16], [2, 3, 6, 24], [2, 5, 6, 40], [3, 3, 6, 80], [3, 5, 6, 112], [4, 5, 6, 192], [1, 3, 6, 320]];
    let (mut number, mut input) = (0, 32);
    for [count, kernel, expansion, output] in stages {
        for _ in 0..count {
            let (block, wide) = (format!("_blocks.{number}"), input * expansion);
            if expansion > 1 {
                add(&format!("{block}._expand_conv"), &format!("{block}._bn0"), [wide, input, 1, 1]);
            }
            add(&format!("{block}._depthwise_conv"), &format!("{block}._bn1"), [wide, 1, kernel, kernel]);
            add(&format!("{block}._project_conv"), &format!("{block}._bn2"), [output, wide, 1, 1]);
            (number, input) = (number + 1, output);
        }
    }
    add("_conv_head", "_bn1", [1280, 320, 1, 1]);
    names.extend([("_fc.weight".to_owned(), vec![1000, 1280]), ("_fc.bias".to_owned(), vec![1000])]);
    names
}

/// Names of torchvision, with 2 channels first and 8 numbers in the vector.
fn vgg_names(numbers: &[usize]) -> Vec<(String, Vec<usize>)> {
    let later = (numbers.len() - 4) / 3;
    let outputs = [2, 2, 4, 4].into_iter().chain([8, 16, 16].into_iter().flat_map(|level| vec![level; later]));
    let mut input = 3;
    let mut names = Vec::new();
    let both = |name: String, shape: Vec<usize>| {
        let bias = vec![shape[0]];
        [(format!("{name}.weight"), shape), (format!("{name}.bias"), bias)]
    };
    for (number, output) in numbers.iter().zip(outputs) {
        names.extend(both(format!("features.{number}"), vec![output, input, 3, 3]));
        input = output;
    }
    for (name, shape) in [("0", [8, 16 * 49]), ("3", [8, 8]), ("6", [10, 8])] {
        names.extend(both(format!("classifier.{name}"), shape.to_vec()));
    }
    names
}

#[rstest]
#[case::efficientnet(
    EncoderKind::EfficientNetLite0,
    efficientnet_names(),
    Known { mean: 1.60882, chosen: [0.0, 0.0, 1.45225] },
    Known { mean: 1.60882, chosen: [0.27005, 2.11489, 0.49644] }
)]
#[case::vgg16(
    EncoderKind::Vgg16,
    vgg_names(&[0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]),
    Known { mean: 2.51677, chosen: [0.0, 1.97079, 5.63355] },
    Known { mean: 1.19273, chosen: [0.0, 0.0, 9.54182] }
)]
#[case::vgg19(
    EncoderKind::Vgg19,
    vgg_names(&[0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]),
    Known { mean: 6.47606, chosen: [17.31857, 10.87801, 0.0] },
    Known { mean: 3.47529, chosen: [0.0, 0.0, 15.04717] }
)]
fn activations_are_those_of_pytorch(
    #[case] kind: EncoderKind,
    #[case] names: Vec<(String, Vec<usize>)>,
    #[case] map: Known,
    #[case] vector: Known,
) {
    let weights = weights(names);
    for device in devices() {
        let config = EncoderConfig::new(kind).with_channels(2).with_wide(8);
        let encoder = config.init_with(&mut ChaCha8Rng::seed_from_u64(7), &device).load(&weights).unwrap();
        assert_eq!(encoder.kind(), kind);
        for (view, known) in [(View::Map, &map), (View::Vector, &vector)] {
            let seen = encoder.forward(pictures(&device), view);
            assert_eq!(seen.dims()[1..], config.shape(view));
            known.check(seen, &format!("{kind} {view:?} on {device:?}"));
        }
    }
}

#[test]
fn pictures_have_the_same_features_alone_and_in_a_batch() {
    for device in cpus() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let encoder = EncoderConfig::new(EncoderKind::EfficientNetLite0).init_with(&mut rng, &device);
        let pictures: Tensor<4> = Numbers::new(4).uniform([5, 3, 33, 40], 0.0..1.0, &device);
        for view in [View::Map, View::Vector] {
            let together = encoder.forward(pictures.clone(), view);
            let alone = pictures.clone().split(1, 0).into_iter().map(|picture| encoder.forward(picture, view));
            together.into_data().assert_eq(&Tensor::cat(alone.collect(), 0).into_data(), true);
        }
    }
}

#[test]
fn the_file_of_imagenet_weights_is_read_as_it_is() {
    let data = std::env::var_os("REKINDLE_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")));
    let file = data.join("models/efficientnet-lite0/efficientnet-lite0-57934424.pth");
    if !file.exists() {
        eprintln!("skipped: there is no {}", file.display());
        return;
    }
    let file = WeightFile::open(file).unwrap();
    for device in devices() {
        let config = EncoderConfig::new(EncoderKind::EfficientNetLite0);
        let encoder = config.init_with(&mut ChaCha8Rng::seed_from_u64(7), &device).load(file.tensors()).unwrap();
        let known = Known { mean: 0.11851, chosen: [0.95647, 0.0, 0.0] };
        known.check(encoder.forward(pictures(&device), View::Map), "map");
    }
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let numbers = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
    let mut weights = weights(vgg_names(&numbers));
    weights.remove("features.5.bias");
    weights.insert("features.7.bias".to_owned(), WeightTensor::new(vec![3], vec![0.0; 3]).unwrap());
    weights.insert("extra".to_owned(), WeightTensor::new(vec![1], vec![0.0]).unwrap());
    for device in devices() {
        let config = EncoderConfig::new(EncoderKind::Vgg16).with_channels(2).with_wide(8);
        let encoder = config.init_with(&mut ChaCha8Rng::seed_from_u64(7), &device);
        let error = encoder.clone().load(&weights).unwrap_err().to_string();
        for part in ["missing: features.5.bias", "unused: extra", "features.7.bias is [3], wanted [4]"] {
            assert!(error.contains(part), "{error}");
        }
        let small = EncoderConfig::new(EncoderKind::Small).with_side(16);
        assert!(small.init_with(&mut ChaCha8Rng::seed_from_u64(7), &device).load(&weights).is_err());
    }
}

#[test]
fn encoders_have_their_names() {
    for &kind in EncoderKind::ALL {
        assert_eq!((kind.to_string(), kind.name().parse()), (kind.name().to_owned(), Ok(kind)));
    }
    assert_eq!(EncoderKind::NAMES, ["small", "efficientnet-lite0", "vgg16", "vgg19"]);
    assert!("vgg".parse::<EncoderKind>().is_err());
}
