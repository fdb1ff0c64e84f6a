mod pytorch;
mod transfer;

use burn::module::Module as _;
use burn::tensor::Device;
use burn::tensor::activation::log_softmax;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle_kernels::rows::Lines;
use rekindle_rnn::Cell;
use rekindle_weights::StateDict;
use rstest::rstest;

use super::*;
use crate::decode::{Sampling, Search, StepDecoder, Symbols, sample, search};
use crate::settings::by_hand::{BOTH, check, penalty, states};
use rekindle_testing::devices;

fn model(cell: Cell, attention: AttentionKind, smoothing: f64, device: &Device) -> Translator {
    build(&settings(cell, attention, smoothing), device)
}

/// Of twelve and eleven words.
fn build(settings: &TranslatorSettings, device: &Device) -> Translator {
    settings.init_with(&TranslatorSizes::new(12, 11), &mut ChaCha8Rng::seed_from_u64(7), device)
}

fn settings(cell: Cell, attention: AttentionKind, smoothing: f64) -> TranslatorSettings {
    TranslatorSettings {
        recurrent: RecurrentSettings { cell, layers: 2, hidden: 8, ..RecurrentSettings::default() },
        embedding: 6,
        attention,
        label_smoothing: smoothing,
        tied: cell == Cell::Lstm,
        ..TranslatorSettings::default()
    }
}

const SOURCES: [&[u32]; 3] = [&[4, 5, 6, 7, 8], &[9, 10], &[11]];
const TARGETS: [&[u32]; 3] = [&[4, 5, 6], &[7, 8, 9, 10], &[]];

#[rstest]
fn padding_changes_nothing(
    #[values(Cell::Gru, Cell::Lstm)] cell: Cell,
    #[values(AttentionKind::None, AttentionKind::Dot, AttentionKind::General, AttentionKind::Additive)]
    attention: AttentionKind,
) {
    for device in devices() {
        let model = model(cell, attention, 0.1, &device);
        let together = model.score(&SOURCES, &TARGETS).unwrap();
        assert_eq!(together.symbols, 10);
        for (i, log_prob) in together.log_probs.iter().enumerate() {
            let alone = model.score(&SOURCES[i..=i], &TARGETS[i..=i]).unwrap();
            // Products of other shapes add in another order.
            assert!((alone.log_probs[0] - log_prob).abs() < 1e-4, "{i}: {} and {log_prob}", alone.log_probs[0]);
        }
    }
}

/// Each sentence is read alone and step by step, so that no padding is in the penalties by hand.
#[rstest]
fn the_loss_has_the_penalties_of_the_encoder_and_of_the_decoder(
    #[values(Cell::Gru, Cell::Lstm)] cell: Cell,
    #[values(AttentionKind::None, AttentionKind::General)] attention: AttentionKind,
    #[values(false, true)] input_feeding: bool,
) {
    let plain = TranslatorSettings { input_feeding, ..settings(cell, attention, 0.1) };
    let plain = TranslatorSettings { recurrent: RecurrentSettings { dropout: 0.0, ..plain.recurrent }, ..plain };
    let penalized = TranslatorSettings { penalties: BOTH, ..plain.clone() };
    for device in devices() {
        let of = |settings: &TranslatorSettings, device: &Device| {
            build(settings, device).loss(&SOURCES, &TARGETS).into_scalar::<f64>()
        };
        let model = build(&plain, &device);
        let encoded = SOURCES.map(|source| {
            let tokens = ids(source.iter().copied().chain([3]), &device);
            let rows = model.source_embedding.val().select(0, tokens).unsqueeze_dim::<3>(0);
            states(model.encoder.forward(rows, None, None).0)
        });
        let decoded = [0, 1, 2].map(|i| {
            let mut state = model.first_state(&SOURCES[i..=i]);
            let tokens = [2].into_iter().chain(TARGETS[i].iter().copied());
            let hidden = tokens.map(|token| {
                model.step(&[token], &mut state);
                state.recurrent.as_ref().unwrap().layers.last().unwrap().hidden.clone().unsqueeze_dim::<3>(0)
            });
            states(Tensor::cat(hidden.collect(), 1))
        });
        let wanted = penalty(&encoded, &BOTH) + penalty(&decoded, &BOTH);
        assert!(wanted > 0.01, "{wanted}");
        // A difference of two losses near 2.4 in single precision.
        check(of, [&plain, &penalized], &device, wanted, 3e-6);
    }
}

