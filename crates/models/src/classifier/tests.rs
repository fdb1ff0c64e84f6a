//! What a classifier of any shape must do, on every backend that is compiled in.

mod pytorch;

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_rnn::{Cell, LayerState, LayerTrace, State};
use rstest::rstest;

use super::{Classifier, ClassifierSettings, Pooling};
use crate::TransferError;
use crate::char_lm::{CharLm, CharLmSettings};
use crate::settings::RecurrentSettings;
use rekindle_testing::devices;

/// A small model without dropout.
fn settings() -> ClassifierSettings {
    let recurrent = RecurrentSettings { hidden: 4, ..RecurrentSettings::default() };
    ClassifierSettings { recurrent, embedding: 5, embedding_dropout: 0.0, ..ClassifierSettings::default() }
}

fn with_dropout() -> ClassifierSettings {
    let recurrent = RecurrentSettings { dropout: 0.5, ..settings().recurrent };
    ClassifierSettings { recurrent, embedding_dropout: 0.5, ..settings() }
}

/// Of six words and two classes.
fn build(settings: &ClassifierSettings, device: &Device) -> Classifier {
    settings.init_with(6, 2, &mut ChaCha8Rng::seed_from_u64(5), device)
}

fn tokens<const B: usize, const T: usize>(rows: [[i32; T]; B], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::from(rows), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec::<f32>().unwrap()
}

fn near(a: &[f32], b: &[f32]) {
    // Longer padding changes the shapes of products, and so the order of their sums.
    assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?} and {b:?}");
}

#[rstest]
fn padding_does_not_matter(
    #[values(Pooling::Last, Pooling::Mean, Pooling::Max, Pooling::Attention, Pooling::Concat)] pooling: Pooling,
    #[values(Cell::Rnn, Cell::RnnRelu, Cell::Gru, Cell::LayerNormLstm)] cell: Cell,
    #[values(true, false)] bidirectional: bool,
) {
    for device in devices() {
        let recurrent = RecurrentSettings { cell, layers: 2, ..settings().recurrent };
        let settings = ClassifierSettings { recurrent, pooling, forward_only: !bidirectional, ..settings() };
        let model = build(&settings, &device);
        let alone = values(model.forward(tokens([[3, 1]], &device), &[2]));
        let both = values(model.forward(tokens([[3, 1, 5, 5], [2, 4, 1, 3]], &device), &[2, 4]));
        let other = values(model.forward(tokens([[3, 1, 0, 2], [2, 4, 1, 3]], &device), &[2, 4]));
        near(&alone, &both[..2]);
        near(&both, &other);
        let sum: f32 = alone.iter().map(|log| log.exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    }
}

/// The first word decides, the others are noise.
fn learn(settings: &ClassifierSettings, device: &Device) -> (Classifier, f32) {
    let inputs = tokens([[1, 3, 4], [2, 3, 4], [1, 4, 0], [2, 5, 0]], device);
    let labels = Tensor::<1, Int>::from_data(TensorData::from([0, 1, 0, 1]), device);
    let mut model = build(settings, device);
    let mut optimizer = AdamConfig::new().init();
    let mut last = f32::NAN;
    for _ in 0..60 {
        let loss = model.loss(inputs.clone(), &[3, 3, 2, 2], labels.clone());
        last = loss.clone().into_scalar::<f32>();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.03, model, gradients);
    }
    (model, last)
}

#[rstest]
fn a_word_is_learnt_and_what_is_explained_is_the_models_own_answer(
    #[values(Pooling::Last, Pooling::Mean, Pooling::Max, Pooling::Attention, Pooling::Concat)] pooling: Pooling,
) {
    for device in devices() {
        let device = device.autodiff();
        let (model, loss) = learn(&ClassifierSettings { pooling, ..settings() }, &device);
        assert!(loss < 0.1, "{pooling}: {loss}");
        for (word, class) in [(1, 0), (2, 1)] {
            let text = tokens([[word, 3, 4]], &device);
            let explanation = model.explain(text.clone());
            assert_eq!(explanation.class, class);
            near(
                &explanation.log_probs,
                &values(model.valid().forward(tokens([[word, 3, 4]], &device.clone().inner()), &[3])),
            );
        }
    }
}

