//! The latent variables of a variational auto-encoder: a sample that gradients pass through, and its divergence from
//! the prior (Kingma and Welling 2014, "Auto-encoding variational Bayes", arXiv 1312.6114, section 2.4 and appendix B).
//!
//! A row of *statistics* has `μ` and then `log σ²`, `Z` numbers each, of independent normal distributions:
//!
//! ```text
//! z  = μ + σ ε                              ε ~ N(0, I)
//! KL = ½ Σ_i (μ_i² + σ_i² - log σ_i² - 1)   of N(μ, σ²) from N(0, I)
//! ```
//!
//! `log σ²` is clamped to plus and minus [`LOG_BOUND`], beyond which it has no gradient.
//!
//! For `f32` on a CPU, each is one operation with a backward pass of its own. In a loop over latents, as that of DRAW,
//! the tensor operations of the composed twins take longer than the arithmetic.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::tensor::Tensor;

use crate::glimpse::LOG_BOUND;
#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// `z = μ + σ ε`.
///
/// # Shapes
/// - `statistics` `[N, 2Z]`; `noise` `[N, Z]`, which gets no gradient
/// - output `[N, Z]`
///
/// # Panics
/// If a shape does not fit.
pub fn sample(statistics: Tensor<2>, noise: Tensor<2>) -> Tensor<2> {
    let [rows, latents] = noise.dims();
    assert_eq!(statistics.dims(), [rows, 2 * latents], "statistics of noise [{rows}, {latents}]");
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&statistics) && is_native_on_cpu(&noise) {
        let inputs = [statistics, noise.detach()].map(Tensor::into_dispatch);
        return Tensor::from_dispatch(run(cpu::Sample, inputs));
    }
    sample_composed(statistics, noise)
}

/// `KL` of each row, in nats.
///
/// # Shapes
/// - `statistics` `[N, 2Z]`
/// - output `[N]`
///
/// # Panics
/// If a row has an odd number of statistics.
pub fn divergence(statistics: Tensor<2>) -> Tensor<1> {
    let [_, numbers] = statistics.dims();
    assert!(numbers.is_multiple_of(2), "{numbers} statistics: as many means as logarithms of variances");
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&statistics) {
        let divergence: Tensor<2> = Tensor::from_dispatch(run(cpu::Divergence, [statistics.into_dispatch()]));
        return divergence.squeeze_dim(1);
    }
    divergence_composed(statistics)
}

/// `μ` and the clamped `log σ²`, `[N, Z]` each, of statistics `[N, 2Z]`.
pub fn parts(statistics: Tensor<2>) -> [Tensor<2>; 2] {
    let latents = statistics.dims()[1] / 2;
    let [mean, log_variance] = [0, latents].map(|first| statistics.clone().narrow(1, first, latents));
    [mean, log_variance.clamp(-LOG_BOUND, LOG_BOUND)]
}

/// [`sample`] in tensor operations: the specification that tests compare the native code with.
pub fn sample_composed(statistics: Tensor<2>, noise: Tensor<2>) -> Tensor<2> {
    let [mean, log_variance] = parts(statistics);
    mean + (log_variance * 0.5).exp() * noise.detach()
}

/// [`divergence`] in tensor operations: the specification that tests compare the native code with.
pub fn divergence_composed(statistics: Tensor<2>) -> Tensor<1> {
    let [mean, log_variance] = parts(statistics);
    let each = mean.clone() * mean + log_variance.clone().exp() - log_variance - 1.0;
    each.sum_dim(1).squeeze_dim(1) * 0.5
}
