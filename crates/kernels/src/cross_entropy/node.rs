//! The operation as a Burn backend extension, and its backward pass.

use burn::backend::{
    Autodiff, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    backend_extension,
    tensor::{FloatTensor, IntTensor},
};

use super::cpu::{Saved, backward, forward};
use crate::cpu::tensors::CpuBackend;

// The selectors name the deprecated ndarray backend.
#[allow(deprecated)]
mod extension {
    use super::*;

    /// A CPU backend's own cross-entropy.
    #[backend_extension(Flex: cfg(feature = "flex"), NdArray: cfg(feature = "ndarray"), Autodiff)]
    pub(crate) trait CrossEntropyBackend: Backend {
        /// The loss of each row.
        fn cross_entropy(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self>;
    }
}
pub(crate) use extension::CrossEntropyBackend;

impl<B: CpuBackend> CrossEntropyBackend for B {
    fn cross_entropy(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self> {
        forward::<B>(logits, targets).0
    }
}

impl<B: CpuBackend, C: CheckpointStrategy> CrossEntropyBackend for Autodiff<B, C> {
    fn cross_entropy(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self> {
        let (logits, node) = logits.into_parts();
        let (losses, saved) = forward::<B>(logits, targets);
        match Backward::<B, 1>::prepare::<C>(Node, [node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(saved, losses),
            OpsKind::UnTracked(prep) => prep.finish(losses),
        }
    }
}

/// The backward pass.
#[derive(Debug)]
struct Node;

impl<B: CpuBackend> Backward<B, 1> for Node {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let [logits] = ops.parents;
        if let Some(node) = logits {
            grads.register::<B>(node.id, backward(ops.state, d));
        }
    }
}
