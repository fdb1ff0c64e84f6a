use super::*;

#[test]
fn a_mean_of_exponentials_does_not_underflow() {
    let mean = log_mean_exp([-1000.0, -1000.0 + 3f64.ln()].into_iter());
    // (1 + 3) / 2 is 2; the tolerance is the spacing of f64 near 1000, ten times.
    assert!((mean - (-1000.0 + 2f64.ln())).abs() < 1e-12, "{mean}");
}
