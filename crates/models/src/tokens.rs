//! Dropping tokens of a vocabulary in training.

use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;
use rekindle_kernels::pointwise::dropout;

/// An embedding table `[V, I]` in which each token is 0 with a probability for a whole batch, or else divided by the
/// probability of being kept: embedding dropout (Gal and Ghahramani 2016, arXiv 1512.05287; Merity et al. 2017, arXiv
/// 1708.02182). The table itself outside of training, which the model's own `layer` decides.
pub(crate) fn dropped_tokens(probability: f64, layer: &Dropout, table: Tensor<2>) -> Tensor<2> {
    let device = table.device();
    if probability == 0.0 || !layer.training.is_enabled() || !device.is_autodiff() {
        return table;
    }
    let kept = Tensor::<2>::ones([table.dims()[0], 1], (&device, table.dtype()));
    table * dropout(&DropoutConfig::new(probability).init(), kept)
}
