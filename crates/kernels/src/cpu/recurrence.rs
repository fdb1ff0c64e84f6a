//! What a cell gives to be run as native code: its two walks over slices.

use std::fmt::Debug;

use burn::backend::tensor::FloatTensor;
use pulp::Arch;

use super::tensors::CpuBackend;
use crate::{
    Scan,
    backend::InputTensors,
    recurrence::{Gradients, Recurrence, Upstream, Walked, Wanted},
};

/// [`Recurrence`] for every CPU backend, and with the instructions to use as an argument.
pub(crate) trait CpuRecurrence<const P: usize, const S: usize>: Copy + Debug + Send + 'static {
    /// What the forward walk leaves for the backward walk.
    type Saved<B: CpuBackend>: Clone + Debug + Send + 'static;

    /// Walks the sequence; `keep`s what the backward walk needs, or nothing.
    fn forward<B: CpuBackend>(
        self,
        arch: Arch,
        input: InputTensors<B>,
        parameters: [FloatTensor<B>; P],
        scan: &Scan,
        keep: bool,
    ) -> (Walked<B, S>, Option<Self::Saved<B>>);

    /// Back-propagation through time.
    fn backward<B: CpuBackend>(saved: Self::Saved<B>, upstream: Upstream<B, S>, wanted: Wanted) -> Gradients<B, P>;
}

impl<B: CpuBackend, R: CpuRecurrence<P, S>, const P: usize, const S: usize> Recurrence<B, P, S> for R {
    type Saved = R::Saved<B>;

    fn forward(
        self,
        input: InputTensors<B>,
        parameters: [FloatTensor<B>; P],
        scan: &Scan,
        keep: bool,
    ) -> (Walked<B, S>, Option<Self::Saved>) {
        CpuRecurrence::forward(self, Arch::new(), input, parameters, scan, keep)
    }

    fn backward(saved: Self::Saved, upstream: Upstream<B, S>, wanted: Wanted) -> Gradients<B, P> {
        R::backward::<B>(saved, upstream, wanted)
    }
}
