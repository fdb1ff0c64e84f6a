//! The size of a matrix, by which gradients grow or shrink at every time step.
//!
//! The norm of a product with `W` is at most its largest singular value times that of the vector. After many products
//! the factor per product is its spectral radius, the largest modulus of an eigenvalue (Pascanu, Mikolov and Bengio
//! 2013, arXiv 1211.5063, section 2.1).

/// Squarings of the matrix: the power is `2^SQUARINGS`.
const SQUARINGS: i32 = 26;

/// The spectral radius of a square matrix, `n` rows one after the other.
///
/// By Gelfand's formula `ρ = lim ‖W^k‖^(1/k)`, with `k` doubled by squaring. The largest eigenvalue may be a complex
/// pair, on which a power iteration would not settle. The relative error is about `ln(n) / k` for a normal matrix, and
/// the power is so large that it is below 1e-6 for others too. 0 for a matrix of zeros.
///
/// # Panics
///
/// When there are not `n * n` values.
pub fn spectral_radius(values: &[f64], n: usize) -> f64 {
    assert_eq!(values.len(), n * n, "a square matrix of {n} rows");
    let mut power = values.to_vec();
    let mut log = 0.0;
    for squaring in 0..=SQUARINGS {
        let norm = power.iter().map(|value| value * value).sum::<f64>().sqrt();
        if norm == 0.0 || !norm.is_finite() {
            return if norm == 0.0 { 0.0 } else { f64::NAN };
        }
        // W^k = e^(log k) * power, so that no power overflows.
        log += norm.ln() / 2_f64.powi(squaring);
        if squaring == SQUARINGS {
            break;
        }
        power.iter_mut().for_each(|value| *value /= norm);
        power = product(&power, &power, n);
    }
    log.exp()
}

/// The largest singular value of a square matrix: the root of the spectral radius of `Wᵀ W`.
///
/// # Panics
///
/// When there are not `n * n` values.
pub fn largest_singular_value(values: &[f64], n: usize) -> f64 {
    assert_eq!(values.len(), n * n, "a square matrix of {n} rows");
    let mut transposed = vec![0.0; n * n];
    for (row, values) in values.chunks_exact(n.max(1)).enumerate() {
        values.iter().enumerate().for_each(|(column, value)| transposed[column * n + row] = *value);
    }
    spectral_radius(&product(&transposed, values, n), n).sqrt()
}

/// `A B`, of `n` rows each.
fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut product = vec![0.0; n * n];
    for (row, out) in a.chunks_exact(n).zip(product.chunks_exact_mut(n)) {
        for (&factor, other) in row.iter().zip(b.chunks_exact(n)) {
            out.iter_mut().zip(other).for_each(|(out, value)| *out += factor * value);
        }
    }
    product
}

#[cfg(test)]
mod tests;
