//! `caption` from training to captions, attention and a gallery.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use rekindle_weights::{WeightTensor, save_safetensors};
use serde_json::Value;

/// A training of a few seconds, on pictures of one colour.
const SMALL: [&str; 18] = [
    "train",
    "caption",
    "--data",
    "colours",
    "--image-size",
    "16",
    "--min-count",
    "1",
    "--hidden",
    "24",
    "--pillar",
    "24",
    "--batch-size",
    "8",
    "--print-every",
    "1",
    "--learning-rate",
    "0.01",
];

const COLOURS: [(&str, [u8; 3]); 4] =
    [("red", [220, 30, 30]), ("green", [30, 200, 40]), ("blue", [30, 40, 220]), ("white", [230, 230, 230])];

/// A picture of one colour, a little lighter or darker than another, in the plainest of formats.
fn picture(path: &Path, colour: [u8; 3], shade: u8) {
    let mut bytes = b"P6 16 16 255\n".to_vec();
    for _ in 0..256 {
        bytes.extend(colour.map(|value| value - shade));
    }
    fs::write(path, bytes).unwrap();
}

fn place() -> Workplace {
    let place = Workplace::new();
    fs::create_dir_all(place.path("colours/images")).unwrap();
    let (mut tokens, mut lists) = (String::new(), [String::new(), String::new()]);
    for shade in 0..8 {
        for (name, colour) in COLOURS {
            let file = format!("{name}{shade}.ppm");
            picture(&place.path("colours/images").join(&file), colour, 3 * shade);
            tokens += &format!("{file}#0\tA {name} picture .\n{file}#1\tAll of it is {name} !\n");
            lists[usize::from(shade >= 6)] += &format!("{file}\n");
        }
    }
    for (name, text) in [
        ("Flickr8k.token.txt", &tokens),
        ("Flickr_8k.trainImages.txt", &lists[0]),
        ("Flickr_8k.devImages.txt", &lists[1]),
    ] {
        fs::write(place.path("colours").join(name), text).unwrap();
    }
    place
}

