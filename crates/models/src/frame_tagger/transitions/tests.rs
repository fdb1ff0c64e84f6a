//! Against sums and maxima over all sequences of classes.

use proptest::prelude::*;

use super::*;

/// The logarithm of the joint score of a sequence.
fn joint(model: &TransitionModel, log_probs: &[f32], path: &[usize]) -> f64 {
    let classes = model.classes();
    let scores: f64 = log_probs.chunks(classes).zip(path).map(|(row, &y)| model.scores(row).nth(y).unwrap()).sum();
    let steps: f64 = path.windows(2).map(|pair| model.next[pair[0] * classes + pair[1]].ln()).sum();
    scores + steps + model.start[path[0]].ln()
}

/// All sequences of `frames` classes.
fn paths(classes: usize, frames: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..frames {
        all = all.iter().flat_map(|path: &Vec<usize>| (0..classes).map(move |y| [&path[..], &[y]].concat())).collect();
    }
    all
}

/// `p(y_t)` of the frame `at`, by the sum over all sequences.
fn marginal(model: &TransitionModel, log_probs: &[f32], at: usize) -> Vec<f64> {
    let (classes, frames) = (model.classes(), log_probs.len() / model.classes());
    let mut sums = vec![0.0; classes];
    for path in paths(classes, frames) {
        sums[path[at]] += joint(model, log_probs, &path).exp();
    }
    scaled(sums.into_iter())
}

prop_compose! {
    /// Counts, weights, and the log-probabilities of a clip of one to five frames.
    fn case()(classes in 2..4_usize, frames in 1..6_usize)(
        starts in prop::collection::vec(0..20_u64, classes),
        pairs in prop::collection::vec(0..50_u64, classes * classes),
        logits in prop::collection::vec(-6.0..6.0_f32, classes * frames),
        score in 0.05..2.0_f64,
        prior in 0.0..1.5_f64,
    ) -> (TransitionModel, Vec<f32>) {
        let rows = logits.chunks(starts.len()).flat_map(|row| {
            let sum = row.iter().map(|logit| logit.exp()).sum::<f32>().ln();
            row.iter().map(move |logit| logit - sum).collect::<Vec<_>>()
        });
        (TransitionModel::new(&starts, &pairs, ScoreWeights { score, prior }), rows.collect())
    }
}

proptest! {
    #[test]
    fn viterbi_finds_the_best_of_all_sequences((model, log_probs) in case()) {
        let found: Vec<usize> = model.viterbi(&log_probs).into_iter().map(|y| y as usize).collect();
        let all = paths(model.classes(), log_probs.len() / model.classes());
        let best = all.iter().map(|path| joint(&model, &log_probs, path)).fold(f64::NEG_INFINITY, f64::max);
        // Two sequences may be equally good; the order of additions differs.
        prop_assert!((joint(&model, &log_probs, &found) - best).abs() < 1e-9);
    }

    #[test]
    fn probabilities_are_sums_over_all_sequences((model, log_probs) in case()) {
        let classes = model.classes();
        for (at, row) in model.posteriors(&log_probs).chunks(classes).enumerate() {
            for (found, wanted) in row.iter().zip(marginal(&model, &log_probs, at)) {
                prop_assert!((f64::from(found.exp()) - wanted).abs() < 1e-6, "{found} and {wanted}");
            }
        }
    }

    #[test]
    fn a_filter_knows_the_frames_up_to_its_lag((model, log_probs) in case(), lag in 0..7_usize) {
        let classes = model.classes();
        let mut filter = model.filter(lag);
        let mut found: Vec<Vec<f32>> = log_probs.chunks(classes).filter_map(|row| filter.push(row)).collect();
        found.extend(filter.finish());
        let frames = log_probs.len() / classes;
        prop_assert_eq!(found.len(), frames);
        for (at, row) in found.iter().enumerate() {
            let known = &log_probs[..(at + lag + 1).min(frames) * classes];
            for (found, wanted) in row.iter().zip(marginal(&model, known, at)) {
                prop_assert!((f64::from(found.exp()) - wanted).abs() < 1e-6, "frame {at}: {found} and {wanted}");
            }
        }
    }

    #[test]
    fn the_scale_of_the_scores_does_not_matter((model, log_probs) in case(), by in -50.0..50.0_f32) {
        let moved: Vec<f32> = log_probs.iter().map(|log_prob| log_prob + by).collect();
        for (one, other) in model.posteriors(&log_probs).iter().zip(model.posteriors(&moved)) {
            prop_assert!((one.exp() - other.exp()).abs() < 1e-4);
        }
    }
}

const EVEN: ScoreWeights = ScoreWeights { score: 1.0, prior: 0.0 };

#[test]
fn a_single_wrong_frame_is_smoothed_away_and_a_long_change_is_not() {
    let model = TransitionModel::new(&[1, 1], &[90, 10, 10, 90], EVEN);
    let row = |class: u32| if class == 0 { [0.7_f32.ln(), 0.3_f32.ln()] } else { [0.3_f32.ln(), 0.7_f32.ln()] };
    let clip = |classes: &[u32]| classes.iter().flat_map(|&class| row(class)).collect::<Vec<f32>>();
    assert_eq!(model.viterbi(&clip(&[0, 0, 0, 1, 0, 0, 0])), [0; 7]);
    assert_eq!(model.viterbi(&clip(&[0, 0, 0, 0, 1, 1, 1, 1])), [0, 0, 0, 0, 1, 1, 1, 1]);
}

#[test]
fn one_is_added_to_every_count() {
    let model = TransitionModel::new(&[1, 0], &[4, 1, 0, 0], ScoreWeights { score: 1.0, prior: 1.0 });
    assert_eq!(model.start, [2.0 / 3.0, 1.0 / 3.0]);
    assert_eq!(model.next, [5.0 / 7.0, 2.0 / 7.0, 0.5, 0.5]);
    // Five frames of class 0 and one of class 1.
    assert_eq!(model.prior, [0.75_f64.ln(), 0.25_f64.ln()]);
}

#[test]
fn the_first_frame_has_its_own_probabilities_and_an_empty_clip_has_none() {
    let model = TransitionModel::new(&[2, 0], &[9, 0, 0, 9], EVEN);
    let even = [0.5_f32.ln(); 2];
    assert_eq!(model.viterbi(&even), [0]);
    assert!((model.posteriors(&even)[0].exp() - 0.75).abs() < 1e-6);
    assert!(model.viterbi(&[]).is_empty() && model.posteriors(&[]).is_empty());
}

#[test]
fn impossible_scores_and_a_long_clip_give_numbers() {
    let model = TransitionModel::new(&[0, 0, 0], &[u64::MAX, 0, 0, 0, u64::MAX, 0, 0, 0, u64::MAX], EVEN);
    let (never, certain) = (f32::NEG_INFINITY, 0.0);
    for row in [[never, never, certain], [never; 3], [f32::NAN; 3], [-80.0, -90.0, certain]] {
        let mut clip = [certain, never, never].repeat(1000);
        clip.extend(row.repeat(1000));
        assert_eq!(model.viterbi(&clip).len(), 2000);
        assert!(model.posteriors(&clip).iter().all(|log_prob| log_prob.is_finite()));
        let mut filter = model.filter(3);
        assert!(clip.chunks(3).filter_map(|row| filter.push(row)).flatten().all(|log_prob| log_prob.is_finite()));
    }
}
