//! An output layer with its cross-entropy and label smoothing, over a large vocabulary.
//!
//! ```text
//! l = W h + b,  p = softmax(l),  q = (1 - ε) one-hot(y) + ε / V
//! L = -1/N Σ Σ_v q_v ln p_v                                   Szegedy et al. 2016 (arXiv 1512.00567), section 7
//! ∂L/∂l = (p - q) / N,  ∂L/∂h = ∂L/∂l W,  ∂L/∂W = (∂L/∂l)ᵀ h,  ∂L/∂b = Σ ∂L/∂l
//! ```
//!
//! The logits are the largest tensors of a word model. Here they are computed some rows at a time, become their own
//! gradient in place, and nothing else is ever as large. For `f32` on a CPU it is one operation on all threads;
//! everywhere else it is [`composed`].

#[cfg(feature = "native-cpu")]
mod cpu;

use std::ops::Range;

use burn::tensor::{IndexingUpdateOp, Int, Tensor};

#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};
use crate::{matmul::matmul, parallel};

/// The mean loss `[1]` of an output layer, for training: its gradients are computed along with it.
///
/// # Shapes
/// - `hidden` `[N, H]`, `weight` `[V, H]`, `bias` `[V]`, `targets` `[N]`, `epsilon` the share that is spread over all
///   tokens
///
/// # Panics
/// If the shapes do not fit, or there is no row; on the CPU, if a target is not in `0..V`.
pub fn loss(hidden: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>, targets: Tensor<1, Int>, epsilon: f64) -> Tensor<1> {
    let ([rows, width], [vocabulary, _]) = (hidden.dims(), weight.dims());
    assert!(rows > 0, "`hidden` must have a row or more");
    assert!(weight.dims() == [vocabulary, width], "`weight` must be [V, H] = [V, {width}], got {:?}", weight.dims());
    assert!(bias.dims() == [vocabulary], "`bias` must be [V] = [{vocabulary}], got {:?}", bias.dims());
    assert!(targets.dims() == [rows], "`targets` must be [N] = [{rows}], got {:?}", targets.dims());
    #[cfg(feature = "native-cpu")]
    if [&hidden, &weight].into_iter().all(is_native_on_cpu) && is_native_on_cpu(&bias) {
        let loss = cpu::OutputLoss::new(targets, vocabulary, epsilon);
        return Tensor::from_dispatch(run(
            loss,
            [hidden.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()],
        ));
    }
    composed(hidden, weight, bias, targets, epsilon)
}

/// Logits computed at once: few enough to stay in the caches and to reuse their memory.
const LOGITS: usize = 1 << 20;

/// Parts of the rows that are processed in parallel. Not the number of threads: no bit of the result may depend on it.
const PARTS: usize = 4;

/// [`loss`] in tensor operations: what GPUs run, and what tests compare the native code with.
///
/// Two products read `e = exp(l - max l)`: `q` is constant except for one token of a row, so that its
/// contribution needs sums and rows of `W`, but no logits. The bias is a column of `W` that multiplies a column of
/// ones, so that the products include it. Autodiff differentiates `<h, ∂L/∂h> + <W, ∂L/∂W> + <b, ∂L/∂b>` with the
/// derivatives held constant, whose gradients are those derivatives.
///
/// # Panics
/// If the shapes do not fit.
pub fn composed(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<1, Int>,
    epsilon: f64,
) -> Tensor<1> {
    let [rows, width] = hidden.dims();
    let [vocabulary, _] = weight.dims();
    let device = hidden.device();
    // `detach` would keep `require_grad` on leaf weights.
    let (h, w) = (hidden.clone().set_require_grad(false), weight.clone().set_require_grad(false));
    let b = bias.clone().set_require_grad(false).unsqueeze_dim(1);
    let ones = Tensor::ones([rows, 1], (&device, h.dtype()));
    let h = Tensor::cat(vec![h, ones], 1);
    let w = Tensor::cat(vec![w, b], 1);

    // Σ_v q_v l_v, of the target tokens and of all tokens.
    let (hit, spread) = (1.0 - epsilon, epsilon / vocabulary as f64);
    let right = w.clone().select(0, targets.clone());
    let (h_sum, w_sum) = (h.clone().sum_dim(0), w.clone().sum_dim(0));
    let wanted = (h.clone() * right.clone()).sum() * hit + (h_sum.clone() * w_sum.clone()).sum() * spread;

    let chunk = LOGITS.div_ceil(vocabulary).min(rows.div_ceil(PARTS));
    let chunks = rows.div_ceil(chunk);
    let parts = (0..PARTS).map(|part| part * chunks / PARTS * chunk..((part + 1) * chunks / PARTS * chunk).min(rows));
    let parts = parts.filter(|part| !part.is_empty()).collect();
    let parts = parallel::for_each(&device, parts, |part| softmax(&h, &w, part, chunk));
    let (mut log_sums, mut d_h, mut d_w) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        log_sums.push(part.log_sums);
        d_h.push(part.d_h);
        d_w.push(part.d_w);
    }
    let value = (Tensor::cat(log_sums, 0).sum() - wanted) / rows as f64;
    let d_h = Tensor::cat(d_h, 0) - right * hit - w_sum * spread;
    let d_w = d_w.into_iter().reduce(|sum, part| sum + part).unwrap_or_else(|| w.zeros_like());
    let d_w = d_w.select_assign(0, targets, h * -hit, IndexingUpdateOp::Add) - h_sum * spread;
    let (d_h, d_w) = (d_h / rows as f64, d_w / rows as f64);
    let d_bias = d_w.clone().narrow(1, width, 1).squeeze_dim(1);
    let shadow =
        (hidden * d_h.narrow(1, 0, width)).sum() + (weight * d_w.narrow(1, 0, width)).sum() + (bias * d_bias).sum();
    let value = value - shadow.clone().detach();
    shadow + value
}

/// Results of the softmax over some rows.
struct Softmax {
    /// `ln Σ_v exp l_v`, `[N, 1]`.
    log_sums: Tensor<2>,
    /// `p W`, `[N, H]`.
    d_h: Tensor<2>,
    /// `pᵀ h`, `[V, H]`.
    d_w: Tensor<2>,
}

/// The softmax of `rows` of `h`, `chunk` rows at a time.
fn softmax(h: &Tensor<2>, w: &Tensor<2>, rows: Range<usize>, chunk: usize) -> Softmax {
    let (mut log_sums, mut d_h) = (Vec::new(), Vec::new());
    let mut d_w = None;
    for begin in rows.clone().step_by(chunk) {
        let h = h.clone().narrow(0, begin, chunk.min(rows.end - begin));
        let logits = matmul(h.clone(), w.clone().transpose());
        let largest = logits.clone().max_dim(1);
        let exponentials = (logits - largest.clone()).exp();
        let sums = exponentials.clone().sum_dim(1);
        d_h.push(matmul(exponentials.clone(), w.clone()) / sums.clone());
        let part = matmul(exponentials.transpose(), h / sums.clone());
        d_w = Some(match d_w {
            Some(sum) => sum + part,
            None => part,
        });
        log_sums.push(sums.log() + largest);
    }
    let d_w = d_w.unwrap_or_else(|| w.zeros_like());
    Softmax { log_sums: Tensor::cat(log_sums, 0), d_h: Tensor::cat(d_h, 0), d_w }
}
