//! Operations as nodes of Burn's autodiff graph.

use std::fmt::Debug;

use burn::backend::{
    Autodiff, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, NodeGuard, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

/// The backward pass of an operation on `N` tensors.
pub(crate) trait Pass<B: Backend, const N: usize>: Debug + Send + 'static {
    /// State that the forward pass saves for it.
    type State: Clone + Debug + Send + 'static;

    /// The gradients of the `wanted` tensors, in order, from that of the output.
    fn differentiate(
        self,
        state: Self::State,
        gradient: FloatTensor<B>,
        wanted: [bool; N],
    ) -> impl IntoIterator<Item = Option<FloatTensor<B>>>;
}

/// Unwraps the tensor of the inner backend; its node is added to `nodes`.
pub(crate) fn split<B: Backend, C: CheckpointStrategy>(
    tensor: FloatTensor<Autodiff<B, C>>,
    nodes: &mut Vec<NodeGuard>,
) -> FloatTensor<B> {
    let (tensor, node) = tensor.into_parts();
    nodes.push(node);
    tensor
}

/// Runs an operation and records it with its backward pass, if one of its `N` parents has a gradient; `run` gets
/// whether to save the state of the backward pass.
pub(crate) fn record<B: Backend, C: CheckpointStrategy, P: Pass<B, N>, const N: usize>(
    pass: P,
    parents: Vec<NodeGuard>,
    run: impl FnOnce(bool) -> (FloatTensor<B>, Option<P::State>),
) -> FloatTensor<Autodiff<B, C>> {
    let Ok(parents) = <[NodeGuard; N]>::try_from(parents) else { unreachable!("an operation on {N} tensors") };
    match Node(pass).prepare::<C>(parents).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let (output, state) = run(true);
            prep.finish(state.expect("an operation keeps what it is told to"), output)
        }
        OpsKind::UnTracked(prep) => prep.finish(run(false).0),
    }
}

/// [`Pass`] as Burn's `Backward` trait.
#[derive(Debug)]
struct Node<P>(P);

impl<B: Backend, P: Pass<B, N>, const N: usize> Backward<B, N> for Node<P> {
    type State = P::State;

    fn backward(self, ops: Ops<P::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = self.0.differentiate(ops.state, gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some((parent, gradient)) = parent.zip(gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}
