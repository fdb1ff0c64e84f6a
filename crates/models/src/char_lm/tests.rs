//! What a language model of any shape must do, on every backend that is compiled in.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_rnn::Cell;
use rstest::rstest;

use super::prepared::Prepared;
use super::{CharLm, CharLmSettings, Generator};
use crate::TransferError;
use crate::decode::{Sampler, Sampling};
use crate::settings::RecurrentSettings;
use rekindle_testing::{cpus, devices};

const GREEDY: Sampling = Sampling { temperature: 0.0, top_k: None, top_p: None };

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(5)
}

/// One layer that reads symbols one-hot.
fn settings(hidden: usize, cell: Cell) -> CharLmSettings {
    let recurrent = RecurrentSettings { cell, hidden, ..RecurrentSettings::default() };
    CharLmSettings { recurrent, embedding: 0, ..CharLmSettings::default() }
}

fn with_layers(layers: usize, settings: CharLmSettings) -> CharLmSettings {
    CharLmSettings { recurrent: RecurrentSettings { layers, ..settings.recurrent }, ..settings }
}

fn tokens<const B: usize, const T: usize>(rows: [[i32; T]; B], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::from(rows), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec::<f32>().unwrap()
}

/// Trains on one batch until it is known by heart.
fn learn(mut model: CharLm, inputs: &Tensor<2, Int>, targets: &Tensor<2, Int>, steps: usize) -> (CharLm, f32) {
    let mut optimizer = AdamConfig::new().init();
    let mut last = f32::NAN;
    for _ in 0..steps {
        let (loss, _) = model.loss(inputs.clone(), targets.clone(), None);
        last = loss.clone().into_scalar::<f32>();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.02, model, gradients);
    }
    (model, last)
}

/// The lecture's example: four symbols, one-hot, trained on "hell" to answer "ello".
#[rstest]
fn hello_is_learnt_and_continued_exactly(#[values(Cell::Rnn, Cell::Lstm, Cell::Gru)] cell: Cell) {
    let [h, e, l, o] = [0, 1, 2, 3];
    for device in devices() {
        let device = device.autodiff();
        let model = settings(12, cell).init_with(4, &mut rng(), &device);
        let (model, loss) = learn(model, &tokens([[h, e, l, l]], &device), &tokens([[e, l, l, o]], &device), 150);
        assert!(loss < 0.05, "{cell} on {device:?}: {loss}");
        let sampler = Sampler::new(GREEDY, 0).unwrap();
        let model = model.valid();
        let continued: Vec<u32> = model.generate(&[h as u32], None, sampler).take(4).map(Result::unwrap).collect();
        assert_eq!(continued, [e, l, l, o].map(|s| s as u32), "{cell} on {device:?}");
    }
}

#[rstest]
#[case::one_hot(0, false)]
#[case::embedded(6, false)]
#[case::tied(8, true)]
#[case::projected(6, true)]
fn one_symbol_at_a_time_gives_the_numbers_of_the_whole_text(#[case] embedding: usize, #[case] tied: bool) {
    for device in devices() {
        let settings = CharLmSettings { embedding, tied, ..with_layers(2, settings(8, Cell::Lstm)) };
        let model = settings.init_with(5, &mut rng(), &device);
        let text = tokens([[0, 3, 1, 4, 4, 2]], &device);
        let (whole, _) = model.forward(text.clone(), None);
        let mut state = None;
        for t in 0..6 {
            let symbol = text.clone().slice([0..1, t..t + 1]).reshape([1]);
            let (log_probs, after) = model.step(symbol, state);
            state = Some(after);
            let expected = values(whole.clone().slice([0..1, t..t + 1]).reshape([1, 5]));
            let total: f32 = values(log_probs.clone()).iter().map(|l| l.exp()).sum();
            assert!((total - 1.0).abs() < 1e-5, "probabilities add up to {total}");
            for (seen, expected) in values(log_probs).into_iter().zip(expected) {
                // The product with the output weights may add in another order for one row than for six.
                assert!((seen - expected).abs() < 1e-5, "step {t}: {seen} for {expected}");
            }
        }
    }
}

