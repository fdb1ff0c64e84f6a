//! A recurrence as an autodiff operation.
//!
//! An autodiff operation has one output, here the hidden states. A final state is a second
//! operation on top of it: its backward pass puts its gradient into a slot, from which the
//! recurrence's own backward pass, which runs later, takes it. A final state costs nothing if no
//! loss depends on it.

use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::{
    Autodiff, Backend, FloatDType, TensorMetadata,
    autodiff::{checkpoint::strategy::CheckpointStrategy, ops::NodeGuard},
    tensor::FloatTensor,
};
use burn::tensor::Shape;

use crate::{
    Scan,
    autodiff::{Pass, record, split},
    native::{NativeBackend, NativeWalk},
    recurrence::{Arguments, Upstream, Wanted},
};

/// The backward pass of a recurrence.
#[derive(Debug)]
struct Walk<R>(R);

/// The state of that pass.
#[derive(Clone, Debug)]
struct State<B: NativeBackend, R: NativeWalk> {
    saved: B::Saved<R>,
    /// The shape of the hidden states.
    shape: Shape,
    last: Vec<Slot<B>>,
}

impl<B: NativeBackend, R: NativeWalk, const N: usize> Pass<B, N> for Walk<R> {
    type State = State<B, R>;

    fn differentiate(
        self,
        state: State<B, R>,
        hidden: FloatTensor<B>,
        wanted: [bool; N],
    ) -> impl IntoIterator<Item = Option<FloatTensor<B>>> {
        let upstream = Upstream {
            // A single zero means that only a final state has a gradient.
            hidden: (hidden.shape() == state.shape).then_some(hidden),
            last: state.last.iter().map(Slot::take).collect(),
        };
        let wanted = Wanted { input: wanted[0], weight_hh: wanted[1] };
        B::backward(self.0, state.saved, upstream, wanted).in_order()
    }
}

/// The hidden states and the final state of a recorded recurrence.
type Recorded<B, C> = (FloatTensor<Autodiff<B, C>>, Vec<FloatTensor<Autodiff<B, C>>>);

/// Runs a sequence and records it.
pub(crate) fn record_walk<B, C, R>(walk: R, arguments: Arguments<Autodiff<B, C>>, scan: &Scan) -> Recorded<B, C>
where
    B: NativeBackend,
    C: CheckpointStrategy,
    R: NativeWalk,
{
    let mut nodes = Vec::new();
    let arguments = arguments.map(|tensor| split::<B, C>(tensor, &mut nodes), |tokens| tokens);
    // Nodes: the input and a state; weights; a bias or a second state.
    match nodes.len() {
        2 => record_nodes::<B, C, R, 2>(walk, nodes, arguments, scan),
        3 => record_nodes::<B, C, R, 3>(walk, nodes, arguments, scan),
        4 => record_nodes::<B, C, R, 4>(walk, nodes, arguments, scan),
        count => unreachable!("no walk has {count} arguments"),
    }
}

/// Runs a sequence and records it, with the nodes of its arguments.
fn record_nodes<B, C, R, const N: usize>(
    walk: R,
    nodes: Vec<NodeGuard>,
    arguments: Arguments<B>,
    scan: &Scan,
) -> Recorded<B, C>
where
    B: NativeBackend,
    C: CheckpointStrategy,
    R: NativeWalk,
{
    let mut last = Vec::new();
    let hidden = record::<B, C, _, N>(Walk(walk), nodes, |keep| {
        let (walked, saved) = B::forward(walk, arguments, scan, keep);
        last = walked.last.into_iter().map(|last| (last, Slot::default())).collect();
        let slots = last.iter().map(|(_, slot)| slot.clone()).collect();
        let state = saved.map(|saved| State { saved, shape: walked.hidden.shape(), last: slots });
        (walked.hidden, state)
    });
    let final_state =
        |(last, slot)| record::<B, C, _, 1>(FinalState, vec![hidden.node()], |keep| (last, keep.then_some(slot)));
    let last = last.into_iter().map(final_state).collect();
    (hidden, last)
}

/// The backward pass of a final state.
#[derive(Debug)]
struct FinalState;

impl<B: Backend> Pass<B, 1> for FinalState {
    type State = Slot<B>;

    fn differentiate(
        self,
        slot: Slot<B>,
        gradient: FloatTensor<B>,
        [hidden]: [bool; 1],
    ) -> impl IntoIterator<Item = Option<FloatTensor<B>>> {
        [hidden.then(|| {
            // The recurrence's backward pass runs only if its output has a gradient. A single zero
            // is one, and adds to a full gradient by broadcasting.
            let zero = B::float_zeros([1, 1, 1].into(), &gradient.device(), FloatDType::F32);
            slot.put(gradient);
            zero
        })]
    }
}

/// Passes the gradient of a final state from one backward pass to the other.
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
