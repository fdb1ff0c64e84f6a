use super::*;

/// Log-probabilities of two classes, the first of which has these probabilities.
fn log_probs(first: &[f32]) -> Vec<f32> {
    first.iter().flat_map(|p| [p.ln(), (1.0 - p).ln()]).collect()
}

#[test]
fn figures_are_those_of_the_frames_the_segments_and_the_clips() {
    let mut figures = TaggingFigures::new(2);
    // Two frames of three are right, and so is the clip, whose first class has 0.9 + 0.25 + 0.75 of 3.
    figures.add(&[0, 0, 0], &log_probs(&[0.9, 0.25, 0.75]));
    figures.add(&[1], &log_probs(&[0.75]));
    assert_eq!((figures.clips(), figures.matrix.accuracy(), figures.clip_accuracy()), (2, 0.5, 0.5));
    // One segment became three, and one has another label: (100 / 3 + 0) / 2. Sums of f64.
    assert!((figures.edit_score() - 100.0 / 6.0).abs() < 1e-9);
    let nats = -(0.9f64.ln() + 0.25f64.ln() + 0.75f64.ln() + 0.25f64.ln()) / 4.0;
    // The logarithms are f32.
    assert!((figures.loss() - nats).abs() < 1e-6);
}

#[test]
fn nothing_has_figures_of_zero() {
    let figures = TaggingFigures::new(3);
    assert_eq!([figures.loss(), figures.edit_score(), figures.clip_accuracy()], [0.0; 3]);
}
