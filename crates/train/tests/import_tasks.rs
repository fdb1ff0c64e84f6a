//! Models of other programs become runs of every task and compute what they did there. The files of PyTorch and its
//! numbers are from `fixtures/make_import.py`.
#![cfg(feature = "flex")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rekindle_models::attention::AttentionKind;
use rekindle_models::captioner::encoder::{EncoderConfig, EncoderKind};
use rekindle_models::captioner::{Captioner, CaptionerSettings, CaptionerSizes};
use rekindle_models::classifier::Pooling;
use rekindle_models::draw::{Draw, DrawModelSettings, ImageShape};
use rekindle_models::host;
use rekindle_models::settings::{RecurrentSettings, Widths};
use rekindle_rnn::Cell;
use rekindle_testing::assert_close;
use rekindle_train::TaskError;
use rekindle_train::import::{
    DataOptions, Importable, Imported, LabelOptions, PictureOptions, Source, VocabularyOptions, WeightOptions,
};
use rekindle_train::run::checkpoint::Which;
use rekindle_train::seeds::seeded;
use rekindle_train::task::Trained;
use rekindle_train::tasks::caption::{self, CaptionTask};
use rekindle_train::tasks::draw::{self, DrawTask};
use rekindle_train::tasks::frames::{self, FramesTask};
use rekindle_train::tasks::sentiment::{self, SentimentTask};
use rekindle_train::tasks::translate::{self, TranslateTask};
use rekindle_weights::{Rename, StateDict, WeightFile, WeightTensor, rename, save_safetensors};
use rstest::rstest;
use serde_json::{Value, json};

type Tensors = BTreeMap<String, WeightTensor>;

/// Sums of a few dozen products of numbers near 1, in another order.
const TOLERANCE: f64 = 1e-5;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import").join(name)
}

fn expected() -> Value {
    serde_json::from_slice(&std::fs::read(fixture("expected.json")).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn open<T: Importable>(path: &Path, options: &T::ImportOptions) -> Result<Imported<T>, TaskError> {
    Imported::open(&Source::of(path).unwrap(), options, &Device::flex())
}

fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    values_of(tensor).into_iter().map(f64::from).collect()
}

#[test]
fn a_tagger_of_34_features_with_two_linear_layers_gives_the_logits_of_pytorch() {
    let imported = open::<FramesTask>(&fixture("frames.pt"), &frames::ImportOptions::default()).unwrap();
    let model = &imported.settings.model;
    assert_eq!((model.encoder, &model.head, model.recurrent.layers), (0, &Widths(vec![8]), 2));
    assert_eq!(imported.assets.classes.names(), ["rest", "raise", "hold", "lower"]);
    assert!(imported.report.is_complete());
    let values = (0..7 * 34).map(|i| (0.37 * f64::from(i * i)).sin() as f32).collect();
    let clip: Tensor<3> = Tensor::from_data(TensorData::new(values, [1, 7, 34]), &Device::flex());
    let (log_probs, _) = imported.model.forward(clip.clone(), None, &[7]);
    let wanted = numbers(&expected()["frames"]["logits"]);
    let wanted: Vec<f64> = wanted
        .chunks(4)
        .flat_map(|logits| {
            let sum = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
            logits.iter().map(move |logit| logit - sum)
        })
        .collect();
    assert_close("log-probabilities", &doubles(log_probs.clone()), &wanted, TOLERANCE);
    // And from the run.
    let folder = tempfile::tempdir().unwrap();
    let run = imported.save(&folder.path().join("run"), false).unwrap();
    let trained = Trained::<FramesTask>::open(&run, Which::Best, &Device::flex()).unwrap();
    assert_eq!(values_of(trained.model.forward(clip, None, &[7]).0), values_of(log_probs));
}

fn values_of<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    host::numbers(tensor).unwrap()
}

