use rekindle_testing::assert_close;

use super::*;

#[track_caller]
fn close(found: f64, wanted: f64) {
    assert_close("spectrum", &[found], &[wanted], 1e-6);
}

#[test]
fn a_rotation_has_a_complex_pair_of_eigenvalues_and_its_scale_as_both() {
    let (angle, scale) = (0.7_f64, 0.8);
    let rotation = [angle.cos(), -angle.sin(), angle.sin(), angle.cos()].map(|value| value * scale);
    close(spectral_radius(&rotation, 2), scale);
    close(largest_singular_value(&rotation, 2), scale);
}

#[test]
fn a_matrix_that_is_not_normal_has_a_larger_singular_value_than_radius() {
    // Eigenvalues 0.5 and 0.25. `numpy.linalg.svd([[0.5, 3], [0, 0.25]])[1][0]` is 3.05144.
    let matrix = [0.5, 3.0, 0.0, 0.25];
    close(spectral_radius(&matrix, 2), 0.5);
    let (a, b) = (0.25 + 9.0 + 0.0625, 0.125_f64);
    close(largest_singular_value(&matrix, 2), ((a + (a * a - 4.0 * b * b).sqrt()) / 2.0).sqrt());
}

#[test]
fn the_largest_of_several_eigenvalues_is_found_also_of_equal_ones() {
    // A companion matrix of (x - 2)(x + 2)(x - 1) = x³ - x² - 4x + 4.
    close(spectral_radius(&[1.0, 4.0, -4.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0], 3), 2.0);
    // A Jordan block, on which the formula converges slowest.
    close(spectral_radius(&[0.9, 1.0, 0.0, 0.9], 2), 0.9);
}

#[test]
fn nothing_is_left_of_a_nilpotent_matrix() {
    assert_eq!(spectral_radius(&[0.0, 1.0, 0.0, 0.0], 2), 0.0);
    assert_eq!(spectral_radius(&[0.0; 4], 2), 0.0);
    assert_eq!(spectral_radius(&[], 0), 0.0);
    close(largest_singular_value(&[0.0, 1.0, 0.0, 0.0], 2), 1.0);
}