/// Weights come from a model with other settings of training, whose dropout stays behind.
#[test]
fn weights_are_taken_from_a_model_of_the_same_shape_only() {
    for device in devices() {
        let device = device.autodiff();
        let plain = settings(Cell::Gru, AttentionKind::General, 0.1);
        let plain = TranslatorSettings { recurrent: RecurrentSettings { dropout: 0.0, ..plain.recurrent }, ..plain };
        let dropped = TranslatorSettings {
            recurrent: RecurrentSettings {
                dropout: 0.5,
                locked_output: 0.3,
                weight_drop: 0.4,
                ..plain.recurrent.clone()
            },
            token_dropout: 0.2,
            penalties: BOTH,
            ..plain.clone()
        };
        let draw = |settings: &TranslatorSettings, seed| {
            settings.init_with(&TranslatorSizes::new(12, 11), &mut ChaCha8Rng::seed_from_u64(seed), &device)
        };
        for (here, there) in [(&plain, &dropped), (&dropped, &plain)] {
            let moved = draw(here, 1).with_weights_of(&draw(there, 2)).unwrap();
            assert_eq!(moved.state_dict(), draw(there, 2).state_dict());
            let drops = |model: &Translator| {
                let stacks = [&model.encoder, &model.decoder].map(|stack| (stack.dropout.prob, stack.regularization));
                (stacks, model.dropout.prob, model.token_dropout, model.penalties)
            };
            assert_eq!(drops(&moved), drops(&draw(here, 1)));
            assert_ne!(drops(&moved), drops(&draw(there, 2)));
        }
        let other = |change: fn(&mut TranslatorSettings)| {
            let mut settings = plain.clone();
            change(&mut settings);
            let error = draw(&settings, 1).with_weights_of(&draw(&plain, 2)).unwrap_err();
            error.to_string()
        };
        assert!(other(|settings| settings.recurrent.hidden = 10).contains("must be the same"));
        assert!(other(|settings| settings.attention = AttentionKind::Dot).contains("attention.query"));
        assert!(other(|settings| settings.tied = true).contains("output"));
        assert!(other(|settings| settings.recurrent.cell = Cell::Lstm).contains("the cell lstm"));
    }
}

/// The loss by its definition, with autodiff through everything.
#[rstest]
fn the_loss_and_its_gradients_are_those_of_the_definition(#[values(0.0, 0.1)] smoothing: f64) {
    for device in devices() {
        let device = device.autodiff();
        let model = model(Cell::Gru, AttentionKind::General, smoothing, &device);
        let targets = model.targets(&TARGETS);
        let (outputs, _) = model.forced_outputs(&model.encode(&SOURCES), &targets);
        let log_probs = log_softmax(model.logits(outputs), 1);
        let wanted = targets.wanted.unsqueeze_dim(1);
        let nll = log_probs.clone().gather(1, wanted).mean().neg() * (1.0 - smoothing);
        let plain = nll - log_probs.mean() * smoothing;
        let fast = model.loss(&SOURCES, &TARGETS);
        let [a, b] = [plain.clone(), fast.clone()].map(|loss| loss.into_scalar::<f32>());
        assert!((a - b).abs() < 1e-5, "{a} and {b}");
        let [plain, fast] = [plain.backward(), fast.backward()];
        for weight in [model.output.as_ref().unwrap(), &model.source_embedding, &model.target_embedding] {
            let [a, b] = [&plain, &fast].map(|gradients| weight.grad(gradients).unwrap());
            // Rounding of single precision, of gradients up to about 0.1.
            let apart = (a - b).abs().max().into_scalar::<f32>();
            assert!(apart < 1e-6, "{apart}");
        }
    }
}

