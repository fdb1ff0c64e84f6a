//! The tensors of a CPU backend as slices.

use std::sync::Arc;

use burn::backend::{
    Backend, TensorMetadata,
    tensor::{FloatTensor, IntTensor},
};
use burn::tensor::Shape;

use super::pool::Buffer;

#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "ndarray")]
mod ndarray;

/// A backend whose `f32` tensors lie in memory.
pub(crate) trait CpuBackend: Backend {
    /// The same tensor with its elements in row-major order, copied if they are not.
    fn contiguous(tensor: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The elements of a contiguous `f32` tensor.
    ///
    /// # Panics
    /// If the tensor is not contiguous, or not of `f32`.
    fn slice(tensor: &FloatTensor<Self>) -> &[f32];

    /// The elements of a contiguous `f32` tensor, to be changed; a tensor that shares
    /// its memory gets a copy of its own first.
    ///
    /// # Panics
    /// If the tensor is not contiguous, or not of `f32`.
    fn slice_mut(tensor: &mut FloatTensor<Self>) -> &mut [f32];

    /// Whether the tensor is contiguous and shares its memory with no other.
    fn is_unique(tensor: &FloatTensor<Self>) -> bool;

    /// Whether the elements lie in row-major order with nothing between them.
    fn is_contiguous(tensor: &FloatTensor<Self>) -> bool;

    /// The elements of an integer tensor of any width, in row-major order.
    fn integers(tensor: IntTensor<Self>) -> Vec<i64>;

    /// A tensor of these elements, in row-major order.
    fn from_elements(elements: Vec<f32>, shape: Shape) -> FloatTensor<Self>;

    /// A tensor of zeros.
    fn zeros<const D: usize>(shape: [usize; D]) -> FloatTensor<Self> {
        Self::from_elements(vec![0.0; shape.iter().product()], shape.into())
    }

    /// A copy of a contiguous tensor that shares no memory.
    fn duplicate(tensor: &FloatTensor<Self>) -> FloatTensor<Self> {
        Self::from_elements(Self::slice(tensor).to_vec(), tensor.shape())
    }

    /// The tensor, contiguous and sharing its memory with no other: copied only if it must be.
    fn owned(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        let tensor = Self::contiguous(tensor);
        if Self::is_unique(&tensor) { tensor } else { Self::duplicate(&tensor) }
    }

    /// A copy of the gradient, or zeros `[B, H]` if there is none.
    fn gradient_or_zeros(gradient: Option<FloatTensor<Self>>, like: &FloatTensor<Self>) -> FloatTensor<Self> {
        match gradient {
            Some(gradient) => Self::duplicate(&Self::contiguous(gradient)),
            None => Self::from_elements(vec![0.0; like.shape().num_elements()], like.shape()),
        }
    }
}

/// The gates of a whole sequence, kept for the backward pass and then overwritten by
/// their own gradients.
#[derive(Clone, Debug)]
pub(crate) enum Gates<B: CpuBackend> {
    /// The projected input itself, overwritten in place; its gradient has the same shape.
    Tensor(FloatTensor<B>),
    /// A work buffer, for an input that was looked up.
    Pooled(Arc<Buffer>),
}

impl<B: CpuBackend> Gates<B> {
    /// Numbers `[T, B, G]` of any value: in a tensor if they are to leave in one.
    pub fn new(shape: [usize; 3], in_tensor: bool) -> Self {
        if in_tensor {
            return Gates::Tensor(B::zeros(shape));
        }
        Gates::Pooled(Arc::new(Buffer::take(shape.iter().product())))
    }

    /// The numbers, to be changed.
    pub fn slice_mut(&mut self) -> &mut [f32] {
        match self {
            Gates::Tensor(tensor) => B::slice_mut(tensor),
            Gates::Pooled(buffer) => {
                if Arc::get_mut(buffer).is_none() {
                    let mut copy = Buffer::take(buffer.len());
                    copy.copy_from_slice(buffer);
                    *buffer = Arc::new(copy);
                }
                Arc::get_mut(buffer).expect("a buffer that was just made is not shared")
            }
        }
    }

    /// The tensor, if it is one.
    pub fn into_tensor(self) -> Option<FloatTensor<B>> {
        match self {
            Gates::Tensor(tensor) => Some(tensor),
            Gates::Pooled(_) => None,
        }
    }
}