fn small(more: &[&'static str]) -> Vec<&'static str> {
    [&SMALL[..], more].concat()
}

#[test]
fn pictures_are_learnt_captioned_and_judged() {
    let place = place();
    place.rekindle(&small(&["--epochs", "50"])).assert().success().stderr(
        contains("24 pictures with 48 captions to train on, 8 pictures held out; 14 words")
            .and(contains("rekindle eval runs/caption")),
    );
    let options = ["eval", "runs/caption", "--json", "--results", "results.json", "--gallery", "page.html"];
    let eval = place.json(&options);
    for (name, least) in [("exact", 1.0), ("bleu_4", 0.99), ("rouge_l", 0.99), ("cider", 1.0), ("meteor", 0.5)] {
        assert!(eval[name].as_f64().unwrap() >= least, "{eval}");
    }
    let results: Value = serde_json::from_str(&fs::read_to_string(place.path("results.json")).unwrap()).unwrap();
    assert_eq!(results.as_array().unwrap().len(), 8);
    // The 25th picture of the token file, and a caption without the full stop.
    assert_eq!(results[0]["image_id"], 24);
    assert!(results[0]["caption"].as_str().unwrap().contains("red"), "{results}");
    let page = fs::read_to_string(place.path("page.html")).unwrap();
    for part in ["<li>A green picture .</li>", "data:image/png;base64,", "&lt;END&gt;", "white6.ppm"] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<figure>").count(), 8);

    let blue = "colours/images/blue7.ppm";
    place.rekindle(&["predict", "runs/caption", blue]).assert().success().stdout(contains("blue"));
    let options = ["predict", "runs/caption", blue, "colours/images/red7.ppm", "--n-best", "2", "--json"];
    let said = place.json(&[&options[..], &["--attention", "look.svg"]].concat());
    assert_eq!(said[1]["captions"].as_array().unwrap().len(), 2, "{said}");
    assert!(said[1]["captions"][0]["text"].as_str().unwrap().contains("red"), "{said}");
    assert!(fs::read_to_string(place.path("look.svg")).unwrap().contains(">red<"));
    let draw = || place.json(&["predict", "runs/caption", blue, "--temperature", "1", "--seed", "3", "--json"]);
    assert_eq!(draw(), draw());
    let consensus = ["predict", "runs/caption", blue, "--consensus", "20", "--n-best", "2", "--json"];
    let said = place.json(&consensus);
    assert!(said[0]["captions"][0]["text"].as_str().unwrap().contains("blue"), "{said}");
    assert_eq!(said, place.json(&consensus));
    let eval = place.json(&["eval", "runs/caption", "--with", "runs/caption", "--consensus", "20", "--json"]);
    assert_eq!((&eval["exact"], &eval["consensus"]), (&Value::from(1.0), &Value::from(20)));
    let refused = |more: &[&str]| place.rekindle(&[&["predict", "runs/caption"], more].concat()).assert().code(1);
    refused(&[]).stderr(contains("give images"));
    refused(&["text.txt"]).stderr(contains("text.txt").and(contains("a text file")));
    refused(&[blue, "--consensus", "20", "--temperature", "1"]).stderr(contains("left out with --consensus"));
    refused(&[blue, "--consensus-temperature", "1"]).stderr(contains("must be given with --consensus"));
    refused(&[blue, "--explain"]).stderr(contains("--explain is for runs of `sentiment`"));

    place.rekindle(&["inspect", "runs/caption"]).assert().success().stdout(contains("rnn.weight_hh_l0"));
    place.rekindle(&["export", "runs/caption", "--out", "out"]).assert().success();
    assert!(place.path("out/model.safetensors").exists() && place.path("out/vocab.json").exists());

    // The document frequencies are those of the training captions; nothing else needs them.
    fs::copy(place.path(blue), place.path("blue.ppm")).unwrap();
    fs::remove_dir_all(place.path("colours")).unwrap();
    place.rekindle(&["predict", "runs/caption", "blue.ppm"]).assert().success();
    let mut consensus = place.rekindle(&["predict", "runs/caption", "blue.ppm", "--consensus", "20"]);
    consensus.assert().code(1).stderr(contains("--consensus").and(contains("colours")));
}

#[test]
fn a_plain_model_learns_with_one_hot_words_and_the_picture_at_every_step() {
    let place = place();
    let options =
        ["--attention", "none", "--embedding", "0", "--image-term", "every", "--cell", "gru", "--epochs", "50"];
    place.rekindle(&small(&options)).assert().success();
    let eval = place.json(&["eval", "runs/caption", "--json", "--beam", "1"]);
    assert!(eval["exact"].as_f64().unwrap() >= 0.99, "{eval}");
    place
        .rekindle(&["predict", "runs/caption", "colours/images/red7.ppm", "--attention", "x.svg"])
        .assert()
        .code(1)
        .stderr(contains("this model has no attention"));
}

#[test]
fn a_broken_off_run_goes_on_with_the_losses_of_an_unbroken_one() {
    for backend in Workplace::new().cpu_backends() {
        let place = place();
        let options = ["--dropout", "0.2", "--flip", "--crop", "--doubly-stochastic", "0.5", "--threads", "1"];
        let options = [&small(&options)[..], &["--backend", backend]].concat();
        place.rekindle(&[&options[..], &["--steps", "14", "--out", "unbroken"]].concat()).assert().success();
        place.rekindle(&[&options[..], &["--steps", "8", "--out", "broken"]].concat()).assert().success();
        let resume = ["train", "--resume", "broken", "--steps", "14", "--threads", "1", "--backend", backend];
        place.rekindle(&resume).assert().success();
        // The broken run was evaluated where it stopped, too: only the steps' lines are compared.
        let losses = |run: &str| {
            let metrics = fs::read_to_string(place.path(run).join("metrics.jsonl")).unwrap();
            let lines = metrics.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            lines
                .filter(|line| line.get("gradient_norm").is_some_and(|norm| !norm.is_null()))
                .map(|line| (line["step"].as_u64().unwrap(), line["loss"].to_string()))
                .collect::<Vec<_>>()
        };
        let unbroken = losses("unbroken");
        assert!(unbroken.len() >= 14, "{backend}");
        assert_eq!(losses("broken"), unbroken, "{backend}");
    }
}

/// Weights of EfficientNet-Lite0, of no use but for their names and shapes, as safetensors.
fn lite0(path: &Path, seed: u32) {
    let mut shapes: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut add = |convolution: &str, norm: &str, shape: [usize; 4]| {
        shapes.insert(format!("{convolution}.weight"), shape.to_vec());
        for part in ["weight", "bias", "running_mean", "running_var"] {
            shapes.insert(format!("{norm}.{part}"), vec![shape[0]]);
        }
    };
    add("_conv_stem", "_bn0", [32, 3, 3, 3]);
    let (mut number, mut input) = (0, 32);
    for [count, kernel, wider, output] in
        [[1, 3, 1, 16], [2, 3, 6, 24], [2, 5, 6, 40], [3, 3, 6, 80], [3, 5, 6, 112], [4, 5, 6, 192], [1, 3, 6, 320]]
    {
        for _ in 0..count {
            let (block, wide) = (format!("_blocks.{number}"), input * wider);
            if wider > 1 {
                add(&format!("{block}._expand_conv"), &format!("{block}._bn0"), [wide, input, 1, 1]);
            }
            add(&format!("{block}._depthwise_conv"), &format!("{block}._bn1"), [wide, 1, kernel, kernel]);
            add(&format!("{block}._project_conv"), &format!("{block}._bn2"), [output, wide, 1, 1]);
            (number, input) = (number + 1, output);
        }
    }
    add("_conv_head", "_bn1", [1280, 320, 1, 1]);
    let mut state = seed;
    let weights = shapes.into_iter().map(|(name, shape)| {
        let scale = (6.0 / shape[1..].iter().product::<usize>() as f32).sqrt();
        let drawn = (0..shape.iter().product::<usize>()).map(|_| {
            // Numerical Recipes' generator.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let drawn = state as f32 / u32::MAX as f32 * 2.0 - 1.0;
            if shape.len() == 1 { 0.75 + drawn / 4.0 } else { drawn * scale }
        });
        let values = drawn.collect();
        (name, WeightTensor::new(shape, values).unwrap())
    });
    save_safetensors(path, &weights.collect(), &BTreeMap::new()).unwrap();
}

#[test]
fn what_a_frozen_network_sees_is_computed_once_and_it_can_be_trained_later() {
    let place = place();
    lite0(&place.path("lite0.safetensors"), 1);
    lite0(&place.path("other.safetensors"), 2);
    let frozen = |file: &'static str, more: &[&'static str]| {
        let options = ["--encoder", "efficientnet-lite0", "--encoder-weights", file, "--steps", "2"];
        place.rekindle(&small(&[&options[..], more].concat())).assert()
    };
    frozen("lite0.safetensors", &[]).success().stderr(contains("24/24 images encoded").and(contains("8/8 images")));
    frozen("lite0.safetensors", &["--out", "again"]).success().stderr(contains("images encoded").not());
    let other = contains("it is of other weights; computing it again").and(contains("24/24 images encoded"));
    frozen("other.safetensors", &["--out", "other"]).success().stderr(other);
    // A run has all that it needs.
    fs::remove_file(place.path("other.safetensors")).unwrap();
    place.rekindle(&["predict", "other", "colours/images/red7.ppm"]).assert().success();
    place.rekindle(&["train", "--resume", "other", "--steps", "3"]).assert().success();
    place.rekindle(&["eval", "other"]).assert().success().stderr(contains("seen").not());

    let tuned = ["--out", "tuned", "--fine-tune-after", "1", "--init-from", "again", "--flip"];
    frozen("lite0.safetensors", &tuned)
        .success()
        .stderr(contains("all weights but those of the image encoder are those of the --init-from run"));
    place.rekindle(&["predict", "tuned", "colours/images/red7.ppm"]).assert().success();
    frozen("lite0.safetensors", &["--out", "x", "--flip"]).code(1).stderr(contains("features are cached"));
}

#[test]
fn a_frozen_network_sees_versions_of_the_training_pictures() {
    let place = place();
    // Those of one colour are their own mirror images.
    for (number, file) in fs::read_dir(place.path("colours/images")).unwrap().enumerate() {
        let values = (0..16 * 16 * 3).map(|at| ((7 * at + at * at / 5 + 31 * number) % 256) as u8);
        let picture: Vec<u8> = b"P6 16 16 255\n".iter().copied().chain(values).collect();
        fs::write(file.unwrap().path(), picture).unwrap();
    }
    lite0(&place.path("lite0.safetensors"), 1);
    let train = |more: &[&'static str]| {
        let encoder = ["--encoder", "efficientnet-lite0", "--encoder-weights", "lite0.safetensors", "--threads", "1"];
        place.rekindle(&small(&[&encoder[..], more].concat())).assert()
    };
    train(&["--steps", "6", "--out", "plain"]).success().stderr(contains("24/24 images encoded"));
    let versions = ["--flip", "--crop", "--versions", "3"];
    let run = |more: &[&'static str]| train(&[&versions[..], more].concat()).success();
    run(&["--steps", "6", "--out", "unbroken"]).stderr(contains("24/24 images encoded").count(2));
    run(&["--steps", "3", "--out", "broken"]).stderr(contains("images encoded").not());
    place.rekindle(&["train", "--resume", "broken", "--steps", "6", "--threads", "1"]).assert().success();
    let all = place.step_losses("unbroken");
    assert_eq!(place.step_losses("broken"), all);
    assert_ne!(place.step_losses("plain"), all);
    place.rekindle(&["eval", "unbroken"]).assert().success().stderr(contains("images encoded").not());

    let refused = |more: &[&'static str], what: &str| {
        train(&[more, &["--out", "x"]].concat()).code(1).stderr(contains(what));
    };
    refused(&["--flip", "--versions", "3"], "2 with --flip alone");
    refused(&["--versions", "2"], "--flip, --crop or both");
    refused(&["--crop", "--versions", "2", "--fine-tune-after", "1"], "1 where the image encoder is trained");
    assert!(!place.path("x").exists());
}

#[test]
fn bad_data_and_weights_are_named() {
    let place = place();
    let train =
        |more: &[&'static str]| place.rekindle(&small(&[&["--steps", "4", "--out", "run", "--force"], more].concat()));
    train(&["--encoder", "vgg16"]).assert().code(1).stderr(contains("--encoder-weights"));
    lite0(&place.path("lite0.safetensors"), 1);
    train(&["--encoder", "vgg16", "--encoder-weights", "lite0.safetensors"])
        .assert()
        .code(1)
        .stderr(contains("missing: features.0.weight").and(contains("unused: _blocks.0._bn1.bias")));
    train(&["--attention", "dot", "--cell", "gru"]).assert().success();
    train(&["--max-length", "2"]).assert().success().stderr(contains("cut to 2 words: 48 captions"));
    train(&["--layers", "0"]).assert().code(1).stderr(contains("layers 0"));
    train(&["--images", "nowhere"])
        .assert()
        .code(1)
        .stderr(contains("missing: 32 of 32 pictures: red0.ppm").and(contains("--allow-missing")));
    fs::write(place.path("colours/images/red0.ppm"), "P6 16 16 255\nxx").unwrap();
    train(&[]).assert().code(1).stderr(contains("red0.ppm").and(contains("damaged")));
    fs::remove_file(place.path("colours/images/red0.ppm")).unwrap();
    train(&[]).assert().code(1).stderr(contains("1 of 32"));
    train(&["--allow-missing"]).assert().success().stderr(contains("skipped, missing: 1 picture"));
    fs::write(place.path("colours/Flickr8k.token.txt"), "red1.ppm\tno number\n").unwrap();
    train(&[]).assert().code(1).stderr(contains("Flickr8k.token.txt, line 1"));
}

/// A run of a few steps on generated shapes that writes some words where they belong.
const SHAPES: [&str; 16] = [
    "train",
    "caption",
    "--hidden",
    "48",
    "--pillar",
    "48",
    "--embedding",
    "32",
    "--batch-size",
    "16",
    "--threads",
    "1",
    "--image-size",
    "24",
    "--print-every",
    "1",
];

fn shapes<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SHAPES[..], more].concat()
}

/// The rewards of a run's steps.
fn rewards(place: &Workplace, run: &str) -> Vec<f64> {
    let metrics = fs::read_to_string(place.path(run).join("metrics.jsonl")).unwrap();
    let lines = metrics.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["kind"] == "step").map(|line| line["reward"].as_f64().expect("a reward")).collect()
}

