//! Losses of some rows each, side by side on a CPU's threads.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rekindle_kernels::parallel;

/// The sum of the losses `[1]` that `parts` compute with `model`, on a device with gradients.
///
/// Each part goes forward and back on threads of its own, with a copy of the model that shares its weights. The result
/// has the gradients of the model's weights, which are known by then, and of nothing else: not those of tensors that
/// the parts bring with them.
pub(crate) fn sum_of_losses<M: Module + Send>(
    model: &M,
    device: &Device,
    parts: Vec<impl FnOnce(&M) -> Tensor<1> + Send>,
) -> Tensor<1> {
    let work = parts.into_iter().map(|part| {
        let model = model.clone().fork(device);
        move || {
            let loss = part(&model);
            (loss.clone().inner(), GradientsParams::from_grads(loss.backward(), &model))
        }
    });
    let (losses, gradients) = parallel::side_by_side(work.collect()).into_iter().unzip();
    let loss = Tensor::from_inner(Tensor::cat(losses, 0).sum());
    let mut known = Known { gradients, loss };
    model.visit(&mut known);
    known.loss
}

/// Gives a loss gradients that are known.
struct Known {
    /// Those of each part.
    gradients: Vec<GradientsParams>,
    loss: Tensor<1>,
}

impl ModuleVisitor for Known {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let of_parts = self.gradients.iter_mut().filter_map(|gradients| gradients.remove::<D>(param.id));
        if let Some(gradient) = of_parts.reduce(|sum, gradient| sum + gradient) {
            let zero = parallel::zero_with_gradient(param.val(), Tensor::from_inner(gradient));
            self.loss = self.loss.clone() + zero;
        }
    }
}
