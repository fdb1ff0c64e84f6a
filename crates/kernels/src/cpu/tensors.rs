//! Tensors of a CPU backend as slices.

use std::sync::Arc;

use burn::backend::{
    Backend, TensorMetadata,
    tensor::{FloatTensor, IntTensor},
};
use burn::tensor::Shape;

use rayon::prelude::*;

use super::{blocks::CHUNK, pool::Buffer};

#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "ndarray")]
mod in_order;
#[cfg(feature = "ndarray")]
mod ndarray;

/// A backend with `f32` tensors in host memory.
pub(crate) trait CpuBackend: Backend {
    /// Whether products of our own are faster: see [`has_native_product`](crate::device::has_native_product).
    const NATIVE_PRODUCT: bool;

    /// The same tensor with its elements in row-major order, copied if they are not.
    fn contiguous(tensor: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The elements of a contiguous `f32` tensor.
    ///
    /// # Panics
    /// If the tensor is not contiguous, or not of `f32`.
    fn slice(tensor: &FloatTensor<Self>) -> &[f32];

    /// The elements of a contiguous `f32` tensor, mutable; a tensor that shares its memory is
    /// copied first.
    ///
    /// # Panics
    /// If the tensor is not contiguous, or not of `f32`.
    fn slice_mut(tensor: &mut FloatTensor<Self>) -> &mut [f32];

    /// Whether the tensor is contiguous and its memory has no other owner.
    fn is_unique(tensor: &FloatTensor<Self>) -> bool;

    /// Whether the elements are in row-major order without gaps.
    fn is_contiguous(tensor: &FloatTensor<Self>) -> bool;

    /// The elements of an integer tensor of any width, in row-major order.
    fn integers(tensor: IntTensor<Self>) -> Vec<i64>;

    /// A tensor of these elements, in row-major order.
    fn from_elements(elements: Vec<f32>, shape: Shape) -> FloatTensor<Self>;

    /// The element of a tensor of one.
    fn number(tensor: FloatTensor<Self>) -> f32 {
        Self::slice(&Self::contiguous(tensor))[0]
    }

    /// A tensor of zeros.
    fn zeros<const D: usize>(shape: [usize; D]) -> FloatTensor<Self> {
        Self::from_elements(vec![0.0; shape.iter().product()], shape.into())
    }

    /// A copy of a contiguous tensor that shares no memory.
    fn duplicate(tensor: &FloatTensor<Self>) -> FloatTensor<Self> {
        Self::from_elements(Self::slice(tensor).to_vec(), tensor.shape())
    }

    /// The tensor, contiguous and without another owner: copied only if necessary.
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

/// The tensor times a number.
pub(crate) fn scaled<B: CpuBackend>(tensor: FloatTensor<B>, factor: f32) -> FloatTensor<B> {
    let mut tensor = B::owned(tensor);
    if factor != 1.0 {
        let chunks = B::slice_mut(&mut tensor).par_chunks_mut(CHUNK);
        chunks.for_each(|chunk| chunk.iter_mut().for_each(|x| *x *= factor));
    }
    tensor
}

/// The gates of a whole sequence, saved for the backward pass and then overwritten by their
/// gradients.
#[derive(Clone, Debug)]
pub(crate) enum Gates<B: CpuBackend> {
    /// The projected input itself, overwritten in place; its gradient has the same shape.
    Tensor(FloatTensor<B>),
    /// A work buffer, for an input from a table.
    Pooled(Arc<Buffer>),
}

impl<B: CpuBackend> Gates<B> {
    /// An uninitialised buffer `[T, B, G]`: a tensor if the result leaves as one.
    pub fn new(shape: [usize; 3], in_tensor: bool) -> Self {
        if in_tensor {
            return Gates::Tensor(B::zeros(shape));
        }
        Gates::Pooled(Arc::new(Buffer::take(shape.iter().product())))
    }

    /// The elements, mutable.
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
