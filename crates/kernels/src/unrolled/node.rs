//! The ledger of a loop, and the two autodiff operations that write and read it.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use burn::backend::{
    Autodiff, Backend, DispatchDevice, FloatDType, TensorMetadata,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    backend_extension,
    tensor::FloatTensor,
};
use burn::tensor::{Device, Shape};

use crate::backend::NativeBackend;

/// What the whole of a loop is, of which the steps take a part.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whole {
    /// A matrix that rows are multiplied by.
    Factor,
    /// A sequence that is cut into steps, the first of its dimensions.
    Sequence { time: usize },
}

/// What the steps of a loop were given in the backward pass: an [`Entry`] each, of the
/// backend that differentiates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Box<dyn Any + Send>>>>);

/// A step's line in the ledger.
struct Entry<B: Backend> {
    step: usize,
    rows: FloatTensor<B>,
    gradient: FloatTensor<B>,
}

impl Ledger {
    fn write<B: Backend>(&self, entry: Entry<B>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(entry));
    }

    /// All entries, which are of backend `B`; none are left.
    fn read<B: Backend>(&self) -> Vec<Entry<B>> {
        let entries = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let entry = |entry: Box<dyn Any + Send>| *entry.downcast().expect("one backend differentiates a loop");
        entries.into_iter().map(entry).collect()
    }
}

/// Whether the operations below are there for the backend of a device.
pub(super) fn is_known(device: &Device) -> bool {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        #[cfg(feature = "native-gpu")]
        DispatchDevice::Cube(_) => true,
        #[allow(unreachable_patterns, reason = "there are other devices when other backends are compiled in")]
        _ => false,
    }
}

// The selectors name the deprecated ndarray backend.
#[allow(deprecated)]
mod extension {
    use super::*;

    /// The two operations; without autodiff they do nothing.
    #[backend_extension(
        Flex: cfg(feature = "flex"),
        NdArray: cfg(feature = "ndarray"),
        Cube: cfg(feature = "native-gpu"),
        Autodiff
    )]
    pub(crate) trait LoopBackend: Backend {
        /// A token `[1]`, whose backward pass gives `whole` the gradient that `ledger` adds
        /// up to.
        fn open_ledger(whole: FloatTensor<Self>, ledger: Ledger, kind: Whole) -> FloatTensor<Self> {
            let _ = (ledger, kind);
            Self::float_zeros([1].into(), &whole.device(), FloatDType::F32)
        }

        /// `output`, whose gradient is written into `ledger` beside `rows`.
        fn watch(
            output: FloatTensor<Self>,
            rows: FloatTensor<Self>,
            token: FloatTensor<Self>,
            ledger: Ledger,
            step: usize,
        ) -> FloatTensor<Self> {
            let _ = (rows, token, ledger, step);
            output
        }
    }
}
pub(crate) use extension::LoopBackend;

impl<B: NativeBackend> LoopBackend for B {}

impl<B: Backend, C: CheckpointStrategy> LoopBackend for Autodiff<B, C> {
    fn open_ledger(whole: FloatTensor<Self>, ledger: Ledger, kind: Whole) -> FloatTensor<Self> {
        let (whole, node) = whole.into_parts();
        let token = B::float_zeros([1].into(), &whole.device(), FloatDType::F32);
        match Backward::<B, 1>::prepare::<C>(Open, [node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((ledger, kind, whole.shape()), token),
            OpsKind::UnTracked(prep) => prep.finish(token),
        }
    }

    fn watch(
        output: FloatTensor<Self>,
        rows: FloatTensor<Self>,
        token: FloatTensor<Self>,
        ledger: Ledger,
        step: usize,
    ) -> FloatTensor<Self> {
        let (output, node) = output.into_parts();
        let rows = rows.into_primitive();
        match Backward::<B, 2>::prepare::<C>(Watch, [node, token.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((ledger, step, rows), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

/// The backward pass of a step: writes the ledger.
#[derive(Debug)]
struct Watch;

impl<B: Backend> Backward<B, 2> for Watch {
    type State = (Ledger, usize, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (ledger, step, rows) = ops.state;
        let [output, token] = ops.parents;
        if let Some(token) = token {
            // The token's own backward pass runs only if it has a gradient.
            let zero = B::float_zeros([1].into(), &gradient.device(), FloatDType::F32);
            ledger.write::<B>(Entry { step, rows, gradient: gradient.clone() });
            grads.register::<B>(token.id, zero);
        }
        if let Some(output) = output {
            grads.register::<B>(output.id, gradient);
        }
    }
}

/// The backward pass of the token: reads the ledger.
#[derive(Debug)]
struct Open;

impl<B: Backend> Backward<B, 1> for Open {
    type State = (Ledger, Whole, Shape);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        grads.consume::<B>(&ops.node);
        let (ledger, kind, shape) = ops.state;
        let entries = ledger.read::<B>();
        let [whole] = ops.parents;
        if let Some(whole) = whole {
            let gradient = match kind {
                Whole::Factor => product(entries, shape.num_dims()),
                Whole::Sequence { time } => sequence(entries, time, shape),
            };
            grads.register::<B>(whole.id, gradient);
        }
    }
}

/// `Xᵀ dY`, with the rows of all entries below each other.
fn product<B: Backend>(entries: Vec<Entry<B>>, rank: usize) -> FloatTensor<B> {
    let below = rank - 2;
    let (rows, gradients) = entries.into_iter().map(|entry| (entry.rows, entry.gradient)).unzip();
    let [rows, gradients] = [rows, gradients].map(|parts| B::float_cat(parts, below));
    B::float_matmul(B::float_swap_dims(rows, below, below + 1), gradients)
}

/// `[T, N, W]` of the entries, `[N, W]` each; 0 for steps without one.
fn sequence<B: Backend>(entries: Vec<Entry<B>>, time: usize, shape: Shape) -> FloatTensor<B> {
    let mut steps: Vec<Option<FloatTensor<B>>> = vec![None; time];
    let step = Shape::from([1, shape[1], shape[2]]);
    let (mut device, mut dtype) = (None, FloatDType::F32);
    for entry in entries {
        (device, dtype) = (Some(entry.gradient.device()), entry.gradient.dtype().into());
        steps[entry.step] = Some(B::float_reshape(entry.gradient, step.clone()));
    }
    let device = device.expect("a token has a gradient when a step has one");
    let zeros = |gradient: Option<_>| gradient.unwrap_or_else(|| B::float_zeros(step.clone(), &device, dtype));
    B::float_cat(steps.into_iter().map(zeros).collect(), 0)
}
