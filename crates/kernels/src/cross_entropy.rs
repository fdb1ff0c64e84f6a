//! Softmax and cross-entropy of logits over a vocabulary, in one pass each way.
//!
//! ```text
//! l_n = ln Σ_v exp z_nv - z_ny               y the target token of row n
//! ∂l_n/∂z_nv = softmax(z_n)_v - [v = y]
//! ```
//!
//! For `f32` on a CPU or a GPU it is one operation. On a CPU it overwrites the logits with what its
//! backward pass needs, and that with the gradient: nothing of the logits' size is allocated. On a
//! GPU each pass is one kernel, and the gradient overwrites the logits. Everywhere else it is Burn's
//! `log_softmax` and `gather`.

#[cfg(feature = "native-cpu")]
pub(crate) mod cpu;
#[cfg(feature = "native-gpu")]
mod cube;

use burn::tensor::{Int, Tensor, activation::log_softmax};

#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// The loss of the target tokens, in nats: `-ln softmax(logits)[n, targets[n]]` of each row.
///
/// # Shapes
/// - `logits` `[N, V]`, `targets` `[N]` in `0..V`
/// - output `[N]`
///
/// # Panics
/// If the shapes do not fit or, on a CPU, a target has no column.
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let [_, vocabulary] = check(&logits, &targets);
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&logits) {
        let operation = cpu::CrossEntropy::new(targets, vocabulary);
        return Tensor::from_dispatch(run(operation, [logits.into_dispatch()]));
    }
    #[cfg(feature = "native-gpu")]
    if cube::has_kernels(&logits, &targets) {
        return cube::cross_entropy(logits, targets, false);
    }
    let _ = vocabulary;
    composed(logits, targets)
}

/// The mean of [`cross_entropy`] over the rows, `[1]`.
///
/// # Panics
/// As [`cross_entropy`].
pub fn mean(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    check(&logits, &targets);
    #[cfg(feature = "native-gpu")]
    if cube::has_kernels(&logits, &targets) {
        return cube::cross_entropy(logits, targets, true);
    }
    cross_entropy(logits, targets).mean()
}

/// The shape of the logits, which the targets must fit.
fn check(logits: &Tensor<2>, targets: &Tensor<1, Int>) -> [usize; 2] {
    let [rows, vocabulary] = logits.dims();
    assert!(targets.dims() == [rows], "`targets` must be [N] = [{rows}], got {:?}", targets.dims());
    [rows, vocabulary]
}

/// [`cross_entropy`] in tensor operations: the specification that tests compare the native code
/// with.
pub fn composed(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    log_softmax(logits, 1).gather(1, targets.unsqueeze_dim(1)).neg().squeeze_dim(1)
}
