//! Against statistics that are computed anew for every frame.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn all(statistics: Statistics, clip: Option<f32>, values: &[f32]) -> Vec<f32> {
    let mut normalizer = Normalization { statistics, clip }.start_of(values, 1, None);
    let one = |&x: &f32| {
        let mut frame = [x];
        normalizer.frame(&mut frame).unwrap();
        frame[0]
    };
    values.iter().map(one).collect()
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn median(values: Vec<f64>) -> f64 {
    let values = sorted(values);
    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}

/// The statistics of a recording, of which `of` is any.
fn of_a_recording(of: usize) -> Statistics {
    [Statistics::Running, Statistics::Robust, Statistics::Recording][of % 3]
}

/// The last of `values` by the definition of the module.
fn by_definition(statistics: Statistics, values: &[f32]) -> f64 {
    let values: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
    let mean_of = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let last = values[values.len() - 1];
    let moments = |values: &[f64]| {
        let mean = mean_of(values);
        (mean, mean_of(&values.iter().map(|x| (x - mean).powi(2)).collect::<Vec<_>>()).sqrt())
    };
    let robust = || {
        let centre = median(values.clone());
        let distances: Vec<f64> = values.iter().map(|x| (x - centre).abs()).collect();
        let spread = 1.482_602_2 * median(distances.clone());
        (centre, if spread > 0.0 { spread } else { 1.253_314_1 * mean_of(&distances) })
    };
    let (centre, spread) = match statistics {
        Statistics::Training => unreachable!("these are not of the recording"),
        Statistics::Running => moments(&values),
        Statistics::Robust => robust(),
        Statistics::Recording => {
            let (mut centre, mut spread) = robust();
            for limit in [20.0, 4.0, 4.0, 4.0] {
                let limited = |&x: &f64| x.clamp(centre - limit * spread, centre + limit * spread);
                (centre, spread) = moments(&values.iter().map(limited).collect::<Vec<_>>());
            }
            (centre, spread)
        }
    };
    if spread > 0.0 { (last - centre) / spread } else { 0.0 }
}

proptest! {
    /// Whole numbers, so that many are equal.
    #[test]
    fn every_frame_is_normalised_by_the_frames_up_to_it(
        values in prop::collection::vec((-9..9_i16).prop_map(f32::from), 1..40),
        robust: bool,
    ) {
        let statistics = of_a_recording(usize::from(robust));
        for (at, found) in all(statistics, None, &values).into_iter().enumerate() {
            let wanted = by_definition(statistics, &values[..=at]);
            prop_assert!((f64::from(found) - wanted).abs() < 1e-5 * wanted.abs().max(1.0), "{found} and {wanted}");
        }
    }

    /// With one value far from all others.
    #[test]
    fn a_whole_recording_is_normalised_by_all_its_frames(
        mut values in prop::collection::vec((-9..9_i16).prop_map(f32::from), 2..40),
        far in (-999..999_i16).prop_map(f32::from),
        at: usize,
    ) {
        let at = at % values.len();
        values[at] = far;
        let found = all(Statistics::Recording, None, &values);
        for (last, found) in found.into_iter().enumerate() {
            let mut turned = values.clone();
            turned.rotate_left(last + 1);
            let wanted = by_definition(Statistics::Recording, &turned);
            prop_assert!((f64::from(found) - wanted).abs() < 1e-5 * wanted.abs().max(1.0), "{found} and {wanted}");
        }
    }

    #[test]
    fn the_unit_and_the_zero_of_a_feature_do_not_matter(
        values in prop::collection::vec((-50..50_i16).prop_map(|x| f32::from(x) / 8.0), 1..40),
        scale in (1..40_i16).prop_map(|x| f32::from(x) / 4.0),
        offset in (-30..30_i16).prop_map(f32::from),
        of in 0..3_usize,
    ) {
        let statistics = of_a_recording(of);
        // Numbers of few binary digits: the other recording has no rounding error.
        let moved: Vec<f32> = values.iter().map(|x| scale * x + offset).collect();
        for (one, other) in all(statistics, None, &values).into_iter().zip(all(statistics, None, &moved)) {
            prop_assert!((one - other).abs() < 1e-4 * one.abs().max(1.0), "{one} and {other}");
        }
    }
}

