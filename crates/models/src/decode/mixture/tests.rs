use rekindle_testing::{Numbers, assert_close, devices};

use super::*;
use crate::decode::{Search, Symbols, search};
use crate::host::values;
use crate::translator::{TranslatorSettings, TranslatorSizes};

/// The mean of probabilities, in double precision.
fn by_hand(logits: &[Vec<f32>], width: usize) -> Vec<f64> {
    let mut mean = vec![0.0; logits[0].len()];
    for logits in logits {
        for (mean, logits) in mean.chunks_mut(width).zip(logits.chunks(width)) {
            let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
            mean.iter_mut().zip(logits).for_each(|(mean, &logit)| *mean += f64::from(logit).exp() / sum);
        }
    }
    mean.iter().map(|mean| (mean / logits.len() as f64).ln()).collect()
}

#[test]
fn probabilities_are_averaged_on_the_host_and_on_the_device() {
    for device in devices() {
        let mut numbers = Numbers::new(1);
        let logits: Vec<Tensor<2>> = (0..3).map(|_| numbers.normal([4, 5], 0.0, 3.0, &device)).collect();
        let host: Vec<Vec<f32>> = logits.iter().cloned().map(values).collect();
        let wanted = by_hand(&host, 5);
        let mut mixed = Vec::new();
        mix_rows(&host.iter().map(Vec::as_slice).collect::<Vec<_>>(), 5, &mut mixed);
        for found in [mixed, values(mixture(logits.clone()))] {
            let found: Vec<f64> = found.into_iter().map(f64::from).collect();
            assert_close(&format!("log-probabilities, {device:?}"), &found, &wanted, 2e-6);
        }
        assert_eq!(values(mixture(vec![logits[0].clone()])), host[0]);
    }
}

#[test]
fn an_impossible_outcome_of_all_models_stays_finite() {
    let (mut mixed, logits) = (Vec::new(), [0.0, -1e30]);
    mix_rows(&[&logits, &logits], 2, &mut mixed);
    assert!(mixed[0].abs() < 1e-6 && mixed[1] < -80.0 && mixed[1].is_finite(), "{mixed:?}");
}

/// A model together with itself writes what it writes alone; and the beam's log-probability is that of the mixture.
#[test]
fn translators_search_together() {
    for device in devices() {
        let mut settings = TranslatorSettings { embedding: 6, ..Default::default() };
        settings.recurrent.hidden = 8;
        let model = |seed: u64| {
            use rand::SeedableRng;
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            settings.init_with(&TranslatorSizes::new(9, 11), &mut rng, &device)
        };
        let [one, other] = [model(1), model(2)];
        let sources: [&[u32]; 3] = [&[4, 5, 6], &[7], &[8, 4]];
        let how = Search { beam: 3, max_length: 6, coverage: 0.2, ..Search::default() };
        let alone = one.translate(&sources, &[0, 1], &how).unwrap();
        let twice = [one.clone(), one.clone()];
        let same =
            crate::translator::PreparedTranslator::together(&[&one, &one]).translate(&sources, &[0, 1], &how).unwrap();
        let state = || TogetherState::new(twice.iter().map(|model| model.first_state(&sources)).collect());
        let symbols = Symbols { start: 2, end: 3, forbidden: vec![0, 1] };
        let general = search(&Together(&twice), state(), 3, &symbols, &how).unwrap();
        for (alone, both) in [(&alone, &same), (&alone, &general)] {
            for (alone, both) in alone.iter().flatten().zip(both.iter().flatten()) {
                assert_eq!(alone.symbols, both.symbols, "{device:?}");
                assert!((alone.log_prob - both.log_prob).abs() < 1e-4 && (alone.score - both.score).abs() < 1e-4);
            }
        }
        let both = crate::translator::PreparedTranslator::together(&[&one, &other]);
        let best = both.translate(&sources[..1], &[0, 1], &how).unwrap().remove(0).remove(0);
        let forced =
            crate::translator::Translator::score_together(&[&one, &other], &sources[..1], &[&best.symbols]).unwrap();
        // Cut off at the maximum length, a hypothesis has no end.
        if best.ended {
            assert!((forced.log_prob - best.log_prob).abs() < 1e-4, "{device:?}: {forced:?} and {best:?}");
        }
    }
}
