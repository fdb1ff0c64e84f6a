//! What the models' parameters are called in PyTorch, and that they go there and back.
#![cfg(feature = "flex")]

use burn::module::Module;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::char_lm::{CharLm, CharLmSettings};
use rekindle_models::classifier::{Classifier, ClassifierSettings, Pooling};
use rekindle_models::draw::{Draw, DrawModelSettings, ImageShape};
use rekindle_models::frame_tagger::{FrameInput, FrameTagger, FrameTaggerSettings};
use rekindle_models::settings::{CellChoice, RecurrentSettings};
use rekindle_rnn::Cell;
use rekindle_weights::{StateDict, Strictness};
use rstest::rstest;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn recurrent<C: CellChoice>(hidden: usize, cell: Cell) -> RecurrentSettings<C> {
    RecurrentSettings { cell: cell.into(), hidden, ..RecurrentSettings::default() }
}

fn char_lm(seed: u64) -> CharLm {
    let settings = CharLmSettings { recurrent: recurrent(5, Cell::Lstm), embedding: 3, ..CharLmSettings::default() };
    settings.init_with(7, &mut rng(seed), &Device::flex())
}

fn tied(seed: u64) -> CharLm {
    let settings =
        CharLmSettings { recurrent: recurrent(5, Cell::Gru), embedding: 5, tied: true, ..CharLmSettings::default() };
    settings.init_with(7, &mut rng(seed), &Device::flex())
}

fn classifier(seed: u64) -> Classifier {
    let (recurrent, pooling) = (recurrent(5, Cell::Gru), Pooling::Attention);
    let settings = ClassifierSettings { recurrent, embedding: 3, pooling, ..ClassifierSettings::default() };
    settings.init_with(7, 2, &mut rng(seed), &Device::flex())
}

fn frame_tagger(seed: u64) -> FrameTagger {
    let input = FrameInput::Pixels { channels: 1, height: 8, width: 8 };
    let recurrent = recurrent(4, Cell::Rnn);
    let settings = FrameTaggerSettings { recurrent, encoder: 6, ..FrameTaggerSettings::default() };
    settings.init_with(input, 3, &mut rng(seed), &Device::flex())
}

fn draw(seed: u64) -> Draw {
    let settings = DrawModelSettings { hidden: 4, latent: 2, read: 2, write: 3, ..DrawModelSettings::default() };
    let shape = ImageShape { channels: 1, height: 6, width: 5 };
    settings.init_with(shape, &mut rng(seed), &Device::flex())
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
