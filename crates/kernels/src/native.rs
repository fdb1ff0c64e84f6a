//! The backends with native code for every recurrence.

use std::fmt::Debug;

#[cfg(feature = "native-cpu")]
use burn::backend::TensorMetadata;
use burn::backend::{Backend, tensor::FloatTensor};
#[cfg(feature = "native-cpu")]
use burn::tensor::DType;

#[cfg(feature = "native-gpu")]
use crate::cube::walks::CubeWalk;
#[cfg(feature = "native-cpu")]
use crate::{
    cpu::{tensors::CpuBackend, walk::CpuWalk},
    matmul::cpu::{fits, multiply},
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
mod cube;

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

    /// The product of two matrices, or of two batches of them of one size.
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_matmul(a, b)
    }

    /// Back-propagation through time.
    fn backward<R: NativeWalk>(
        walk: R,
        saved: Self::Saved<R>,
        upstream: Upstream<Self>,
        wanted: Wanted,
    ) -> Gradients<Self>;
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

    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        if B::NATIVE_PRODUCT && a.dtype() == DType::F32 && fits(&a.shape(), &b.shape()) {
            multiply::<B>(a, b)
        } else {
            B::float_matmul(a, b)
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
