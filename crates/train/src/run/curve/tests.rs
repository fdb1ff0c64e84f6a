use super::*;

fn point(step: u64, value: f64) -> Point {
    Point { step, epoch: step as f64 / 100.0, seconds: f64::NAN, value }
}

#[test]
fn a_short_curve_is_whole() {
    let mut curve = Curve::default();
    assert!(curve.points(600).is_empty());
    (0..500).for_each(|step| curve.push(point(step, (step % 7) as f64)));
    let points = curve.points(600);
    assert_eq!(points.iter().map(|point| point.step).collect::<Vec<_>>(), (0..500).collect::<Vec<_>>());
}

#[test]
fn a_long_curve_keeps_its_extremes_and_its_last_point_in_bounded_memory() {
    let mut curve = Curve::default();
    for step in 0..1_000_000 {
        let value = match step {
            123_456 => 1e3,
            777_777 => -1e3,
            _ => (step % 13) as f64,
        };
        curve.push(point(step, value));
        assert!(curve.buckets.len() <= BUCKETS);
    }
    for most in [10, 600, 5000] {
        let points = curve.points(most);
        assert!(points.len() <= most + 1, "{} of {most}", points.len());
        assert!(points.iter().any(|p| (p.step, p.value) == (123_456, 1e3)));
        assert!(points.iter().any(|p| (p.step, p.value) == (777_777, -1e3)));
        assert_eq!(points.last().unwrap().step, 999_999);
        assert!(points.windows(2).all(|pair| pair[0].step < pair[1].step));
    }
}

#[test]
fn values_that_are_not_finite_are_left_out_and_unknown_times_are_null() {
    let mut curve = Curve::default();
    [f64::NAN, 1.0, f64::INFINITY].into_iter().for_each(|value| curve.push(point(3, value)));
    assert_eq!(serde_json::to_string(&curve.points(10)).unwrap(), "[[3,0.03,null,1.0]]");
}
