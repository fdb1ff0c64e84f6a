//! Operations as nodes of Burn's autodiff.

use burn::backend::{
    Autodiff, Backend,
    autodiff::{
        checkpoint::strategy::CheckpointStrategy,
        grads::Gradients,
        ops::{Backward, NodeGuard, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

/// The tensor of the inner backend; its node joins `nodes`.
pub(crate) fn split<B: Backend, C: CheckpointStrategy>(
    tensor: FloatTensor<Autodiff<B, C>>,
    nodes: &mut Vec<NodeGuard>,
) -> FloatTensor<B> {
    let (tensor, node) = tensor.into_parts();
    nodes.push(node);
    tensor
}

/// Runs an operation and records it with `node`, its backward pass, if one of its `N` parents has a
/// gradient; `run` is told whether the state of the backward pass is wanted.
pub(crate) fn record<B, C, R, const N: usize>(
    node: R,
    parents: Vec<NodeGuard>,
    run: impl FnOnce(bool) -> (FloatTensor<B>, Option<R::State>),
) -> FloatTensor<Autodiff<B, C>>
where
    B: Backend,
    C: CheckpointStrategy,
    R: Backward<B, N>,
{
    let Ok(parents) = <[NodeGuard; N]>::try_from(parents) else { unreachable!("a node has {N} parents") };
    match node.prepare::<C>(parents).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let (output, state) = run(true);
            prep.finish(state.expect("an operation keeps what it is told to"), output)
        }
        OpsKind::UnTracked(prep) => prep.finish(run(false).0),
    }
}

/// Runs the backward pass of an operation: `pass` is given the state, the gradient of the output and
/// which parents have a gradient, and returns those gradients in order.
pub(crate) fn differentiate<B: Backend, S, I, const N: usize>(
    ops: Ops<S, N>,
    grads: &mut Gradients,
    pass: impl FnOnce(S, FloatTensor<B>, [bool; N]) -> I,
) where
    I: IntoIterator<Item = Option<FloatTensor<B>>>,
{
    let gradient = grads.consume::<B>(&ops.node);
    let wanted = ops.parents.each_ref().map(Option::is_some);
    for (parent, gradient) in ops.parents.into_iter().zip(pass(ops.state, gradient, wanted)) {
        if let Some((parent, gradient)) = parent.zip(gradient) {
            grads.register::<B>(parent.id, gradient);
        }
    }
}
