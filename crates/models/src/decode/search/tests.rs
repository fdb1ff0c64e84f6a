use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, TensorData};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use rekindle_testing::devices;

const END: u32 = 1;
const WIDTH: usize = 4;

/// A model whose next symbol depends on all before it, by numbers drawn for each beginning.
struct Drawn {
    device: Device,
}

impl Drawn {
    /// Log-probabilities after a beginning, the start included.
    fn log_probs(&self, seed: u64, beginning: &[u32]) -> Vec<f32> {
        let place = beginning.iter().fold(seed, |place, &symbol| place * WIDTH as u64 + u64::from(symbol) + 1);
        let mut rng = ChaCha8Rng::seed_from_u64(place);
        let logits: Vec<f32> = (0..WIDTH).map(|_| rng.random_range(-3.0..3.0)).collect();
        numbers(log_softmax(Tensor::<2>::from_data(TensorData::new(logits, [1, WIDTH]), &self.device), 1)).unwrap()
    }

    /// Every sequence of up to `left` more symbols, with the logarithm of its probability.
    fn all(&self, seed: u64, beginning: &[u32], left: usize) -> Vec<(Vec<u32>, f64)> {
        let log_probs = self.log_probs(seed, beginning);
        let mut found = vec![(Vec::new(), f64::from(log_probs[END as usize]))];
        if left == 0 {
            // The greatest length cuts it off, and its end costs nothing.
            return vec![(Vec::new(), 0.0)];
        }
        for symbol in 2..WIDTH as u32 {
            let further = self.all(seed, &[beginning, &[symbol]].concat(), left - 1);
            found.extend(further.into_iter().map(|(symbols, log_prob)| {
                ([&[symbol], &symbols[..]].concat(), log_prob + f64::from(log_probs[symbol as usize]))
            }));
        }
        found
    }
}

impl StepDecoder for Drawn {
    /// The seed of each row's input, and what the row has read.
    type State = Vec<(u64, Vec<u32>)>;

    fn step<'s>(&self, symbols: &[u32], state: &'s mut Self::State) -> Step<'s> {
        state.iter_mut().zip(symbols).for_each(|((_, read), &symbol)| read.push(symbol));
        let log_probs: Vec<f32> = state.iter().flat_map(|(seed, read)| self.log_probs(*seed, read)).collect();
        let log_probs = Tensor::from_data(TensorData::new(log_probs, [state.len(), WIDTH]), &self.device);
        Step { logits: StepRows::Device(log_probs), attention: None }
    }

    fn select_rows(&self, state: &mut Self::State, rows: &[usize]) {
        *state = rows.iter().map(|&row| state[row].clone()).collect();
    }
}

fn found(model: &Drawn, seeds: &[u64], settings: &Search) -> Vec<Vec<Hypothesis>> {
    let symbols = Symbols { start: 0, end: END, forbidden: Vec::new() };
    search(model, seeds.iter().map(|&seed| (seed, Vec::new())).collect(), seeds.len(), &symbols, settings).unwrap()
}

