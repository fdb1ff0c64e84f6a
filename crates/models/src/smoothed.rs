//! Cross-entropy with label smoothing over a large vocabulary.

use burn::tensor::{IndexingUpdateOp, Int, Tensor};

/// Cross-entropy of an output layer, with its gradient worked out by hand.
///
/// ```text
/// l = W h + b,  p = softmax(l),  q = (1 - ε) one-hot(y) + ε / V
/// L = -1/N Σ Σ_v q_v ln p_v                                   Szegedy et al. 2016 (arXiv 1512.00567), section 7
/// ∂L/∂l = (p - q) / N,  ∂L/∂h = ∂L/∂l W,  ∂L/∂W = (∂L/∂l)ᵀ h,  ∂L/∂b = Σ ∂L/∂l
/// ```
///
/// The logits are the largest tensors of a word model. Here autodiff keeps none of them: what it sees is
/// `<h, ∂L/∂h> + <W, ∂L/∂W> + <b, ∂L/∂b>` with the derivatives held constant, whose gradients are those derivatives.
///
/// `hidden` is `[N, H]`, `weight` `[V, H]`, `bias` `[V]`, `targets` `[N]`. Returns the smoothed loss `[1]` for training.
pub(crate) fn loss(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<1, Int>,
    epsilon: f64,
) -> Tensor<1> {
    let [rows, _] = hidden.dims();
    let [vocabulary, _] = weight.dims();
    let (h, w, b) = (hidden.clone().detach(), weight.clone().detach(), bias.clone().detach());
    let logits = h.clone().matmul(w.clone().transpose()) + b.unsqueeze();
    let targets = targets.reshape([rows, 1]);
    let right = logits.clone().gather(1, targets.clone()).sum();
    let all = logits.clone().sum();
    let largest = logits.clone().max_dim(1);
    let exponentials = (logits - largest.clone()).exp();
    let sums = exponentials.clone().sum_dim(1);
    let log_sums = (sums.clone().log() + largest).sum();
    let value = log_sums - right * (1.0 - epsilon) - all * (epsilon / vocabulary as f64);
    let value = value / rows as f64;

    let scale = 1.0 / rows as f64;
    let probabilities = exponentials * (sums.recip() * scale);
    let hit = Tensor::full([rows, 1], -(1.0 - epsilon) * scale, (&h.device(), h.dtype()));
    let mut d_logits = probabilities.scatter(1, targets, hit, IndexingUpdateOp::Add);
    if epsilon > 0.0 {
        d_logits = d_logits - epsilon * scale / vocabulary as f64;
    }
    let d_hidden = d_logits.clone().matmul(w);
    let d_bias = d_logits.clone().sum_dim(0).squeeze_dim(0);
    let d_weight = d_logits.transpose().matmul(h);
    let shadow = (hidden * d_hidden).sum() + (weight * d_weight).sum() + (bias * d_bias).sum();
    let value = value - shadow.clone().detach();
    shadow + value
}
