//! What a cell gives to be run on a GPU: its two walks.

use std::fmt::Debug;

use super::{CubeBackend, CubeTensor};
use crate::{
    Scan,
    backend::InputTensors,
    recurrence::{Gradients, Upstream, Walked, Wanted},
};

/// [`Recurrence`](crate::recurrence::Recurrence) in the tensors that kernels take.
pub(crate) trait CubeRecurrence<const P: usize, const S: usize>: Copy + Debug + Send + 'static {
    /// What the forward walk leaves for the backward walk.
    type Saved: Clone + Debug + Send + 'static;

    /// Walks the sequence.
    fn forward(
        self,
        input: InputTensors<CubeBackend>,
        parameters: [CubeTensor; P],
        scan: &Scan,
    ) -> (Walked<CubeBackend, S>, Self::Saved);

    /// Back-propagation through time.
    fn backward(saved: Self::Saved, upstream: Upstream<CubeBackend, S>, wanted: Wanted) -> Gradients<CubeBackend, P>;
}