#[test]
fn a_classifier_with_one_logit_gives_the_probabilities_of_pytorch() {
    let classes = LabelOptions { labels: vec!["bad".to_owned(), "good".to_owned()] };
    let options = sentiment::ImportOptions { classes, ..sentiment::ImportOptions::default() };
    let imported = open::<SentimentTask>(&fixture("sentiment.pt"), &options).unwrap();
    let model = &imported.settings.model;
    assert_eq!((model.embedding, model.forward_only, model.pooling), (5, false, Pooling::Last));
    // Padding is no word here.
    assert_eq!(imported.assets.len(), 5);
    let expected = &expected()["sentiment"];
    let probability = |text: &Value| {
        let (words, _) = imported.assets.encode(text.as_str().unwrap(), 400);
        let count = words.len();
        let words = words.into_iter().map(|word| word as i32).collect::<Vec<_>>();
        let words = Tensor::<2, Int>::from_data(TensorData::new(words, [1, count]), &Device::flex());
        doubles(imported.model.forward(words, &[count]))[1].exp()
    };
    let found: Vec<f64> = expected["texts"].as_array().unwrap().iter().map(probability).collect();
    assert_close("probabilities", &found, &numbers(&expected["probabilities"]), TOLERANCE);
}

#[test]
fn a_translator_gives_the_log_probabilities_of_pytorch() {
    let imported = open::<TranslateTask>(&fixture("translate.pt"), &translate::ImportOptions::default()).unwrap();
    let model = &imported.settings.model;
    assert_eq!((model.attention, model.input_feeding, model.tied), (AttentionKind::General, false, false));
    let expected = &expected()["translate"];
    let score = |pair: &Value| {
        let source = imported.assets.source.encode(pair[0].as_str().unwrap());
        let target = imported.assets.target.encode(pair[1].as_str().unwrap());
        imported.model.score(&[&source], &[&target]).unwrap().log_prob
    };
    let found: Vec<f64> = expected["pairs"].as_array().unwrap().iter().map(score).collect();
    let sentences = expected["log_probs"].as_array().unwrap().iter();
    let wanted: Vec<f64> = sentences.map(|tokens| numbers(tokens).iter().sum()).collect();
    assert_close("log-probabilities", &found, &wanted, TOLERANCE);
}

/// A folder with a file of weights and a vocabulary of sentences.
fn place(weights: &Tensors) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    save_safetensors(&path, weights, &BTreeMap::new()).unwrap();
    std::fs::write(folder.path().join("vocab.json"), r#"["<PAD>", "<UNK>", "<START>", "<END>", "a", "cat"]"#).unwrap();
    (folder, path)
}

fn renamed(tensors: Tensors, names: &[(&str, &str)]) -> Tensors {
    let here =
        |(old, _): &&(&str, &str)| tensors.keys().any(|name| name == old || name.starts_with(&format!("{old}.")));
    let names: Vec<Rename> = names.iter().filter(here).map(|(old, new)| Rename::new(*old, *new)).collect();
    rename(tensors, &names).unwrap()
}

fn captioner(attention: AttentionKind) -> Captioner {
    let recurrent = RecurrentSettings { hidden: 6, cell: Cell::Gru, ..RecurrentSettings::default() };
    let settings = CaptionerSettings { recurrent, embedding: 5, pillar: 4, attention, ..CaptionerSettings::default() };
    let encoder = EncoderConfig::new(EncoderKind::Small).with_side(48);
    let features = encoder.shape(settings.view())[1];
    let sizes = CaptionerSizes { encoder: Some(encoder), ..CaptionerSizes::new(6, features) };
    settings.init_with(&sizes, &mut seeded(2), &Device::flex())
}

#[rstest]
#[case::plain(AttentionKind::None)]
#[case::attention(AttentionKind::General)]
#[case::additive(AttentionKind::Additive)]
fn a_captioner_is_found_under_other_names(#[case] attention: AttentionKind) {
    let original = captioner(attention).state_dict();
    let others = [
        ("embedding", "word_embeddings"),
        ("rnn", "gru"),
        ("output", "fc.weight"),
        ("output_bias", "fc.bias"),
        ("image", "visual"),
        ("initial.0", "init_h"),
    ];
    let (_folder, path) = place(&renamed(original.clone(), &others));
    let imported = open::<CaptionTask>(&path, &caption::ImportOptions::default()).unwrap();
    assert_eq!(imported.settings.model.captioner.attention, attention);
    assert_eq!(imported.model.state_dict(), original);
    assert_eq!(imported.assets.vocabulary.id("cat"), Some(5));
}

