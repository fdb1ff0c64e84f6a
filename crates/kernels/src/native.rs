//! The backends with code of their own for every walk.

use std::fmt::Debug;

use burn::backend::Backend;

#[cfg(feature = "native-cpu")]
use crate::cpu::{tensors::CpuBackend, walk::CpuWalk};
#[cfg(feature = "native-gpu")]
use crate::cube::walks::CubeWalk;
// A kind of backend that is not compiled in asks nothing of an operation.
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

/// A walk that every such backend has code for.
pub(crate) trait NativeWalk: CpuWalk + CubeWalk {}

impl<R: CpuWalk + CubeWalk> NativeWalk for R {}

/// A backend that walks sequences, forward and back through time.
pub(crate) trait NativeBackend: Backend {
    /// What the forward pass leaves for the backward pass.
    type Saved<R: NativeWalk>: Clone + Debug + Send + 'static;

    /// Walks the sequence; keeps what the backward pass needs if `keep`.
    fn forward<R: NativeWalk>(
        walk: R,
        arguments: Arguments<Self>,
        scan: &Scan,
        keep: bool,
    ) -> Kept<Self, Self::Saved<R>>;

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

    fn backward<R: NativeWalk>(
        walk: R,
        saved: Self::Saved<R>,
        upstream: Upstream<Self>,
        wanted: Wanted,
    ) -> Gradients<Self> {
        CpuWalk::backward(walk, saved, upstream, wanted)
    }
}
