//! A walk as an autodiff operation.
//!
//! An autodiff operation has one output, here the hidden states. A final state is a
//! second operation on top of it: its backward pass puts its gradient into a slot
//! that the walk's own backward pass, which runs later, takes it from. Nothing is
//! spent on a final state that no loss depends on.

use std::{
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

use burn::backend::{
    Autodiff, Backend, FloatDType, TensorMetadata,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};
use burn::tensor::Shape;

use crate::{
    Scan,
    backend::InputTensors,
    recurrence::{Recurrence, Upstream, Wanted},
};

/// The backward pass of a walk with cell `R`.
#[derive(Debug)]
struct Walk<R, const P: usize, const S: usize>(PhantomData<R>);

/// What that pass needs.
#[derive(Clone, Debug)]
struct State<D, B: Backend, const S: usize> {
    saved: D,
    /// Of the hidden states.
    shape: Shape,
    last: [Slot<B>; S],
}

impl<B, R, const N: usize, const P: usize, const S: usize> Backward<B, N> for Walk<R, P, S>
where
    B: Backend,
    R: Recurrence<B, P, S>,
{
    type State = State<R::Saved, B, S>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let state = ops.state;
        let hidden = grads.consume::<B>(&ops.node);
        let upstream = Upstream {
            // A lone zero means that only a final state has a gradient.
            hidden: (hidden.shape() == state.shape).then_some(hidden),
            last: state.last.map(|slot| slot.take()),
        };
        let wanted = Wanted { input: ops.parents[0].is_some(), weight_hh: ops.parents[1].is_some() };
        let gradients = R::backward(state.saved, upstream, wanted);
        let gradients = [gradients.input].into_iter().chain(gradients.parameters);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some((parent, gradient)) = parent.zip(gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

/// The hidden states and the final state of a walk that was recorded.
type Recorded<B, C, const S: usize> = (FloatTensor<Autodiff<B, C>>, [FloatTensor<Autodiff<B, C>>; S]);

/// Walks a sequence and records it; `N = P + 1` counts the input among the arguments.
pub(crate) fn record<B, C, R, const N: usize, const P: usize, const S: usize>(
    cell: R,
    input: InputTensors<Autodiff<B, C>>,
    parameters: [FloatTensor<Autodiff<B, C>>; P],
    scan: &Scan,
) -> Recorded<B, C, S>
where
    B: Backend,
    C: CheckpointStrategy,
    R: Recurrence<B, P, S>,
{
    const { assert!(N == P + 1) };
    let (input, input_node) = input.into_parts();
    let mut nodes = vec![input_node];
    let parameters = parameters.map(|parameter| {
        let (parameter, node) = parameter.into_parts();
        nodes.push(node);
        parameter
    });
    let mut nodes = nodes.into_iter();
    let nodes: [_; N] = std::array::from_fn(|_| nodes.next().expect("one node per argument"));

    let walk = Walk::<R, P, S>(PhantomData);
    let slots: [Slot<B>; S] = std::array::from_fn(|_| Slot::default());
    let (hidden, last);
    match Backward::<B, N>::prepare::<C>(walk, nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let (walked, saved) = cell.forward(input, parameters, scan, true);
            let state = State {
                saved: saved.expect("a walk keeps what it is told to"),
                shape: walked.hidden.shape(),
                last: slots.clone(),
            };
            hidden = prep.finish(state, walked.hidden);
            last = walked.last;
        }
        OpsKind::UnTracked(prep) => {
            let (walked, _) = cell.forward(input, parameters, scan, false);
            hidden = prep.finish(walked.hidden);
            last = walked.last;
        }
    }
    let mut slots = slots.into_iter();
    let last = last.map(|last| {
        let slot = slots.next().expect("one slot per tensor of state");
        match Backward::<B, 1>::prepare::<C>(FinalState, [hidden.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(slot, last),
            OpsKind::UnTracked(prep) => prep.finish(last),
        }
    });
    (hidden, last)
}

/// The backward pass of a final state.
#[derive(Debug)]
struct FinalState;

impl<B: Backend> Backward<B, 1> for FinalState {
    type State = Slot<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [hidden] = ops.parents;
        if let Some(hidden) = hidden {
            // The walk's backward pass runs only if its output has a gradient. A single
            // zero does, and adds to a full gradient by broadcasting.
            let zero = B::float_zeros([1, 1, 1].into(), &gradient.device(), FloatDType::F32);
            ops.state.put(gradient);
            grads.register::<B>(hidden.id, zero);
        }
    }
}

/// Holds the gradient of a final state between the two backward passes.
#[derive(Debug)]
struct Slot<B: Backend>(Arc<Mutex<Option<FloatTensor<B>>>>);

impl<B: Backend> Slot<B> {
    fn put(&self, gradient: FloatTensor<B>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(gradient);
    }

    fn take(&self) -> Option<FloatTensor<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<B: Backend> Clone for Slot<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: Backend> Default for Slot<B> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
