//! Random orthogonal matrices.

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// An orthogonal matrix `[n, n]`, row by row, uniformly distributed (Haar measure).
///
/// It is the result of the Gram-Schmidt process on normally distributed rows, with positive lengths
/// (Mezzadri, "How to generate random matrices from the classical compact groups", 2007). It runs
/// in `f64` and projects twice, since one pass loses orthogonality by cancellation (Giraud et al.
/// 2005).
pub(crate) fn orthogonal<R: Rng + ?Sized>(n: usize, rng: &mut R) -> Vec<f32> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(n);
    while rows.len() < n {
        let mut row: Vec<f64> = (0..n).map(|_| StandardNormal.sample(rng)).collect();
        for _pass in 0..2 {
            for basis in &rows {
                let along = dot(basis, &row);
                for (value, base) in row.iter_mut().zip(basis) {
                    *value -= along * base;
                }
            }
        }
        let length = dot(&row, &row).sqrt();
        row.iter_mut().for_each(|value| *value /= length);
        rows.push(row);
    }
    rows.into_iter().flatten().map(|value| value as f32).collect()
}

/// Eight partial sums, which the compiler keeps in vector registers; a single sum would wait for
/// every addition.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_lanes, a_rest) = a.as_chunks::<8>();
    let (b_lanes, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (x, y) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}