#[test]
fn self_critical_training_raises_the_reward_and_resumes_with_the_same_samples() {
    let place = Workplace::new();
    place.rekindle(&shapes(&["--steps", "300", "--out", "base"])).assert().success();
    let rewarded = ["--init-from", "base", "--self-critical", "--learning-rate", "0.0003", "--dropout", "0.1"];
    let rewarded = shapes(&rewarded);
    let train = |more: &[&'static str]| place.rekindle(&[&rewarded[..], more].concat()).assert();
    train(&["--steps", "100", "--out", "unbroken"]).success().stderr(contains(", reward "));
    let all = rewards(&place, "unbroken");
    let mean = |rewards: &[f64]| rewards.iter().sum::<f64>() / rewards.len() as f64;
    assert_eq!(all.len(), 100);
    // 1.2 to 1.4 times with three seeds, for two orders of the sums of gradients. CIDEr-D of held-out images is no test
    // of so few steps: with seeds and orders of sums it changes by -0.3 to 0.6.
    assert!(mean(&all[80..]) > 1.1 * mean(&all[..10]), "{all:?}");

    train(&["--steps", "8", "--out", "broken"]).success();
    // A run that is resumed does not need the option again.
    place.rekindle(&["train", "--resume", "broken", "--steps", "12", "--threads", "1"]).assert().success();
    assert_eq!(place.step_losses("broken")[..], place.step_losses("unbroken")[..12]);
    assert_eq!(rewards(&place, "broken")[..], all[..12]);
}

#[test]
fn self_critical_training_goes_with_the_other_options_of_training() {
    let place = place();
    lite0(&place.path("lite0.safetensors"), 1);
    let encoder = ["--encoder", "efficientnet-lite0", "--encoder-weights", "lite0.safetensors"];
    let train = |more: &[&'static str]| place.rekindle(&small(&[&encoder[..], more].concat())).assert();
    train(&["--steps", "2", "--out", "base"]).success();
    // The encoder is trained along, from the second step on.
    let tuned = ["--init-from", "base", "--self-critical", "--fine-tune-after", "1", "--flip", "--ema", "0.9"];
    let tuned = [&tuned[..], &["--samples", "3", "--steps", "3", "--accumulate", "2", "--out", "tuned"]].concat();
    train(&tuned).success();
    assert_eq!(rewards(&place, "tuned").len(), 3);
    train(&["--init-from", "base", "--self-critical", "--baseline", "greedy", "--steps", "2", "--out", "greedy"])
        .success();
    place.rekindle(&["eval", "greedy", "--with", "base"]).assert().success();
    let mixed = ["--init-from", "base", "--self-critical", "--cross-entropy", "1", "--steps", "2", "--out", "mixed"];
    train(&mixed).success();
    place.rekindle(&["train", "--resume", "mixed", "--steps", "3"]).assert().success();
    assert_eq!(rewards(&place, "mixed").len(), 3);
    train(&["--self-critical", "--out", "x"]).code(1).stderr(contains("--init-from RUN"));
    train(&["--samples", "3", "--out", "x"]).code(1).stderr(contains("with --self-critical"));
    train(&["--cross-entropy", "1", "--out", "x"]).code(1).stderr(contains("with --self-critical"));
    assert!(!place.path("x").exists());
}

#[test]
fn a_blind_model_writes_one_caption_for_all_pictures() {
    let place = place();
    place.rekindle(&small(&["--epochs", "4", "--blind", "--scheduled-sampling", "0.2"])).assert().success();
    let predict = ["predict", "runs/caption", "colours/images/red7.ppm", "colours/images/blue7.ppm", "--json"];
    let said = place.json(&predict);
    assert_eq!(said[0]["captions"][0]["text"], said[1]["captions"][0]["text"], "{said}");
}

#[test]
fn scenes_are_trained_on_and_described() {
    let place = Workplace::new();
    let tiny = ["--image-size", "16", "--hidden", "4", "--embedding", "4", "--pillar", "4", "--batch-size", "8"];
    let train = [&["train", "caption", "--data", "builtin:scenes", "--steps", "2"][..], &tiny].concat();
    place
        .rekindle(&train)
        .assert()
        .success()
        .stderr(contains("20000 pictures with 20000 captions").and(contains("22 words")));
    let eval = ["eval", "runs/caption", "--split", "test", "--beam", "1", "--json"];
    let eval = place.rekindle(&eval).assert().success().get_output().stdout.clone();
    let eval: Value = serde_json::from_slice(&eval).unwrap();
    assert_eq!(eval["pictures"], 500);
    // Two steps teach nothing.
    assert!(eval["exact"].as_f64().unwrap() < 0.1, "{eval}");
}