#[test]
fn a_captioner_without_its_image_encoder_asks_for_one() {
    let mut tensors = captioner(AttentionKind::None).state_dict();
    tensors.retain(|name, _| !name.starts_with("encoder."));
    let (_folder, path) = place(&tensors);
    let error = message(open::<CaptionTask>(&path, &caption::ImportOptions::default()).unwrap_err());
    assert!(error.contains("--encoder-weights"), "{error}");
}

fn message(error: TaskError) -> String {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(&*error);
    while let Some(cause) = source {
        message += &format!(": {cause}");
        source = cause.source();
    }
    message
}

fn drawer(read: usize, write: usize) -> Draw {
    let settings = DrawModelSettings { hidden: 5, latent: 2, read, write, ..DrawModelSettings::default() };
    settings.init_with(ImageShape { channels: 1, height: 6, width: 6 }, &mut seeded(4), &Device::flex())
}

#[rstest]
#[case::whole_images(0, 0)]
#[case::windows(2, 3)]
#[case::one_window(0, 3)]
fn a_drawer_is_found_under_other_names(#[case] read: usize, #[case] write: usize) {
    let mut original = drawer(read, write).state_dict();
    let others = [
        ("encoder", "net.enc_rnn"),
        ("decoder", "net.dec_rnn"),
        ("latent", "net.mu_sigma"),
        ("write", "net.write_patch"),
        ("read", "net.read_window"),
        ("window", "net.write_window"),
        ("canvas", "net.canvas"),
        ("encoder_start", "net.encoder_start"),
        ("decoder_start", "net.decoder_start"),
    ];
    let mut tensors = renamed(original.clone(), &others);
    // As single cells have them.
    let cells: Vec<String> = tensors.keys().filter(|name| name.ends_with("_l0")).cloned().collect();
    for name in cells {
        let tensor = tensors.remove(&name).unwrap();
        tensors.insert(name.trim_end_matches("_l0").to_owned(), tensor);
    }
    let (_folder, path) = place(&tensors);
    let imported = open::<DrawTask>(&path, &draw::ImportOptions::default()).unwrap();
    assert_eq!((imported.settings.model.read, imported.settings.model.write), (read, write));
    assert_eq!(imported.assets, ImageShape { channels: 1, height: 6, width: 6 });
    assert_eq!(imported.model.state_dict(), original);
    // First states that a file lacks are zeros, as they are here.
    tensors.remove("net.encoder_start");
    let (_folder, path) = place(&tensors);
    let imported = open::<DrawTask>(&path, &draw::ImportOptions::default()).unwrap();
    assert_eq!(imported.zeros, ["encoder_start"]);
    let shape = original["encoder_start"].shape().to_vec();
    original.insert("encoder_start".to_owned(), WeightTensor::new(shape, vec![0.0; 10]).unwrap());
    assert_eq!(imported.model.state_dict(), original);
}

#[test]
fn what_the_shapes_do_not_decide_is_asked_for() {
    let mut tensors = drawer(2, 3).state_dict();
    tensors.remove("canvas");
    let (_folder, path) = place(&tensors);
    let error = message(open::<DrawTask>(&path, &draw::ImportOptions::default()).unwrap_err());
    assert!(error.contains("--image-size"), "{error}");
    let images = PictureOptions { image_size: Some(6) };
    let options = draw::ImportOptions { images, ..draw::ImportOptions::default() };
    assert_eq!(open::<DrawTask>(&path, &options).unwrap().assets.pixels(), 36);
}

#[test]
fn an_image_size_that_the_weights_do_not_have_is_named() {
    let (_folder, path) = place(&drawer(0, 0).state_dict());
    let images = PictureOptions { image_size: Some(7) };
    let options = draw::ImportOptions { images, ..draw::ImportOptions::default() };
    let error = message(open::<DrawTask>(&path, &options).unwrap_err());
    assert!(error.contains("--image-size 7: the weights are of images of 36 numbers"), "{error}");
}

