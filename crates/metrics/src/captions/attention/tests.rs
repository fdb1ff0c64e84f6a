use super::*;

#[test]
fn attention_is_counted_where_the_shape_is() {
    let mut weights = vec![0.0; 36];
    (weights[0], weights[7], weights[2], weights[35]) = (0.25, 0.25, 0.25, 0.25);
    assert_eq!([0, 1, 8, 4].map(|place| on_place(&weights, place, 3)), [0.5, 0.25, 0.25, 0.0]);
}

#[test]
fn the_mean_is_over_words() {
    let mut correctness = AttentionCorrectness::default();
    assert_eq!(correctness.mean(), None);
    correctness.add(&[1.0, 0.0, 0.0, 0.0], 0, 2);
    correctness.add(&[0.5, 0.0, 0.0, 0.5], 1, 2);
    assert_eq!(correctness.mean(), Some(0.5));
}
