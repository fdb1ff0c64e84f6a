//! GPU backend operations that are not recurrent: one backend extension and one autodiff node for all of them. Those
//! of the CPU are in `cpu::operation`; they are generic over its backends.

use std::{fmt::Debug, marker::PhantomData};

use burn::backend::{
    Autodiff, Backend, Dispatch, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
    tensor::FloatTensor,
};
use burn_cubecl::{Cube, tensor::CubeTensor};

use crate::{
    autodiff::{Pass, record, split},
    native::cube::cast,
    tensors::Tensors,
};

/// An operation on `N` tensors, with its other parameters.
pub(crate) trait Operation<const N: usize>: Clone + Debug + Send + 'static {
    /// State that the forward pass saves for the backward pass.
    type Saved: Clone + Debug + Send + 'static;

    /// The output, and the state for the backward pass.
    fn forward(self, inputs: [CubeTensor; N]) -> (CubeTensor, Self::Saved);

    /// The gradients of the wanted inputs, from that of the output.
    fn backward(saved: Self::Saved, gradient: CubeTensor, wanted: [bool; N]) -> [Option<CubeTensor>; N];
}

/// Runs an operation on tensors of a GPU that runs our kernels.
pub(crate) fn run<O: Operation<N>, const N: usize>(
    operation: O,
    inputs: [FloatTensor<Dispatch>; N],
) -> FloatTensor<Dispatch> {
    <Dispatch as GpuOperations>::operate_on_gpu::<O, N>(operation, Tensors(inputs.into()))
}

/// The operations of a GPU backend.
#[backend_extension(Cube: cfg(feature = "native-gpu"), Autodiff)]
pub(crate) trait GpuOperations: Backend {
    /// Applies the operation to `N` inputs.
    fn operate_on_gpu<O: Operation<N>, const N: usize>(
        operation: O,
        #[extension_type] inputs: Tensors<Self>,
    ) -> FloatTensor<Self>;
}

impl GpuOperations for Cube {
    fn operate_on_gpu<O: Operation<N>, const N: usize>(operation: O, inputs: Tensors<Self>) -> FloatTensor<Self> {
        cast(operation.forward(inputs.into_array().map(cast)).0)
    }
}

impl<C: CheckpointStrategy> GpuOperations for Autodiff<Cube, C> {
    fn operate_on_gpu<O: Operation<N>, const N: usize>(operation: O, inputs: Tensors<Self>) -> FloatTensor<Self> {
        let mut nodes = Vec::new();
        let inputs = inputs.into_array::<N>().map(|input| split::<Cube, C>(input, &mut nodes));
        record::<Cube, C, _, N>(Node::<O>(PhantomData), nodes, |keep| {
            let (output, saved) = operation.forward(inputs.map(cast));
            (cast(output), keep.then_some(saved))
        })
    }
}

/// The backward pass of an operation.
#[derive(Debug)]
struct Node<O>(PhantomData<O>);

impl<O: Operation<N>, const N: usize> Pass<Cube, N> for Node<O> {
    type State = O::Saved;

    fn differentiate(
        self,
        saved: O::Saved,
        gradient: FloatTensor<Cube>,
        wanted: [bool; N],
    ) -> impl IntoIterator<Item = Option<FloatTensor<Cube>>> {
        O::backward(saved, cast(gradient), wanted).map(|gradient| gradient.map(cast))
    }
}
