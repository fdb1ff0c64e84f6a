use super::*;

#[test]
fn the_likeliest_tokens_are_listed_with_their_probabilities() {
    let logits: Vec<f32> = (0..20).map(|id| ((id * 7) % 20) as f32 / 4.0 - 100.0).collect();
    let names: Vec<String> = (0..20).map(|id| id.to_string()).collect();
    let (probability, alternatives) = distribution(&logits, 4, &names);
    let total: f64 = (0..20).map(|level| (f64::from(level) / 4.0).exp()).sum();
    let share = |level: f64| (level / 4.0).exp() / total;
    // 4 · 7 = 28 is 8 above a multiple of 20.
    assert!((f64::from(probability.unwrap()) - share(8.0)).abs() < 1e-5);
    let mut order: Vec<usize> = (0..20).collect();
    order.sort_by_key(|id| std::cmp::Reverse((id * 7) % 20));
    let texts: Vec<String> = alternatives.iter().map(|other| other.text.to_owned()).collect();
    assert_eq!(texts, order[..ALTERNATIVES].iter().map(|id| names[*id].clone()).collect::<Vec<_>>());
    for (place, other) in alternatives.iter().enumerate() {
        assert!((f64::from(other.probability) - share(19.0 - place as f64)).abs() < 1e-5);
    }
}
