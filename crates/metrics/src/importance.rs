//! Importance-weighted estimates.
//!
//! With `K` samples `z_k` of an approximate posterior `q`, the likelihood of `x` is estimated as
//! `1/K Σ p(x, z_k) / q(z_k | x)`: Burda, Grosse and Salakhutdinov 2016 (arXiv 1509.00519).

/// `log 1/K Σ exp(x)` of `K` numbers, without overflow.
pub fn log_mean_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), x| (sum + (x - largest).exp(), count + 1.0));
    largest + (sum / count).ln()
}

#[cfg(test)]
mod tests;