#[rstest]
fn scores_are_those_of_a_forced_rescore(
    #[values(AttentionKind::None, AttentionKind::Additive, AttentionKind::General)] attention: AttentionKind,
    #[values(1, 3)] beam: usize,
    #[values(false, true)] input_feeding: bool,
) {
    for device in devices() {
        let model = build(&TranslatorSettings { input_feeding, ..settings(Cell::Gru, attention, 0.0) }, &device);
        let settings = Search { beam, max_length: 9, ..Search::default() };
        let found = model.translate(&SOURCES, &[0, 1], &settings).unwrap();
        for (source, hypotheses) in SOURCES.iter().zip(&found) {
            assert!(!hypotheses.is_empty() && hypotheses.len() <= beam);
            assert!(hypotheses.is_sorted_by(|a, b| a.score >= b.score));
            for hypothesis in hypotheses.iter().filter(|hypothesis| hypothesis.ended) {
                let forced = model.score(&[source], &[&hypothesis.symbols]).unwrap().log_probs[0];
                assert!((forced - hypothesis.log_prob).abs() < 1e-4, "{forced} and {}", hypothesis.log_prob);
            }
        }
    }
}

#[test]
fn a_beam_of_one_takes_the_likeliest_symbol_each_time() {
    for device in devices() {
        let model = model(Cell::Gru, AttentionKind::General, 0.0, &device);
        let found = model.translate(&SOURCES, &[0, 1], &Search { max_length: 7, ..Search::default() }).unwrap();
        let symbols = Symbols { start: 2, end: 3, forbidden: vec![0, 1] };
        let greedy = Sampling { temperature: 0.0, ..Sampling::default() };
        let drawn = sample(&model, model.first_state(&SOURCES), 3, &symbols, 7, greedy, 1).unwrap();
        for (found, drawn) in found.iter().zip(&drawn) {
            assert_eq!(found[0].symbols, drawn.symbols);
            assert_eq!(found[0].ended, drawn.ended);
        }
    }
}

/// Sources of several lengths, more than threads have to themselves, and not in the order of their lengths.
fn many_sources(seed: u64) -> Vec<Vec<u32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut source = || (0..rng.random_range(1..9)).map(|_| rng.random_range(4..12)).collect();
    (0..23).map(|_| source()).collect()
}

#[rstest]
fn a_prepared_model_writes_what_the_plain_one_writes(
    #[values(Cell::Gru, Cell::Lstm, Cell::Rnn, Cell::PeepholeLstm)] cell: Cell,
    #[values(AttentionKind::None, AttentionKind::Dot, AttentionKind::General, AttentionKind::Additive)]
    attention: AttentionKind,
    #[values(1, 3, 7)] beam: usize,
) {
    for device in devices() {
        let model = model(cell, attention, 0.0, &device);
        let settings = Search { beam, max_length: 9, coverage: 0.3, ..Search::default() };
        let symbols = Symbols { start: 2, end: 3, forbidden: vec![0, 1] };
        let prepared = model.prepared();
        let sources = many_sources(beam as u64);
        let sources: Vec<&[u32]> = sources.iter().map(Vec::as_slice).collect();
        for count in [1, 3, 23] {
            let sources = &sources[..count];
            let found = prepared.translate(sources, &[0, 1], &settings).unwrap();
            let wanted = search(&model, model.first_state(sources), count, &symbols, &settings).unwrap();
            assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().flatten().zip(wanted.iter().flatten()) {
                assert_eq!(found.symbols, wanted.symbols, "{cell} {attention}");
                // Sums in another order.
                assert!((found.score - wanted.score).abs() < 1e-4, "{found:?} and {wanted:?}");
            }
            assert_eq!(found, model.translate(sources, &[0, 1], &settings).unwrap());
        }
    }
}

