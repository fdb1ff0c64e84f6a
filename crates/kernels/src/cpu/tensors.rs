//! The tensors of a CPU backend as slices.

use std::sync::Arc;

use burn::backend::{
    Backend, FloatDType, TensorMetadata,
    tensor::{FloatTensor, IntTensor},
};

use super::pool::Buffer;

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

    /// The elements of an integer tensor of any width, in row-major order.
    fn integers(tensor: IntTensor<Self>) -> Vec<i64>;

    /// A tensor of zeros.
    fn zeros<const D: usize>(shape: [usize; D], like: &FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_zeros(shape.into(), &like.device(), FloatDType::F32)
    }

    /// A copy `[B, H]` that shares no memory.
    fn duplicate(tensor: &FloatTensor<Self>) -> FloatTensor<Self> {
        let mut copy = Self::float_zeros(tensor.shape(), &tensor.device(), FloatDType::F32);
        Self::slice_mut(&mut copy).copy_from_slice(Self::slice(tensor));
        copy
    }

    /// A copy of the gradient, or zeros `[B, H]` if there is none.
    fn gradient_or_zeros(gradient: Option<FloatTensor<Self>>, like: &FloatTensor<Self>) -> FloatTensor<Self> {
        match gradient {
            Some(gradient) => Self::duplicate(&Self::contiguous(gradient)),
            None => Self::float_zeros(like.shape(), &like.device(), FloatDType::F32),
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
