use super::*;
use proptest::prelude::*;
use rstest::rstest;

fn frequencies(sampling: Sampling, log_probs: &[f32], draws: usize) -> Vec<f32> {
    let mut sampler = Sampler::new(sampling, 1).unwrap();
    let mut counts = vec![0.0; log_probs.len()];
    for _ in 0..draws {
        counts[sampler.sample(log_probs).unwrap() as usize] += 1.0 / draws as f32;
    }
    counts
}

fn logs(probabilities: &[f32]) -> Vec<f32> {
    probabilities.iter().map(|p| p.ln()).collect()
}

// With 20,000 draws the standard error of a frequency is below 0.0036: 0.015 is four of them.
const DRAWS: usize = 20_000;
const TOLERANCE: f32 = 0.015;

#[rstest]
#[case::as_the_model_says(Sampling::default(), [0.5, 0.3, 0.15, 0.05])]
#[case::half_the_temperature_squares(
    Sampling { temperature: 0.5, ..Sampling::default() }, [0.684_93, 0.246_58, 0.061_64, 0.006_85])]
#[case::top_two(Sampling { top_k: Some(2), ..Sampling::default() }, [0.625, 0.375, 0.0, 0.0])]
#[case::top_k_beyond_all(Sampling { top_k: Some(9), ..Sampling::default() }, [0.5, 0.3, 0.15, 0.05])]
#[case::nucleus(Sampling { top_p: Some(0.7), ..Sampling::default() }, [0.625, 0.375, 0.0, 0.0])]
#[case::nucleus_of_one(Sampling { top_p: Some(0.01), ..Sampling::default() }, [1.0, 0.0, 0.0, 0.0])]
#[case::whole_nucleus(Sampling { top_p: Some(1.0), ..Sampling::default() }, [0.5, 0.3, 0.15, 0.05])]
#[case::greedy(Sampling { temperature: 0.0, ..Sampling::default() }, [1.0, 0.0, 0.0, 0.0])]
fn symbols_come_as_often_as_their_probability(#[case] sampling: Sampling, #[case] expected: [f32; 4]) {
    let seen = frequencies(sampling, &logs(&[0.5, 0.3, 0.15, 0.05]), DRAWS);
    for (seen, expected) in seen.iter().zip(expected) {
        assert!((seen - expected).abs() < TOLERANCE, "{seen} for {expected}");
    }
}

#[test]
fn a_forbidden_symbol_never_comes() {
    let mut sampler = Sampler::new(Sampling::default(), 3).unwrap().forbid(Some(0));
    let log_probs = logs(&[0.9, 0.1]);
    assert!((0..100).all(|_| sampler.sample(&log_probs) == Ok(1)));
    assert!((0..100).all(|_| sampler.uniform(2) == 1));
}

#[rstest]
#[case::nan(&[f32::NAN, f32::NAN])]
#[case::one_nan(&[0.0, f32::NAN])]
#[case::infinity(&[0.0, f32::INFINITY])]
#[case::no_token(&[])]
#[case::the_forbidden_one_alone(&[0.0, f32::NEG_INFINITY])]
fn without_a_distribution_nothing_is_drawn(#[case] log_probs: &[f32], #[values(0.0, 1.0)] temperature: f32) {
    let sampling = Sampling { temperature, ..Sampling::default() };
    let mut sampler = Sampler::new(sampling, 3).unwrap().forbid(Some(0));
    assert_eq!(sampler.sample(log_probs), Err(NothingToDraw));
}

#[rstest]
#[case(Sampling { temperature: -0.1, ..Sampling::default() }, "temperature -0.1")]
#[case(Sampling { temperature: f32::NAN, ..Sampling::default() }, "temperature NaN")]
#[case(Sampling { top_k: Some(0), ..Sampling::default() }, "top-k 0")]
#[case(Sampling { top_p: Some(0.0), ..Sampling::default() }, "top-p 0")]
#[case(Sampling { top_p: Some(1.5), ..Sampling::default() }, "top-p 1.5")]
fn settings_without_meaning_are_refused(#[case] sampling: Sampling, #[case] named: &str) {
    let error = Sampler::new(sampling, 0).unwrap_err().to_string();
    assert!(error.contains(named), "{error}");
}

proptest! {
    #[test]
    fn the_same_seed_draws_the_same_symbols(
        log_probs in prop::collection::vec(-20.0f32..0.0, 1..40),
        temperature in 0.0f32..3.0,
        top_k in prop::option::of(1usize..50),
        top_p in prop::option::of(0.01f32..=1.0),
        seed: u64,
    ) {
        let sampling = Sampling { temperature, top_k, top_p };
        let mut one = Sampler::new(sampling, seed).unwrap();
        let mut two = Sampler::new(sampling, seed).unwrap();
        for _ in 0..20 {
            let symbol = one.sample(&log_probs).unwrap();
            prop_assert!((symbol as usize) < log_probs.len());
            prop_assert_eq!(Ok(symbol), two.sample(&log_probs));
        }
    }
}
