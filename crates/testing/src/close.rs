//! Comparing numbers that were computed in two ways.

use burn::tensor::Tensor;

/// The numbers of a tensor, in the order of its rows.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Asserts that no number differs from the wanted one by more than `tolerance` times the largest wanted number of the
/// whole list, or times 1 where all are smaller.
///
/// The largest number, and not each number of its own: where a sum of large terms is nearly 0, its error is still that
/// of its terms, which are of the size of the other sums of its tensor.
///
/// # Panics
///
/// When a number is too far away or is not finite, with the position of the worst one and both numbers; when the lists
/// are not of one length.
#[track_caller]
pub fn assert_close(what: &str, seen: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(seen.len(), wanted.len(), "{what}: length");
    if let Some(index) = wanted.iter().position(|x| !x.is_finite()) {
        panic!("{what}[{index}]: {} is wanted, which nothing can be close to", wanted[index]);
    }
    let largest = wanted.iter().fold(1.0, |largest: f64, x| largest.max(x.abs()));
    // NaN is ordered after every number, hence the worst.
    let apart = seen.iter().zip(wanted).map(|(seen, wanted)| (seen - wanted).abs());
    let Some((worst, apart)) = apart.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)) else { return };
    assert!(
        apart <= tolerance * largest,
        "{what}[{worst}]: {}, wanted {}: {apart:e} apart, and {:e} is allowed, {tolerance:e} of {largest}",
        seen[worst],
        wanted[worst],
        tolerance * largest
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_within_the_tolerance_pass() {
        assert_close("of order 1", &[1.0, -0.509], &[1.0, -0.5], 0.01);
        assert_close("relative to the largest", &[100.0, 0.9], &[100.0, 0.0], 0.01);
        assert_close("nothing", &[], &[], 0.0);
    }

    #[test]
    #[should_panic(expected = "sums[1]: 0.98, wanted 1: ")]
    fn the_worst_number_is_named() {
        assert_close("sums", &[1.015, 0.98], &[1.0, 1.0], 0.01);
    }

    #[test]
    #[should_panic(expected = "sums[1]: NaN, wanted 1: ")]
    fn nan_is_never_close() {
        assert_close("sums", &[9.0, f64::NAN], &[1.0, 1.0], f64::MAX);
    }

    #[test]
    #[should_panic(expected = "sums[0]: NaN, wanted 1: ")]
    fn nan_with_a_sign_is_never_close() {
        assert_close("sums", &[-f64::NAN], &[1.0], 0.1);
    }

    #[test]
    #[should_panic(expected = "sums[0]: inf is wanted, which nothing can be close to")]
    fn infinity_allows_nothing() {
        assert_close("sums", &[f64::INFINITY, 5.0], &[f64::INFINITY, 1.0], 0.1);
    }

    #[test]
    #[should_panic(expected = "sums: length")]
    fn lists_of_two_lengths_are_not_close() {
        assert_close("sums", &[1.0], &[1.0, 1.0], 0.1);
    }
}
