//! The backends with native code for every recurrence.

use std::collections::BTreeMap;
use std::fmt::Debug;

use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
#[cfg(feature = "native-cpu")]
use burn::tensor::DType;

#[cfg(feature = "native-gpu")]
use crate::cube::walks::CubeWalk;
#[cfg(feature = "native-cpu")]
use crate::{
    cpu::{gradients, tensors::CpuBackend, walk::CpuWalk},
    matmul::cpu::multiply,
};
// A kind of backend that is not compiled in requires nothing of an operation.
#[cfg(not(feature = "native-cpu"))]
use crate::recurrence::Recurrence as CpuWalk;
#[cfg(not(feature = "native-gpu"))]
use crate::recurrence::Recurrence as CubeWalk;
use crate::{
    Scan,
    recurrence::{Arguments, Gradients, Kept, Upstream, Wanted},
};

#[cfg(feature = "native-gpu")]
pub(crate) mod cube;

/// A recurrence with native code for every such backend.
pub(crate) trait NativeWalk: CpuWalk + CubeWalk {}

impl<R: CpuWalk + CubeWalk> NativeWalk for R {}

/// A backend with native forward and backward passes over a sequence.
pub(crate) trait NativeBackend: Backend {
    /// State that the forward pass saves for the backward pass.
    type Saved<R: NativeWalk>: Clone + Debug + Send + 'static;

    /// Runs the sequence; saves the state of the backward pass if `keep`.
    fn forward<R: NativeWalk>(
        walk: R,
        arguments: Arguments<Self>,
        scan: &Scan,
        keep: bool,
    ) -> Kept<Self, Self::Saved<R>>;

    /// `Xᵀ Y` of matrices, or of batches of them, that come in parts with some of their rows.
    fn product_over_rows(x: Vec<FloatTensor<Self>>, y: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        let below = y[0].shape().num_dims() - 2;
        let [x, y] = [x, y].map(|parts| Self::float_cat(parts, below));
        Self::float_matmul(Self::float_swap_dims(x, below, below + 1), y)
    }

    /// `Yᵀ X` `[O, I]`, where each part has rows of some columns of `X`, and of `Y`; 0 in columns without a part.
    fn products_in_columns(parts: Parts<Self>, shape: [usize; 2]) -> FloatTensor<Self> {
        joined_products::<Self>(parts, shape)
    }

    /// Back-propagation through time.
    fn backward<R: NativeWalk>(
        walk: R,
        saved: Self::Saved<R>,
        upstream: Upstream<Self>,
        wanted: Wanted,
    ) -> Gradients<Self>;
}

/// Rows of some columns of `X`, and the same rows of `Y`, in pieces; by the number of the first column.
pub(crate) type Parts<B> = BTreeMap<usize, [Vec<FloatTensor<B>>; 2]>;

/// The product of each part, and zeros between them.
fn joined_products<B: NativeBackend>(parts: Parts<B>, [outputs, inputs]: [usize; 2]) -> FloatTensor<B> {
    let one = parts.values().next().map(|[_, y]| (y[0].device(), y[0].dtype()));
    let (device, dtype) = one.expect("a token has a gradient when a part has one");
    let zeros = |width: usize| B::float_zeros([outputs, width].into(), &device, dtype.into());
    let (mut pieces, mut at) = (Vec::new(), 0);
    for (first, [x, y]) in parts {
        if first > at {
            pieces.push(zeros(first - at));
        }
        let product = B::product_over_rows(y, x);
        at = first + product.shape()[1];
        pieces.push(product);
    }
    if at < inputs {
        pieces.push(zeros(inputs - at));
    }
    B::float_cat(pieces, 1)
}

#[cfg(feature = "native-cpu")]
impl<B: CpuBackend> NativeBackend for B {
    type Saved<R: NativeWalk> = <R as CpuWalk>::Saved<B>;

    fn forward<R: NativeWalk>(
        walk: R,
        arguments: Arguments<Self>,
        scan: &Scan,
        keep: bool,
    ) -> Kept<Self, Self::Saved<R>> {
        CpuWalk::forward(walk, pulp::Arch::new(), arguments, scan, keep)
    }

    fn product_over_rows(x: Vec<FloatTensor<Self>>, y: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        let below = y[0].shape().num_dims() - 2;
        let native = y[0].dtype() == DType::F32;
        if native && below == 0 {
            return gradients::product_over_rows::<B>(x, y);
        }
        let [x, y] = [x, y].map(|parts| B::float_cat(parts, below));
        let x = B::float_swap_dims(x, below, below + 1);
        match native && B::NATIVE_PRODUCT {
            true => multiply::<B>(x, y),
            false => B::float_matmul(x, y),
        }
    }

    fn products_in_columns(parts: Parts<Self>, shape: [usize; 2]) -> FloatTensor<Self> {
        match parts.values().all(|[_, y]| y[0].dtype() == DType::F32) {
            true => gradients::products_in_columns::<B>(parts, shape),
            false => joined_products::<B>(parts, shape),
        }
    }

    fn backward<R: NativeWalk>(
        walk: R,
        saved: Self::Saved<R>,
        upstream: Upstream<Self>,
        wanted: Wanted,
    ) -> Gradients<Self> {
        CpuWalk::backward(walk, saved, upstream, wanted)
    }
}
