use super::*;

#[test]
fn the_half_life_of_an_exponential_decay_is_its_own() {
    let decay = |factor: f64| (0..60).map(|distance| 3.0 * factor.powi(distance)).collect::<Vec<_>>();
    for factor in [0.5_f64, 0.9, 0.99] {
        let wanted = 0.5_f64.ln() / factor.ln();
        let found = half_life(&decay(factor)).unwrap();
        assert!((found - wanted).abs() < 1e-9 * wanted, "{factor}: {found} for {wanted}");
    }
    // What lies below a millionth is rounding.
    let mut noisy = decay(0.5);
    noisy[21..].fill(1e-9);
    assert!((half_life(&noisy).unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn gradients_that_do_not_vanish_have_no_half_life() {
    assert_eq!(half_life(&[1.0, 1.0, 1.0]), None);
    assert_eq!(half_life(&[1.0, 2.0, 4.0]), None);
    assert_eq!(half_life(&[1.0]), None);
    assert_eq!(half_life(&[0.0, 0.0, 0.0]), None);
}

#[test]
fn windows_are_spread_over_the_whole_text() {
    assert!(windows(10, 11).is_empty());
    assert_eq!(windows(10, 10), [0]);
    assert_eq!(windows(12, 10), [0, 1, 2]);
    let many = windows(1000, 100);
    assert_eq!((many.len(), many[0], many[SEQUENCES - 1]), (SEQUENCES, 0, 900));
}
