//! A number whose gradient is known.

use burn::backend::tensor::FloatTensor;

use crate::cpu::{
    operation::Operation,
    tensors::{CpuBackend, scaled},
};

/// [`super::zero_with_gradient`]: the tensor and its gradient, which gets none itself.
#[derive(Clone, Debug)]
pub(super) struct Zero;

impl Operation<2> for Zero {
    /// The gradient.
    type Saved<B: CpuBackend> = FloatTensor<B>;

    fn forward<B: CpuBackend>(self, [_, gradient]: [FloatTensor<B>; 2]) -> (FloatTensor<B>, FloatTensor<B>) {
        (B::zeros([1]), gradient)
    }

    fn backward<B: CpuBackend>(
        gradient: FloatTensor<B>,
        d: FloatTensor<B>,
        [wanted, _]: [bool; 2],
    ) -> [Option<FloatTensor<B>>; 2] {
        [wanted.then(|| scaled::<B>(gradient, B::number(d))), None]
    }
}
