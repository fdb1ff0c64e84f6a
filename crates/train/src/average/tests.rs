use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;
use rekindle_settings::Settings;
use rekindle_testing::{Numbers, assert_close};
use rstest::rstest;

use super::*;

/// Thirty models of the same shape with other weights.
fn models() -> Vec<Linear> {
    let device = Device::flex();
    let config = LinearConfig::new(3, 4);
    let mut numbers = Numbers::new(1);
    let draw = |_| {
        let mut model = config.init(&device);
        model.weight = model.weight.map(|w| numbers.normal(w.dims(), 0.0, 1.0, &device));
        model.bias = model.bias.map(|bias| bias.map(|b| numbers.uniform(b.dims(), 0.0..1.0, &device)));
        model
    };
    (0..30).map(draw).collect()
}

fn numbers(model: &Linear) -> Vec<f64> {
    values(model).into_iter().flat_map(|v| v.into_data().iter::<f64>().collect::<Vec<_>>()).collect()
}

fn averaged(settings: AverageSettings, models: &[Linear]) -> Average {
    let mut average = Average::new(settings);
    (1..).zip(models).for_each(|(step, model)| average.observe(step, model));
    average
}

fn assert_mean(seen: &[f64], wanted: &[f64]) {
    // Thirty sums of single precision.
    assert_close("mean", seen, wanted, 2e-6);
}

#[rstest]
#[case(1, 1, 0..30)]
#[case(11, 1, 10..30)]
#[case(11, 5, 14..30)]
fn the_mean_from_a_step_on_is_that_of_all_weights_that_it_saw(
    #[case] from: u64,
    #[case] every: usize,
    #[case] seen: std::ops::Range<usize>,
) {
    let models = models();
    let settings = AverageSettings { average_from: Some(from), average_every: every as u64, ..Default::default() };
    let average = averaged(settings, &models);
    let seen: Vec<_> = models[seen].iter().step_by(every).map(numbers).collect();
    let mean = (0..16).map(|i| seen.iter().map(|values| values[i]).sum::<f64>() / seen.len() as f64);
    assert_eq!(average.count(), seen.len() as u64);
    assert_mean(&numbers(&average.of(models[0].clone())), &mean.collect::<Vec<_>>());
}

#[test]
fn the_exponential_mean_has_its_closed_form() {
    let (models, decay) = (models(), 0.6);
    let average = averaged(AverageSettings { ema: Some(decay), ..Default::default() }, &models);
    let shares: Vec<f64> = (1..=30).map(|n| (1.0 - decay).max(9.0 / (f64::from(n) + 8.0))).collect();
    // From the 15th on, the share is that of the decay; before, the first weights are forgotten sooner.
    assert!(shares[13] > 0.4 + 1e-9 && shares[14] == 0.4 && shares[0] == 1.0, "{shares:?}");
    let weights: Vec<_> = models.iter().map(numbers).collect();
    let of = |i: usize| {
        // Each weight is discounted by all shares after its own.
        (0..30).map(|n| shares[n] * shares[n + 1..].iter().map(|s| 1.0 - s).product::<f64>() * weights[n][i]).sum()
    };
    assert_mean(&numbers(&average.of(models[0].clone())), &(0..16).map(of).collect::<Vec<f64>>());
}

#[test]
fn the_mean_waits_for_fruitless_evaluations() {
    let models = models();
    let mut average = averaged(AverageSettings { average_wait: Some(3), ..Default::default() }, &models);
    assert_eq!(average.count(), 0);
    assert_eq!(numbers(&average.of(models[4].clone())), numbers(&models[4]));
    assert!(!average.start(2, &models[5]) && average.start(3, &models[6]) && !average.start(4, &models[7]));
    average.observe(31, &models[8]);
    assert_eq!(average.count(), 2);
    let [a, b] = [6, 8].map(|i| numbers(&models[i]));
    assert_mean(
        &numbers(&average.of(models[0].clone())),
        &a.iter().zip(&b).map(|(a, b)| (a + b) / 2.0).collect::<Vec<_>>(),
    );
}

#[test]
fn a_mean_of_both_kinds_is_refused() {
    let both = AverageSettings { ema: Some(0.9), average_from: Some(7), ..Default::default() };
    assert_eq!(
        both.validate().unwrap_err().to_string(),
        "--average-from 7: must be left out with --ema, or --ema left out"
    );
}
