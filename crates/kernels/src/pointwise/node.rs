//! The operations as a Burn backend extension, and their backward passes.

use burn::backend::{
    Autodiff, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    backend_extension,
    tensor::FloatTensor,
};

use super::cpu::{Mask, masked, tanh, tanh_backward};
use crate::cpu::tensors::CpuBackend;

/// What is done to every number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Tanh,
    Mask(Mask),
}

// The selectors name the deprecated ndarray backend.
#[allow(deprecated)]
mod extension {
    use super::*;

    /// A CPU backend's own operations.
    #[backend_extension(Flex: cfg(feature = "flex"), NdArray: cfg(feature = "ndarray"), Autodiff)]
    pub(crate) trait PointwiseBackend: Backend {
        /// The operation on `input`.
        fn apply(input: FloatTensor<Self>, operation: Operation) -> FloatTensor<Self>;
    }
}
pub(crate) use extension::PointwiseBackend;

impl<B: CpuBackend> PointwiseBackend for B {
    fn apply(input: FloatTensor<Self>, operation: Operation) -> FloatTensor<Self> {
        match operation {
            Operation::Tanh => tanh::<B>(input),
            Operation::Mask(mask) => masked::<B>(input, mask),
        }
    }
}

impl<B: CpuBackend, C: CheckpointStrategy> PointwiseBackend for Autodiff<B, C> {
    fn apply(input: FloatTensor<Self>, operation: Operation) -> FloatTensor<Self> {
        let (input, node) = input.into_parts();
        let output = B::apply(input, operation);
        match Backward::<B, 1>::prepare::<C>(Node, [node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = match operation {
                    Operation::Tanh => Saved::Tanh(output.clone()),
                    Operation::Mask(mask) => Saved::Mask(mask),
                };
                prep.finish(saved, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

/// The backward pass of an operation.
#[derive(Debug)]
struct Node;

/// What that pass needs.
#[derive(Clone, Debug)]
enum Saved<B: Backend> {
    Tanh(FloatTensor<B>),
    Mask(Mask),
}

impl<B: CpuBackend> Backward<B, 1> for Node {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [input] = ops.parents;
        if let Some(input) = input {
            let gradient = match ops.state {
                Saved::Tanh(output) => tanh_backward::<B>(gradient, output),
                Saved::Mask(mask) => masked::<B>(gradient, mask),
            };
            grads.register::<B>(input.id, gradient);
        }
    }
}
