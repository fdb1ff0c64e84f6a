//! A recurrence on the CPU backends.

use std::fmt::Debug;

use pulp::Arch;

use super::{
    backward::backward,
    cell::CpuCell,
    forward::{Saved, forward},
    tensors::CpuBackend,
};
use crate::{
    Scan,
    recurrence::{Arguments, Gradients, Kept, Recurrence, Upstream, Wanted},
};

/// The forward and backward passes over a sequence, on every CPU backend.
pub(crate) trait CpuWalk: Recurrence {
    /// State that the forward pass saves for the backward pass.
    type Saved<B: CpuBackend>: Clone + Debug + Send + 'static;

    /// Runs the sequence with the instruction set `arch`; saves the state of the backward pass if `keep`.
    fn forward<B: CpuBackend>(
        self,
        arch: Arch,
        arguments: Arguments<B>,
        scan: &Scan,
        keep: bool,
    ) -> Kept<B, Self::Saved<B>>;

    /// Back-propagation through time.
    fn backward<B: CpuBackend>(self, saved: Self::Saved<B>, upstream: Upstream<B>, wanted: Wanted) -> Gradients<B>;
}

impl<R: CpuCell> CpuWalk for R {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(self, arch: Arch, arguments: Arguments<B>, scan: &Scan, keep: bool) -> Kept<B, Saved<B>> {
        forward(self, arch, arguments, scan, keep)
    }

    fn backward<B: CpuBackend>(self, saved: Saved<B>, upstream: Upstream<B>, wanted: Wanted) -> Gradients<B> {
        backward(self, saved, upstream, wanted)
    }
}
