//! The backends with code of their own for the walk of every cell.

use std::fmt::Debug;

use burn::backend::Backend;

// A kind of backend that is not compiled in asks nothing of a cell.
#[cfg(feature = "native-cpu")]
use crate::cpu::{self, cell::CpuCell, tensors::CpuBackend};
#[cfg(feature = "native-gpu")]
use crate::cube::cell::CubeCell;
#[cfg(not(feature = "native-cpu"))]
use crate::recurrence::Cell as CpuCell;
#[cfg(not(feature = "native-gpu"))]
use crate::recurrence::Cell as CubeCell;
use crate::{
    Scan,
    recurrence::{Arguments, Gradients, Upstream, Walked, Wanted},
};

#[cfg(feature = "native-gpu")]
mod cube;

/// A cell that every such backend can walk.
pub(crate) trait NativeCell: CpuCell + CubeCell {}

impl<R: CpuCell + CubeCell> NativeCell for R {}

/// A backend that walks a sequence, forward and back through time.
pub(crate) trait NativeBackend: Backend {
    /// What the forward walk leaves for the backward walk.
    type Saved: Clone + Debug + Send + 'static;

    /// Walks the sequence; keeps what the backward walk needs if `keep`.
    fn forward<R: NativeCell>(
        cell: R,
        arguments: Arguments<Self>,
        scan: &Scan,
        keep: bool,
    ) -> (Walked<Self>, Option<Self::Saved>);

    /// Back-propagation through time.
    fn backward<R: NativeCell>(
        cell: R,
        saved: Self::Saved,
        upstream: Upstream<Self>,
        wanted: Wanted,
    ) -> Gradients<Self>;
}

#[cfg(feature = "native-cpu")]
impl<B: CpuBackend> NativeBackend for B {
    type Saved = cpu::Saved<B>;

    fn forward<R: NativeCell>(
        cell: R,
        arguments: Arguments<Self>,
        scan: &Scan,
        keep: bool,
    ) -> (Walked<Self>, Option<Self::Saved>) {
        cpu::forward(cell, pulp::Arch::new(), arguments, scan, keep)
    }

    fn backward<R: NativeCell>(
        cell: R,
        saved: Self::Saved,
        upstream: Upstream<Self>,
        wanted: Wanted,
    ) -> Gradients<Self> {
        cpu::backward(cell, saved, upstream, wanted)
    }
}