#[test]
fn the_loss_is_the_mean_of_the_targets_log_probabilities() {
    for device in devices() {
        let model = settings(6, Cell::Gru).init_with(4, &mut rng(), &device);
        let (inputs, targets) = (tokens([[0, 1, 2], [3, 2, 1]], &device), [[1, 2, 3], [2, 1, 0]]);
        let (log_probs, _) = model.forward(inputs.clone(), None);
        let log_probs = values(log_probs);
        let picked = targets.iter().flatten().enumerate().map(|(row, &target)| log_probs[row * 4 + target as usize]);
        let expected = -picked.sum::<f32>() / 6.0;
        let (loss, _) = model.loss(inputs, tokens(targets, &device), None);
        // Two sums of six numbers of order 1.
        assert!((loss.into_scalar::<f32>() - expected).abs() < 1e-5);
    }
}

#[test]
fn the_same_random_state_gives_one_model_on_every_backend() {
    let weights = |device: &Device| {
        let settings = CharLmSettings { embedding: 3, ..settings(5, Cell::Lstm) };
        let model = settings.init_with(7, &mut rng(), device);
        let (log_probs, _) = model.forward(tokens([[1, 2, 6, 0]], device), None);
        values(log_probs)
    };
    let all: Vec<_> = devices().iter().map(weights).collect();
    for other in &all[1..] {
        for (a, b) in all[0].iter().zip(other) {
            // The weights are the same to the bit; the backends' exponentials and sums are not.
            assert!((a - b).abs() < 1e-5, "{a} and {b}");
        }
    }
}

#[test]
fn a_text_without_a_beginning_opens_with_any_symbol_but_the_forbidden() {
    for device in devices() {
        let model = settings(4, Cell::Rnn).init_with(3, &mut rng(), &device);
        let opening = |seed| {
            let sampler = Sampler::new(Sampling::default(), seed).unwrap().forbid(Some(1));
            model.generate(&[], None, sampler).next().unwrap().unwrap()
        };
        let mut openings: Vec<u32> = (0..30).map(opening).collect();
        openings.sort_unstable();
        openings.dedup();
        assert_eq!(openings, [0, 2]);
    }
}

#[rstest]
#[case::one_hot(0, false)]
#[case::embedded(6, false)]
#[case::tied(8, true)]
#[case::projected(6, true)]
fn transferred_weights_speak_of_the_same_symbols(#[case] embedding: usize, #[case] tied: bool) {
    for device in devices() {
        let settings = CharLmSettings { embedding, tied, ..with_layers(2, settings(8, Cell::Lstm)) };
        let old = settings.init_with(4, &mut rng(), &device);
        // The new text has the old symbols 2, 0 and 3 as its 0, 2 and 3, and a symbol 1 of its own.
        let known = [Some(2), None, Some(0), Some(3)];
        let new = settings.init_with(4, &mut ChaCha8Rng::seed_from_u64(9), &device);
        let new = new.with_weights_of(&old, &known).unwrap();
        let (old, _) = old.forward(tokens([[2, 0, 0, 3]], &device), None);
        let (new, _) = new.forward(tokens([[0, 2, 2, 3]], &device), None);
        let (old, new) = (values(old), values(new));
        for t in 0..4 {
            // Symbol 1 takes its share of the probability; the odds of the others are what they were.
            let odds = |values: &[f32], a: usize, b: usize| values[t * 4 + a] - values[t * 4 + b];
            assert!((odds(&old, 2, 0) - odds(&new, 0, 2)).abs() < 1e-5);
            assert!((odds(&old, 3, 0) - odds(&new, 3, 2)).abs() < 1e-5);
        }
    }
}

#[test]
fn transfer_from_another_width_names_the_parameter() {
    for device in devices() {
        let model = |hidden| settings(hidden, Cell::Gru).init_with(3, &mut rng(), &device);
        let error = model(4).with_weights_of(&model(5), &[Some(0), Some(1), Some(2)]).unwrap_err();
        assert!(matches!(&error, TransferError::Shape { parameter, .. } if parameter.contains("weight")), "{error}");
    }
}

#[test]
#[should_panic(expected = "tied weights need an embedding")]
fn tied_weights_without_an_embedding_are_refused() {
    let device = devices().remove(0);
    let settings = CharLmSettings { embedding: 0, tied: true, ..settings(4, Cell::Gru) };
    settings.init_with(3, &mut rng(), &device);
}