#[test]
fn contributions_are_the_derivative_along_the_words_vectors() {
    for device in devices() {
        let device = device.autodiff();
        let model = build(&with_dropout(), &device);
        let explanation = model.explain(tokens([[1, 2, 3]], &device));
        // Makes the vector of word 2 longer by a thousandth, and shorter.
        let margin = |factor: f32| {
            let vector = values(model.embedding.val().inner())[10..15].iter().map(|value| value * factor).collect();
            let log_probs = model.clone().with_vectors(&[(2, vector)]).explain(tokens([[1, 2, 3]], &device)).log_probs;
            log_probs[explanation.class] - (log_probs[0] + log_probs[1]) / 2.0
        };
        let numeric = (margin(1.05) - margin(0.95)) / 0.1;
        // Single precision loses about four digits in the difference.
        assert!((numeric - explanation.contributions[1]).abs() < 1e-4, "{numeric} and {explanation:?}");
    }
}

#[test]
fn dropout_is_for_training_alone_and_follows_the_seed_of_the_device() {
    for device in devices() {
        let plain = build(&with_dropout(), &device);
        let text = || tokens([[1, 2, 3]], &device);
        assert_eq!(values(plain.forward(text(), &[3])), values(plain.forward(text(), &[3])));
        let training = device.clone().autodiff();
        let model = build(&with_dropout(), &training);
        let run = || values(model.forward(tokens([[1, 2, 3]], &training), &[3]));
        assert!((0..20).any(|_| run() != run()));
    }
}

#[test]
fn vectors_of_other_words_stay() {
    for device in devices() {
        let model = build(&settings(), &device);
        let before = values(model.embedding.val());
        let after = values(model.with_vectors(&[(1, vec![7.0; 5])]).embedding.val());
        assert_eq!(&after[5..10], [7.0; 5]);
        assert_eq!((&after[..5], &after[10..]), (&before[..5], &before[10..]));
    }
}

#[test]
fn weights_move_by_the_words_and_models_of_other_shapes_are_refused() {
    for device in devices() {
        let source = settings().init_with(6, 2, &mut ChaCha8Rng::seed_from_u64(9), &device);
        let known = [Some(0), Some(3), None, Some(1), Some(2), None];
        let moved = build(&settings(), &device).with_weights_of(&source, &known, true).unwrap();
        let ours = values(moved.forward(tokens([[1, 3, 4]], &device), &[3]));
        near(&ours, &values(source.forward(tokens([[3, 1, 2]], &device), &[3])));
        let fresh = build(&settings(), &device).with_weights_of(&source, &known, false).unwrap();
        assert_eq!(values(fresh.output.weight.val()), values(build(&settings(), &device).output.weight.val()));

        let change = |change: fn(&mut RecurrentSettings)| {
            let mut other = settings();
            change(&mut other.recurrent);
            build(&other, &device).with_weights_of(&source, &known, true)
        };
        let other = change(|recurrent| recurrent.layers = 2);
        assert!(matches!(other, Err(TransferError::Shape { .. })), "{other:?}");
        let gru = change(|recurrent| recurrent.cell = Cell::Gru);
        assert!(gru.unwrap_err().to_string().contains("gru"));
    }
}

#[test]
fn the_last_state_the_maximum_and_the_mean_stand_side_by_side() {
    for device in devices() {
        // Two features of three words; of the second text only two words count.
        let hidden =
            Tensor::<3>::from_data([[[1., 4.], [-3., 2.]], [[5., 0.], [-1., -6.]], [[3., 2.], [0., 0.]]], &device);
        let last = Tensor::<2>::from_data([[3., 2.], [-1., -6.]], &device);
        let state = State { layers: vec![LayerState { hidden: last, cell: None }] };
        let pool = Pooling::Concat.init(2, &mut ChaCha8Rng::seed_from_u64(1), &device);
        let pooled = values(pool.forward(hidden, &state, 1, &[3, 2]));
        near(&pooled, &[3., 2., 5., 4., 3., 2., -1., -6., -1., 2., -2., -2.]);
    }
}

