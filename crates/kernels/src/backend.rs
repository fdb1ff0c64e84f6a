//! The recurrent operation as a Burn backend extension.

// The selectors of extensions name the ndarray backend, which Burn has deprecated.
#![allow(deprecated)]

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
        tensor::FloatTensor,
    },
    tensor::Tensor,
};

use crate::{
    Input, Outputs, Scan,
    native::{NativeBackend, NativeWalk},
    node::record_walk,
    recurrence::{Arguments, Walked},
    tensors::Tensors,
};

/// The recurrent operation of a backend with native code.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "native-gpu"),
    Autodiff
)]
pub(crate) trait RecurrentBackend: Backend {
    /// Runs a sequence; returns the hidden states of all steps, and the final state.
    fn walk<R: NativeWalk>(
        walk: R,
        #[extension_type] arguments: Arguments<Self>,
        scan: Scan,
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>);
}

impl<B: NativeBackend> RecurrentBackend for B {
    fn walk<R: NativeWalk>(
        walk: R,
        arguments: Arguments<Self>,
        scan: Scan,
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>) {
        let (Walked { hidden, last }, _) = B::forward(walk, arguments, &scan, false);
        (hidden, last)
    }
}

impl<B: NativeBackend, C: CheckpointStrategy> RecurrentBackend for Autodiff<B, C> {
    fn walk<R: NativeWalk>(
        walk: R,
        arguments: Arguments<Self>,
        scan: Scan,
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>) {
        record_walk(walk, arguments, &scan)
    }
}

/// Runs a sequence on a backend [with native code](crate::device::is_native): from `weights` and
/// the initial state, as in [`Arguments`], to the hidden states `[T, B, H]` and the final state.
pub(crate) fn walk<R: NativeWalk, const S: usize>(
    walk: R,
    input: Input,
    weights: Vec<FloatTensor<Dispatch>>,
    initial: [Tensor<2>; S],
    scan: &Scan,
) -> Outputs<S> {
    let initial = Tensors(initial.into_iter().map(Tensor::into_dispatch).collect());
    let arguments = Arguments { input: input.into(), weights: Tensors(weights), initial };
    let (hidden, last) = <Dispatch as RecurrentBackend>::walk(walk, arguments, scan.clone());
    (Tensor::from_dispatch(hidden), Tensors::<Dispatch>(last).into_array().map(Tensor::from_dispatch))
}
