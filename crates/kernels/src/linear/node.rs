//! The operation as a Burn backend extension, and its backward pass.

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

use super::cpu::{Weight, bias_gradient, forward, rows_gradient, weight_gradient};
use crate::cpu::tensors::CpuBackend;

// The selectors name the deprecated ndarray backend.
#[allow(deprecated)]
mod extension {
    use super::*;

    /// A CPU backend's own product.
    #[backend_extension(Flex: cfg(feature = "flex"), NdArray: cfg(feature = "ndarray"), Autodiff)]
    pub(crate) trait LinearBackend: Backend {
        /// `rows W^T + bias`.
        fn linear(rows: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self>;
    }
}
pub(crate) use extension::LinearBackend;

impl<B: CpuBackend> LinearBackend for B {
    fn linear(rows: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        forward::<B>(&B::contiguous(rows), &Weight::new(weight), &B::contiguous(bias))
    }
}

impl<B: CpuBackend, C: CheckpointStrategy> LinearBackend for Autodiff<B, C> {
    fn linear(rows: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        let [(rows, rows_node), (weight, weight_node), (bias, bias_node)] =
            [rows, weight, bias].map(|tensor| tensor.into_parts());
        let (rows, weight) = (B::contiguous(rows), Weight::new(weight));
        let output = forward::<B>(&rows, &weight, &B::contiguous(bias));
        match Backward::<B, 3>::prepare::<C>(Node, [rows_node, weight_node, bias_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(Saved { rows, weight }, output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

/// The backward pass.
#[derive(Debug)]
struct Node;

/// What that pass needs.
#[derive(Clone, Debug)]
struct Saved<B: CpuBackend> {
    rows: FloatTensor<B>,
    weight: Weight<B>,
}

impl<B: CpuBackend> Backward<B, 3> for Node {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d = B::contiguous(grads.consume::<B>(&ops.node));
        let [rows, weight, bias] = ops.parents;
        let saved = ops.state;
        if let Some(node) = rows {
            grads.register::<B>(node.id, rows_gradient(&d, &saved.weight));
        }
        if let Some(node) = weight {
            grads.register::<B>(node.id, weight_gradient(&d, &saved.rows, &saved.weight));
        }
        if let Some(node) = bias {
            grads.register::<B>(node.id, bias_gradient::<B>(&d));
        }
    }
}
