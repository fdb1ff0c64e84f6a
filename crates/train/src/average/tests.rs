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

/// The evaluation, from 0, at which the mean begins.
fn trigger(wait: u64, losses: &[f64]) -> Option<usize> {
    let models = models();
    let mut average = Average::new(AverageSettings { average_wait: Some(wait), ..Default::default() });
    let mut before = Vec::new();
    losses.iter().position(|&loss| average.evaluated(&mut before, loss, &models[0]))
}

/// Algorithm 1 of Merity et al. 2017: at evaluation t > n, if its loss is greater than the least of 0 ..= t - n - 1.
#[rstest]
// Better each time.
#[case(1, &[5.0, 4.0, 3.0, 2.0, 1.0], None)]
// With n = 1, evaluation 2 is compared with 0, 3 with 0 and 1, and so on.
#[case(1, &[5.0, 6.0, 4.0, 4.5, 4.4, 9.0], Some(4))]
// Three worse ones in a row are compared with what came before the best one; the fourth is with the best.
#[case(3, &[10.0, 9.0, 8.0, 8.5, 8.4, 8.3, 8.2], Some(6))]
// The last one but one was the best of all, and still the loss is worse than an old one.
#[case(2, &[7.0, 6.5, 6.8, 5.0, 6.9], Some(4))]
// The same loss is not worse.
#[case(1, &[5.0, 5.0, 5.0, 5.0, 5.1], Some(4))]
// At least n + 1 losses before it.
#[case(3, &[1.0, 2.0, 3.0, 4.0, 5.0], Some(4))]
#[case(9, &[1.0, 2.0, 3.0, 4.0, 5.0], None)]
// What is not a number is left out.
#[case(1, &[3.0, f64::NAN, 4.0, f64::INFINITY, 5.0], Some(4))]
fn the_mean_begins_where_the_paper_begins_it(#[case] wait: u64, #[case] losses: &[f64], #[case] at: Option<usize>) {
    assert_eq!(trigger(wait, losses), at);
}

#[test]
fn the_mean_waits_for_evaluations_that_are_no_better() {
    let models = models();
    let mut average = averaged(AverageSettings { average_wait: Some(1), ..Default::default() }, &models);
    assert_eq!(average.count(), 0);
    assert_eq!(numbers(&average.of(models[4].clone())), numbers(&models[4]));
    let mut losses = vec![2.0];
    let mut evaluated = |model: usize| average.evaluated(&mut losses, 3.0, &models[model]);
    assert!(!evaluated(5) && evaluated(6) && !evaluated(7));
    assert!(losses.is_empty());
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
