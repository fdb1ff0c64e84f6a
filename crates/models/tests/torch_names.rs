//! What the models' parameters are called in PyTorch, and that they go there and back.
#![cfg(feature = "flex")]

use burn::module::Module;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::char_lm::{CharLm, CharLmConfig};
use rekindle_models::classifier::{Classifier, ClassifierConfig, Pooling};
use rekindle_models::draw::{Draw, DrawConfig};
use rekindle_models::frame_tagger::{FrameInput, FrameTagger, FrameTaggerConfig};
use rekindle_rnn::Cell;
use rekindle_weights::{StateDict, Strictness};
use rstest::rstest;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn char_lm(seed: u64) -> CharLm {
    let config = CharLmConfig::new(7, 5, Cell::Lstm).with_embedding_size(Some(3));
    config.init_with(&mut rng(seed), &Device::flex())
}

fn tied(seed: u64) -> CharLm {
    let config = CharLmConfig::new(7, 5, Cell::Gru).with_embedding_size(Some(5)).with_tied(true);
    config.init_with(&mut rng(seed), &Device::flex())
}

fn classifier(seed: u64) -> Classifier {
    let config = ClassifierConfig::new(7, 3, 5, 2, Cell::Gru).with_pooling(Pooling::Attention);
    config.init_with(&mut rng(seed), &Device::flex())
}

fn frame_tagger(seed: u64) -> FrameTagger {
    let input = FrameInput::Pixels { channels: 1, height: 8, width: 8 };
    FrameTaggerConfig::new(input, 3, 6, 4).with_cell(Some(Cell::Rnn)).init_with(&mut rng(seed), &Device::flex())
}

fn draw(seed: u64) -> Draw {
    let config = DrawConfig::new(1, 6, 5).with_read_size(Some(2)).with_write_size(Some(3));
    config.with_hidden_size(4).with_latent_size(2).init_with(&mut rng(seed), &Device::flex())
}

/// The names and shapes of one layer of a network in one direction.
fn layer(stem: &str, end: &str, gates: usize, input: usize, hidden: usize) -> Vec<(String, Vec<usize>)> {
    let rows = gates * hidden;
    let shapes = [
        ("weight_ih", vec![rows, input]),
        ("weight_hh", vec![rows, hidden]),
        ("bias_ih", vec![rows]),
        ("bias_hh", vec![rows]),
    ];
    shapes.map(|(name, shape)| (format!("{stem}.{name}_{end}"), shape)).into()
}

fn linear(name: &str, input: usize, output: usize) -> Vec<(String, Vec<usize>)> {
    vec![(format!("{name}.weight"), vec![output, input]), (format!("{name}.bias"), vec![output])]
}

fn one(name: &str, shape: &[usize]) -> Vec<(String, Vec<usize>)> {
    vec![(name.to_owned(), shape.to_vec())]
}

#[rstest]
#[case::char_lm(char_lm, vec![one("embedding.weight", &[7, 3]), layer("rnn", "l0", 4, 3, 5), linear("output", 5, 7)])]
#[case::tied(tied, vec![one("embedding.weight", &[7, 5]), layer("rnn", "l0", 3, 5, 5), one("output.bias", &[7])])]
#[case::classifier(classifier, vec![
    one("embedding.weight", &[7, 3]),
    layer("rnn", "l0", 3, 3, 5),
    layer("rnn", "l0_reverse", 3, 3, 5),
    linear("pool.attention.projection", 10, 10),
    one("pool.attention.query", &[10, 1]),
    linear("output", 10, 2),
])]
#[case::frame_tagger(frame_tagger, vec![
    one("encoder.convolutions.0.weight", &[16, 1, 3, 3]),
    one("encoder.convolutions.0.bias", &[16]),
    linear("encoder.output", 16 * 4 * 4, 6),
    layer("rnn", "l0", 1, 6, 4),
    linear("output", 4, 3),
])]
#[case::draw(draw, vec![
    layer("encoder", "l0", 4, 2 * 4 + 4, 4),
    layer("decoder", "l0", 4, 2, 4),
    linear("latent", 4, 4),
    linear("read", 4, 5),
    linear("window", 4, 5),
    linear("write", 4, 9),
    one("canvas", &[1, 30]),
    one("encoder_start", &[2, 4]),
    one("decoder_start", &[2, 4]),
])]
fn a_model_has_the_names_of_pytorch_and_reads_back_what_it_writes<M: Module>(
    #[case] model: fn(u64) -> M,
    #[case] wanted: Vec<Vec<(String, Vec<usize>)>>,
) {
    let state = model(1).state_dict();
    let mut wanted = wanted.concat();
    wanted.sort();
    let names: Vec<_> = state.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect();
    assert_eq!(names, wanted);

    let (other, _) = model(2).load_state_dict(&state, Strictness::Strict).unwrap();
    assert_eq!(other.state_dict(), state);
}