/// A slow wave.
fn wave(frames: usize) -> Vec<f32> {
    (0..frames).map(|t| (t as f32 * 0.37).sin()).collect()
}

#[test]
fn an_outlier_changes_robust_values_little_and_others_much() {
    let clean = wave(200);
    let mut broken = clean.clone();
    (50..60).for_each(|t| broken[t] = 1e6);
    let last = |statistics, values: &[f32]| all(statistics, Some(10.0), values)[199];
    let [robust, running] = [Statistics::Robust, Statistics::Running]
        .map(|statistics| (last(statistics, &clean) - last(statistics, &broken)).abs());
    assert!(robust < 0.2 && running > 0.5, "{robust} and {running}");
    assert_eq!(all(Statistics::Robust, Some(10.0), &broken)[50], 10.0);
}

#[test]
fn the_share_of_an_outlier_in_the_whole_recording_is_limited() {
    let clean = wave(2000);
    let mut broken = clean.clone();
    broken[50] = 1e6;
    let last = |statistics, values: &[f32]| all(statistics, Some(10.0), values)[1999];
    let change = |statistics| (last(statistics, &clean) - last(statistics, &broken)).abs();
    let (recording, running) = (change(Statistics::Recording), change(Statistics::Running));
    assert!(recording < 0.05 && running > 0.5, "{recording} and {running}");
}

/// One frame in 100: it is no constant, and far from the others.
#[test]
fn what_happens_seldom_is_not_lost() {
    let mut values = vec![0.0; 200];
    values[50] = 1.0;
    values[150] = 1.0;
    let found = all(Statistics::Recording, Some(10.0), &values);
    assert!(found[50] > 9.0 && found[150] == found[50], "{found:?}");
    assert!(found.iter().all(|&x| x == found[50] || x.abs() < 0.5), "{found:?}");
}

#[rstest]
#[case::equal(&[3.0; 9], &[0.0; 9])]
#[case::one(&[7.5], &[0.0])]
// The same number, but for rounding.
#[case::rounding(&[1e8, 1e8 + 8.0, 1e8, 1e8 + 8.0], &[0.0; 4])]
#[case::signs_of_zero(&[0.0, -0.0, 0.0, -0.0], &[0.0; 4])]
fn a_feature_that_does_not_vary_is_0(
    #[values(Statistics::Running, Statistics::Robust, Statistics::Recording)] statistics: Statistics,
    #[case] values: &[f32],
    #[case] wanted: &[f32],
) {
    assert_eq!(all(statistics, None, values), wanted);
}

#[test]
fn the_largest_numbers_are_clipped_or_refused() {
    let huge = [0.0, 1e-30, f32::MAX, -f32::MAX, 1.0, f32::MAX];
    for statistics in [Statistics::Running, Statistics::Robust, Statistics::Recording] {
        let found = all(statistics, Some(5.0), &huge);
        assert!(found.iter().all(|x| x.abs() <= 5.0), "{found:?}");
    }
    let standardization = Standardization { mean: vec![0.0, 0.0], deviation: vec![1.0, 1e-30] };
    let mut training = Normalization::default().start(2, Some(&standardization)).unwrap();
    assert_eq!(training.frame(&mut [1.0, 1e20]), Err(1));
    let mut clipped =
        Normalization { clip: Some(5.0), ..Normalization::default() }.start(2, Some(&standardization)).unwrap();
    let mut frame = [7.0, -1e20];
    assert_eq!((clipped.frame(&mut frame), frame), (Ok(()), [5.0, -5.0]));
    assert_eq!(clipped.frame(&mut [f32::INFINITY, 0.0]), Err(0));
}

#[test]
fn robust_statistics_forget_what_is_long_past() {
    let mut values = vec![1000.0; 4096];
    values.extend(wave(5000));
    let found = all(Statistics::Robust, None, &values);
    let wanted = by_definition(Statistics::Robust, &values[values.len() - 4096..]);
    assert!((f64::from(found[values.len() - 1]) - wanted).abs() < 1e-4, "{wanted}");
}