#[test]
fn rules_of_the_search_are_kept() {
    for device in devices() {
        let model = model(Cell::Gru, AttentionKind::General, 0.0, &device);
        let settings =
            Search { beam: 3, min_length: 4, max_length: 6, no_repeat: 2, coverage: 0.2, ..Search::default() };
        let sources = [SOURCES[0], &[], SOURCES[1]];
        let found = model.translate(&sources, &[0, 1], &settings).unwrap();
        assert!(found[1][0].symbols.is_empty(), "nothing in, nothing out");
        for hypothesis in found[0].iter().chain(&found[2]) {
            let symbols = &hypothesis.symbols;
            assert!((4..=6).contains(&symbols.len()) && symbols.iter().all(|&symbol| symbol > 3), "{symbols:?}");
            let pairs: Vec<&[u32]> = symbols.windows(2).collect();
            assert!((1..pairs.len()).all(|i| !pairs[..i].contains(&pairs[i])), "{symbols:?}");
        }
        for broken in [
            Search { beam: 0, ..Search::default() },
            Search { max_length: 0, ..Search::default() },
            Search { length_normalization: f64::NAN, ..Search::default() },
        ] {
            assert!(model.translate(&sources, &[], &broken).is_err());
        }
    }
}

#[test]
fn attention_is_a_distribution_over_the_source() {
    for device in devices() {
        let with = model(Cell::Gru, AttentionKind::Additive, 0.0, &device);
        let table = with.alignment(SOURCES[0], TARGETS[0]).unwrap().unwrap();
        assert_eq!((table.len(), table[0].len()), (4, 6));
        // Six numbers of single precision.
        assert!(table.iter().all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5));
        assert!(
            model(Cell::Gru, AttentionKind::None, 0.0, &device).alignment(SOURCES[0], TARGETS[0]).unwrap().is_none()
        );
        assert!(with.num_params() > 0);
    }
}

#[test]
fn what_is_read_with_scheduled_sampling_is_right_or_guessed() {
    for device in devices() {
        let sampled = |share| {
            let settings = settings(Cell::Gru, AttentionKind::General, 0.0);
            let model = build(&TranslatorSettings { scheduled_sampling: share, ..settings }, &device);
            let encoded = model.encode(&SOURCES);
            let tokens = model.targets(&TARGETS).with_predictions(share, |before| model.guesses(&encoded, before)).read;
            let log_probs = model.logits(model.combined(
                model.read(&model.encode(&SOURCES), &model.targets(&TARGETS)).seen.swap_dims(0, 1).reshape([15, 16]),
                Lines::TimeMajor { rows: 3 },
            ));
            let guesses: Vec<i64> = log_probs.argmax(1).into_data().iter().collect();
            (tokens.into_data().iter::<i64>().collect::<Vec<i64>>(), guesses)
        };
        let right = [2, 2, 2, 4, 7, 0, 5, 8, 0, 6, 9, 0, 0, 10, 0];
        assert_eq!(sampled(0.0).0, right);
        let (tokens, guesses) = sampled(1.0);
        assert_eq!(tokens[..3], right[..3], "a start is never guessed");
        assert_eq!(tokens[3..], guesses[..12], "each is guessed from what is right before it");
    }
}

#[test]
fn training_by_input_feeding_and_scheduled_sampling_reaches_every_weight() {
    for device in devices() {
        let device = device.autodiff();
        let settings = settings(Cell::Lstm, AttentionKind::Additive, 0.1);
        let settings = TranslatorSettings { input_feeding: true, scheduled_sampling: 0.5, ..settings };
        let model = build(&settings, &device);
        let gradients = model.loss(&SOURCES, &TARGETS).backward();
        for weight in [&model.source_embedding, &model.target_embedding] {
            assert!(weight.grad(&gradients).unwrap().abs().sum().into_scalar::<f32>() > 0.0);
        }
        assert!(model.combine.weight.grad(&gradients).is_some() && model.bridge[3].weight.grad(&gradients).is_some());
    }
}