proptest! {
    #[test]
    fn a_beam_of_one_is_greedy(seed in 0..1000_u64, max_length in 1..6_usize) {
        for device in devices() {
            let model = Drawn { device };
            let ours = &found(&model, &[seed], &Search { max_length, ..Search::default() })[0];
            let mut written = vec![0];
            while written.len() <= max_length {
                let log_probs = model.log_probs(seed, &written);
                let best = (1..WIDTH).max_by(|&a, &b| log_probs[a].total_cmp(&log_probs[b])).unwrap() as u32;
                if best == END {
                    break;
                }
                written.push(best);
            }
            prop_assert_eq!(ours.len(), 1);
            prop_assert_eq!(&ours[0].symbols[..], &written[1..]);
        }
    }

    #[test]
    fn a_beam_of_everything_finds_the_likeliest_of_all(seed in 0..1000_u64, max_length in 1..4_usize) {
        for device in devices() {
            let model = Drawn { device };
            let settings = Search { beam: 100, length_normalization: 0.0, max_length, ..Search::default() };
            let ours = &found(&model, &[seed], &settings)[0];
            let mut all = model.all(seed, &[0], max_length);
            all.sort_by(|a, b| b.1.total_cmp(&a.1));
            prop_assert_eq!(ours.len(), all.len());
            for (ours, (symbols, log_prob)) in ours.iter().zip(&all) {
                // The model's numbers are normalised to single precision, 1e-7 at each of a few steps.
                prop_assert!((ours.log_prob - log_prob).abs() < 1e-6, "{ours:?} and {symbols:?}, {log_prob}");
            }
            prop_assert_eq!(&ours[0].symbols, &all[0].0);
        }
    }

    #[test]
    fn scores_are_those_of_the_written_symbols(seed in 0..1000_u64, beam in 1..6_usize, normalization in 0.0..2.0_f64) {
        for device in devices() {
            let model = Drawn { device };
            let settings =
                Search { beam, length_normalization: normalization, max_length: 5, ..Search::default() };
            for hypothesis in &found(&model, &[seed], &settings)[0] {
                let mut written = vec![0];
                let mut log_prob = 0.0;
                for &symbol in hypothesis.symbols.iter().chain(hypothesis.ended.then_some(&END)) {
                    log_prob += f64::from(model.log_probs(seed, &written)[symbol as usize]);
                    written.push(symbol);
                }
                // As above.
                prop_assert!((hypothesis.log_prob - log_prob).abs() < 1e-6);
                let length = (written.len() - 1).max(1) as f64;
                prop_assert!((hypothesis.score - log_prob / length.powf(normalization)).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn inputs_side_by_side_are_searched_as_alone(seeds in prop::collection::vec(0..1000_u64, 1..6), beam in 1..5_usize) {
        for device in devices() {
            let model = Drawn { device };
            let settings = Search { beam, max_length: 6, no_repeat: 2, ..Search::default() };
            let together = found(&model, &seeds, &settings);
            for (seed, together) in seeds.iter().zip(together) {
                prop_assert_eq!(&found(&model, &[*seed], &settings)[0], &together);
            }
        }
    }
}

#[test]
fn a_wider_beam_finds_likelier_sequences_on_the_whole() {
    for device in devices() {
        let model = Drawn { device };
        let seeds: Vec<u64> = (0..200).collect();
        let sum = |beam| {
            let settings = Search { beam, length_normalization: 0.0, max_length: 8, ..Search::default() };
            found(&model, &seeds, &settings).iter().map(|best| best[0].log_prob).sum::<f64>()
        };
        let sums = [1, 2, 4, 8].map(sum);
        assert!(sums.is_sorted(), "{sums:?}");
    }
}

/// A model that is sure of one sequence of ten symbols, and of nothing at all where it left that.
struct Sure(Device);

impl Sure {
    const LENGTH: usize = 10;
}

impl StepDecoder for Sure {
    /// What each row has read.
    type State = Vec<Vec<u32>>;

    fn step<'s>(&self, symbols: &[u32], state: &'s mut Self::State) -> Step<'s> {
        state.iter_mut().zip(symbols).for_each(|(read, &symbol)| read.push(symbol));
        let logits = state.iter().flat_map(|read| {
            let next = if read.len() <= Self::LENGTH { 2 } else { END };
            let sure = if read[1..].iter().all(|&symbol| symbol == 2) { 6.0 } else { 0.0 };
            (0..WIDTH as u32).map(move |symbol| if symbol == next { sure } else { 0.0 })
        });
        let logits: Vec<f32> = logits.collect();
        let logits = Tensor::from_data(TensorData::new(logits, [state.len(), WIDTH]), &self.0);
        Step { logits: StepRows::Device(logits), attention: None }
    }

    fn select_rows(&self, state: &mut Self::State, rows: &[usize]) {
        *state = rows.iter().map(|&row| state[row].clone()).collect();
    }
}

#[test]
fn unlikely_short_sequences_do_not_end_the_search_of_a_likely_long_one() {
    for (device, beam) in devices().into_iter().flat_map(|device| (1..8).map(move |beam| (device.clone(), beam))) {
        for length_normalization in [0.0, 1.0] {
            let settings = Search { beam, length_normalization, ..Search::default() };
            let symbols = Symbols { start: 0, end: END, forbidden: Vec::new() };
            let found = search(&Sure(device.clone()), vec![Vec::new()], 1, &symbols, &settings).unwrap();
            assert_eq!(found[0][0].symbols, [2; Sure::LENGTH], "beam {beam}");
            assert_eq!(found[0].len(), beam);
        }
    }
}