#[rstest]
fn the_gradient_of_every_pool_is_the_derivative(
    #[values(Pooling::Last, Pooling::Mean, Pooling::Max, Pooling::Attention, Pooling::Concat)] pooling: Pooling,
) {
    for device in devices() {
        let device = device.autodiff();
        let model = build(&ClassifierSettings { pooling, ..settings() }, &device);
        let (texts, lengths) = (|| tokens([[1, 2, 3], [4, 5, 0]], &device), [3, 2]);
        let labels = || Tensor::<1, Int>::from_data([0, 1], &device);
        let gradients = model.loss(texts(), &lengths, labels()).backward();
        let gradient = values(model.embedding.val().grad(&gradients).expect("the loss reads the embeddings"));
        let table = values(model.embedding.val().inner());
        for place in 5..30 {
            let loss = |change: f32| {
                let word = place / 5;
                let mut vector = table[word * 5..][..5].to_vec();
                vector[place % 5] += change;
                let model = model.clone().with_vectors(&[(word as u32, vector)]);
                values(model.loss(texts(), &lengths, labels()))[0]
            };
            let numeric = (loss(1e-2) - loss(-1e-2)) / 2e-2;
            // Single precision loses about five digits of a loss of 0.7 in the difference.
            assert!((numeric - gradient[place]).abs() < 1e-4, "{pooling} {place}: {numeric} and {}", gradient[place]);
        }
    }
}

/// A language model of six tokens that fits `settings`.
fn language_model(settings: &ClassifierSettings, device: &Device) -> CharLm {
    let lm = CharLmSettings { recurrent: settings.recurrent.clone(), embedding: 5, ..CharLmSettings::default() };
    lm.init_with(6, &mut ChaCha8Rng::seed_from_u64(9), device)
}

#[rstest]
fn a_language_models_states_are_those_of_the_forward_direction(
    #[values(Cell::Rnn, Cell::Gru, Cell::Lstm, Cell::LayerNormLstm)] cell: Cell,
    #[values(true, false)] bidirectional: bool,
) {
    for device in devices() {
        let recurrent = RecurrentSettings { cell, layers: 2, ..settings().recurrent };
        let settings = ClassifierSettings { recurrent, forward_only: !bidirectional, ..settings() };
        let lm = language_model(&settings, &device);
        let fresh = build(&settings, &device);
        let model = fresh.clone().with_language_model(&lm, &[Some(5), Some(2), None, Some(0), Some(1), None]).unwrap();
        // Word 1 of the classifier is token 2 of the language model, word 3 is token 0, word 4 is token 1.
        let ours = model.trace(tokens([[1, 3, 4]], &device));
        let theirs = lm.trace(tokens([[2, 0, 1]], &device), None).0;
        let of = |layers: &[LayerTrace], layer: usize| {
            let found =
                layers.iter().find(|trace: &&LayerTrace| trace.layer == layer && !trace.reverse).expect("it is traced");
            values(found.trace.hidden.clone())
        };
        (0..2).for_each(|layer| near(&of(&ours, layer), &of(&theirs, layer)));
        let rows = |model: &Classifier, word: usize| values(model.embedding.val())[word * 5..][..5].to_vec();
        assert_eq!(rows(&model, 2), rows(&fresh, 2));
        assert_eq!(values(model.output.weight.val()), values(fresh.output.weight.val()));
        if let (Some(ours), Some(fresh)) = (&model.recurrent.layers[1].reverse, &fresh.recurrent.layers[1].reverse) {
            assert_eq!(values(ours.matrix("weight_ih")), values(fresh.matrix("weight_ih")));
        }
    }
}

#[test]
fn a_language_model_of_another_shape_is_refused() {
    for device in devices() {
        let lm = language_model(&settings(), &device);
        let start = |change: fn(&mut ClassifierSettings)| {
            let mut other = settings();
            change(&mut other);
            build(&other, &device).with_language_model(&lm, &[None; 6])
        };
        assert!(start(|_| ()).is_ok());
        for change in [
            (|other| other.recurrent.layers = 2) as fn(&mut ClassifierSettings),
            |other| other.recurrent.hidden = 3,
            |other| other.recurrent.hidden = 5,
            |other| other.recurrent.cell = Cell::Gru,
            |other| other.embedding = 4,
        ] {
            assert!(start(change).is_err());
        }
        let deep =
            ClassifierSettings { recurrent: RecurrentSettings { layers: 2, ..settings().recurrent }, ..settings() };
        assert!(build(&settings(), &device).with_language_model(&language_model(&deep, &device), &[None; 6]).is_err());
    }
}

#[rstest]
fn backends_agree(#[values(Pooling::Max, Pooling::Concat)] pooling: Pooling) {
    let settings = ClassifierSettings { pooling, ..settings() };
    let found: Vec<Vec<f32>> = devices()
        .into_iter()
        .map(|device| values(build(&settings, &device).forward(tokens([[1, 2, 3], [4, 5, 0]], &device), &[3, 2])))
        .collect();
    found.iter().for_each(|other| near(&found[0], other));
}