/// Sizes that fill no vector, and a vocabulary too large to be projected whole.
#[rstest]
#[case::one_hot(7, 5, 0, false)]
#[case::embedded(7, 17, 6, false)]
#[case::many_symbols(1100, 17, 3, false)]
#[case::tied(9, 100, 100, true)]
#[case::projected(9, 100, 60, true)]
#[case::one_hidden_number(3, 1, 0, false)]
fn prepared_weights_continue_as_tensor_operations_do(
    #[case] vocabulary: usize,
    #[case] hidden: usize,
    #[case] embedding: usize,
    #[case] tied: bool,
    #[values(Cell::Rnn, Cell::RnnRelu, Cell::Lstm, Cell::Gru)] cell: Cell,
    #[values(1, 2)] layers: usize,
) {
    for device in cpus() {
        let settings = CharLmSettings { embedding, tied, ..with_layers(layers, settings(hidden, cell)) };
        let model = settings.init_with(vocabulary, &mut rng(), &device);
        let text = [2, 0, 1, 1, 2];
        let (_, state) = model.forward(tokens([[1, 2, 0]], &device), None);
        let mut prepared = Prepared::new(&model, Some(&state)).expect("native code covers the model");
        let scores = prepared.read(&text[..4], text[4]).to_vec();
        let shown = tokens([text.map(|s| s as i32)], &device);
        let (wanted, _) = model.forward(shown, Some(state.clone()));
        let wanted = &values(wanted)[4 * vocabulary..];
        let constant = scores[0] - wanted[0];
        for (seen, wanted) in scores.iter().zip(wanted) {
            // Sums of up to 100 products below 1, taken in another order, and the logarithm of a sum.
            assert!((seen - constant - wanted).abs() < 2e-5, "{cell}: {seen} - {constant} for {wanted}");
        }
        for sampling in [GREEDY, Sampling::default()] {
            let sampler = Sampler::new(sampling, 4).unwrap();
            let one: Vec<_> =
                Generator::general(&model, &text, Some(state.clone()), sampler.clone()).take(12).collect();
            let two: Vec<_> = model.generate(&text, Some(state.clone()), sampler).take(12).collect();
            assert_eq!(one, two, "{cell} at {sampling:?}");
        }
    }
}

#[test]
fn variants_and_training_devices_keep_the_tensor_operations() {
    for device in devices() {
        let variant = settings(5, Cell::PeepholeLstm).init_with(4, &mut rng(), &device);
        assert!(Prepared::new(&variant, None).is_none());
        let training = settings(5, Cell::Lstm).init_with(4, &mut rng(), &device.autodiff());
        assert!(Prepared::new(&training, None).is_none());
    }
}

/// Probabilities of the token after a text, which the generator reads token by token.
fn shown(mut generator: Generator<'_>) -> Vec<f32> {
    let mut steps = 0;
    while generator.read_prime() {
        steps += 1;
    }
    assert_eq!(steps, 3, "all but the last token of the text");
    let exponentials: Vec<f32> = generator.advance().unwrap().logits.unwrap().iter().map(|logit| logit.exp()).collect();
    let sum: f32 = exponentials.iter().sum();
    exponentials.iter().map(|exponential| exponential / sum).collect()
}

#[test]
fn models_that_write_together_show_the_mean_of_their_probabilities() {
    for device in devices() {
        // On a CPU, native code reads the first one and tensor operations read the second one.
        let one = settings(5, Cell::Lstm).init_with(4, &mut rng(), &device);
        let other = settings(3, Cell::PeepholeLstm).init_with(4, &mut rng(), &device);
        let (text, sampler) = ([2, 0, 1, 3], Sampler::new(Sampling::default(), 4).unwrap());
        let [first, second] = [&one, &other].map(|model| shown(model.generate(&text, None, sampler.clone())));
        let both = shown(CharLm::generate_together(&[&one, &other], &text, sampler));
        for ((both, first), second) in both.iter().zip(first).zip(second) {
            // Sums of 4 probabilities, rounded.
            assert!((both - (first + second) / 2.0).abs() < 1e-6, "{both} for {first} and {second}");
        }
    }
}

#[test]
fn no_tokens_give_no_predictions_and_leave_the_state() {
    for device in cpus() {
        for (shape, cell) in [([2, 0], Cell::Lstm), ([0, 3], Cell::Gru), ([2, 0], Cell::Rnn)] {
            let [batch, time] = shape;
            let model =
                with_layers(2, CharLmSettings { embedding: 3, ..settings(4, cell) }).init_with(5, &mut rng(), &device);
            let (log_probs, _) = model.forward(Tensor::zeros([batch, time], &device), None);
            assert_eq!(log_probs.dims(), [batch, time, 5], "{cell}");
        }
    }
}