#[test]
fn the_vocabulary_of_a_run_has_its_classes_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vocab.json");
    let words = ["a", "b", "c", "d", "e"];
    let words = json!({"format": "rekindle-words", "version": 1, "classes": ["no", "yes"], "words": words});
    std::fs::write(&path, words.to_string()).unwrap();
    let vocabulary = VocabularyOptions { vocab: Some(path) };
    let options = sentiment::ImportOptions { vocabulary, ..sentiment::ImportOptions::default() };
    let imported = open::<SentimentTask>(&fixture("sentiment.pt"), &options).unwrap();
    assert_eq!(imported.assets.classes(), ["no", "yes"]);
    assert_eq!((imported.assets.len(), imported.assets.id("e")), (6, Some(5)));
    let classes = LabelOptions { labels: vec!["bad".to_owned(), "good".to_owned()] };
    let imported =
        open::<SentimentTask>(&fixture("sentiment.pt"), &sentiment::ImportOptions { classes, ..options }).unwrap();
    assert_eq!(imported.assets.classes(), ["bad", "good"]);
}

#[rstest]
#[case::labels(&["a", "b"], "4 classes, and there are 2 labels")]
#[case::twice(&["a", "b", "a", "c"], "\"a\" is there twice")]
fn labels_that_do_not_fit_are_refused(#[case] labels: &[&str], #[case] reason: &str) {
    let classes = LabelOptions { labels: labels.iter().map(|label| (*label).to_owned()).collect() };
    let options = frames::ImportOptions { classes, ..frames::ImportOptions::default() };
    let error = message(open::<FramesTask>(&fixture("frames.pt"), &options).unwrap_err());
    assert!(error.contains(reason) && error.contains("frames.pt"), "{error}");
}

#[test]
fn layers_that_a_tagger_does_not_have_are_named() {
    let mut tensors = WeightFile::open(fixture("frames.pt")).unwrap().into_tensors();
    let norm = WeightTensor::new(vec![8], vec![1.0; 8]).unwrap();
    tensors.insert("model_state_dict.classifier.1.weight".to_owned(), norm);
    let (_folder, path) = place(&tensors);
    let error = message(open::<FramesTask>(&path, &frames::ImportOptions::default()).unwrap_err());
    assert!(error.contains("unused: classifier.1.weight"), "{error}");
    let weights = WeightOptions { allow_partial: true, ..WeightOptions::default() };
    let options = frames::ImportOptions { weights, ..frames::ImportOptions::default() };
    assert_eq!(open::<FramesTask>(&path, &options).unwrap().report.unused, ["classifier.1.weight"]);
}

#[test]
fn mean_and_deviation_of_the_features_are_read_from_the_file() {
    let mut tensors = WeightFile::open(fixture("frames.pt")).unwrap().into_tensors();
    for (name, value) in [("mean", 0.5), ("std", 2.0)] {
        let tensor = WeightTensor::new(vec![34], vec![value; 34]).unwrap();
        tensors.insert(format!("model_state_dict.{name}"), tensor);
    }
    let (_folder, path) = place(&tensors);
    let clips = DataOptions { data: Some("builtin:moving-shapes".to_owned()) };
    let imported =
        open::<FramesTask>(&path, &frames::ImportOptions { clips, ..frames::ImportOptions::default() }).unwrap();
    let standardization = imported.assets.standardization.unwrap();
    assert_eq!((standardization.mean, standardization.deviation), (vec![0.5; 34], vec![2.0; 34]));
    assert_eq!(imported.settings.data.data, "builtin:moving-shapes");
    assert_eq!(imported.model.num_params(), tensors.values().map(|tensor| tensor.values().len()).sum::<usize>() - 68);
}

#[test]
fn a_vocabulary_of_another_size_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.txt");
    std::fs::write(&path, "<unk>\ngood\n").unwrap();
    let vocabulary = VocabularyOptions { vocab: Some(path) };
    let options = sentiment::ImportOptions { vocabulary, ..sentiment::ImportOptions::default() };
    let error = message(open::<SentimentTask>(&fixture("sentiment.pt"), &options).unwrap_err());
    assert!(error.contains("6 words, the vocabulary 2"), "{error}");
}
