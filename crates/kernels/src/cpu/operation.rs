//! CPU backend operations that are not recurrent: one backend extension and one autodiff node for
//! all of them.

// The selectors of extensions name the ndarray backend, which Burn has deprecated.
#![allow(deprecated)]

use std::{fmt::Debug, marker::PhantomData};

use burn::backend::{
    Autodiff, Backend, Dispatch, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
    tensor::FloatTensor,
};

use super::tensors::CpuBackend;
use crate::{
    autodiff::{Pass, record, split},
    tensors::Tensors,
};

/// An operation on `N` tensors, with its other parameters.
pub(crate) trait Operation<const N: usize>: Clone + Debug + Send + 'static {
    /// State that the forward pass saves for the backward pass.
    type Saved<B: CpuBackend>: Clone + Debug + Send + 'static;

    /// The output, and the state for the backward pass.
    fn forward<B: CpuBackend>(self, inputs: [FloatTensor<B>; N]) -> (FloatTensor<B>, Self::Saved<B>);

    /// The gradients of the wanted inputs, from that of the output.
    fn backward<B: CpuBackend>(
        saved: Self::Saved<B>,
        gradient: FloatTensor<B>,
        wanted: [bool; N],
    ) -> [Option<FloatTensor<B>>; N];
}

/// Runs an operation on tensors of a CPU backend.
pub(crate) fn run<O: Operation<N>, const N: usize>(
    operation: O,
    inputs: [FloatTensor<Dispatch>; N],
) -> FloatTensor<Dispatch> {
    <Dispatch as OperationBackend>::operate::<O, N>(operation, Tensors(inputs.into()))
}

/// The native operations of a CPU backend.
#[backend_extension(Flex: cfg(feature = "flex"), NdArray: cfg(feature = "ndarray"), Autodiff)]
pub(crate) trait OperationBackend: Backend {
    /// Applies the operation to `N` inputs.
    fn operate<O: Operation<N>, const N: usize>(
        operation: O,
        #[extension_type] inputs: Tensors<Self>,
    ) -> FloatTensor<Self>;
}

impl<B: CpuBackend> OperationBackend for B {
    fn operate<O: Operation<N>, const N: usize>(operation: O, inputs: Tensors<Self>) -> FloatTensor<Self> {
        operation.forward::<B>(inputs.into_array()).0
    }
}

impl<B: CpuBackend, C: CheckpointStrategy> OperationBackend for Autodiff<B, C> {
    fn operate<O: Operation<N>, const N: usize>(operation: O, inputs: Tensors<Self>) -> FloatTensor<Self> {
        let mut nodes = Vec::new();
        let inputs = inputs.into_array::<N>().map(|input| split::<B, C>(input, &mut nodes));
        record::<B, C, _, N>(Node::<O>(PhantomData), nodes, |keep| {
            let (output, saved) = operation.forward::<B>(inputs);
            (output, keep.then_some(saved))
        })
    }
}

/// The backward pass of an operation.
#[derive(Debug)]
struct Node<O>(PhantomData<O>);

impl<B: CpuBackend, O: Operation<N>, const N: usize> Pass<B, N> for Node<O> {
    type State = O::Saved<B>;

    fn differentiate(
        self,
        saved: O::Saved<B>,
        gradient: FloatTensor<B>,
        wanted: [bool; N],
    ) -> impl IntoIterator<Item = Option<FloatTensor<B>>> {
        O::backward::<B>(saved, gradient, wanted)
    }
}
