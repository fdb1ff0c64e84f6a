//! The operation as a Burn backend extension.

use burn::backend::{
    Autodiff, Backend, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension, tensor::FloatTensor,
};

use super::Minimal;
use crate::{
    Scan,
    backend::{InputTensors, NativeBackend},
    node::record,
    recurrence::{Recurrence, infer},
};

// The selectors name the deprecated ndarray backend.
#[allow(deprecated)]
mod extension {
    use super::*;

    /// A backend's own code for the minimal cells.
    #[backend_extension(
        Flex: cfg(feature = "flex"),
        NdArray: cfg(feature = "ndarray"),
        Cube: cfg(feature = "native-gpu"),
        Autodiff
    )]
    pub(crate) trait MinimalBackend: Backend {
        /// The hidden states `[T, B, H]` and the final state `[B, H]`.
        fn minimal(
            #[extension_type] input: InputTensors<Self>,
            h0: FloatTensor<Self>,
            cell: Minimal,
            scan: Scan,
        ) -> (FloatTensor<Self>, FloatTensor<Self>);
    }
}
pub(crate) use extension::MinimalBackend;

/// The hidden states and the final state.
type States<B> = (FloatTensor<B>, FloatTensor<B>);

impl<B> MinimalBackend for B
where
    B: NativeBackend,
    Minimal: Recurrence<B, 1, 1>,
{
    fn minimal(input: InputTensors<Self>, h0: FloatTensor<Self>, cell: Minimal, scan: Scan) -> States<Self> {
        let walked = infer(cell, input, [h0], &scan);
        let [last] = walked.last;
        (walked.hidden, last)
    }
}

impl<B, C> MinimalBackend for Autodiff<B, C>
where
    B: Backend,
    C: CheckpointStrategy,
    Minimal: Recurrence<B, 1, 1>,
{
    fn minimal(input: InputTensors<Self>, h0: FloatTensor<Self>, cell: Minimal, scan: Scan) -> States<Self> {
        let (hidden, [last]) = record::<_, _, _, 2, _, _>(cell, input, [h0], &scan);
        (hidden, last)
    }
}
