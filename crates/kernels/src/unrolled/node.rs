//! The ledger of a loop, with the two autodiff operations that write and read it.

// The selectors of extensions name the ndarray backend, which Burn has deprecated.
#![allow(deprecated)]

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use burn::backend::{
    Autodiff, Backend, FloatDType, TensorMetadata, autodiff::checkpoint::strategy::CheckpointStrategy,
    backend_extension, tensor::FloatTensor,
};
use burn::tensor::Shape;

#[cfg(feature = "native-cpu")]
use crate::cpu::tensors::CpuBackend;
use crate::{
    autodiff::{Pass, record, split},
    native::{NativeBackend, Parts},
};

/// The whole tensor of a loop, of which the steps use a part.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whole {
    /// A matrix that rows are multiplied by.
    Factor,
    /// The weight `[O, I]` of a layer, of which the transposes of some columns are such matrices.
    Columns,
    /// A sequence that is cut into steps, the first of its dimensions.
    Sequence { time: usize },
    /// A tensor whose gradient is added up in the ledger.
    #[cfg(feature = "native-cpu")]
    Sum,
}

/// The gradients of a loop's steps, from the backward pass: an [`Entry`] each, of the backend that
/// differentiates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Box<dyn Any + Send>>>>);

/// The ledger entry of a step.
struct Entry<B: Backend> {
    /// The step of a sequence, or the first column that the rows are multiplied by.
    at: usize,
    rows: FloatTensor<B>,
    gradient: FloatTensor<B>,
}

impl Ledger {
    fn write<B: Backend>(&self, entry: Entry<B>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(entry));
    }

    /// Adds to the sum in the ledger, at first zeros of this shape.
    #[cfg(feature = "native-cpu")]
    pub fn add<B: CpuBackend>(&self, shape: Shape, add: impl FnOnce(&mut [f32])) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.is_empty() {
            let zeros = vec![0.0; shape.num_elements()];
            entries.push(Box::new(B::from_elements(zeros, shape)));
        }
        let sum = entries[0].downcast_mut::<FloatTensor<B>>().expect("one backend differentiates a loop");
        add(B::slice_mut(sum));
    }

    /// Takes the sum, of backend `B`.
    #[cfg(feature = "native-cpu")]
    fn sum<B: Backend>(&self) -> FloatTensor<B> {
        let sum = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        *sum.expect("a token has a gradient when something was added").downcast().expect("as above")
    }

    /// Takes all entries, which are of backend `B`.
    fn read<B: Backend>(&self) -> Vec<Entry<B>> {
        let entries = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let entry = |entry: Box<dyn Any + Send>| *entry.downcast().expect("one backend differentiates a loop");
        entries.into_iter().map(entry).collect()
    }
}

/// The two operations; without autodiff they do nothing.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "native-gpu"),
    Autodiff
)]
pub(crate) trait LoopBackend: Backend {
    /// A token `[1]`, whose backward pass gives `whole` the total gradient in `ledger`.
    fn open_ledger(whole: FloatTensor<Self>, ledger: Ledger, kind: Whole) -> FloatTensor<Self> {
        let _ = (ledger, kind);
        Self::float_zeros([1].into(), &whole.device(), FloatDType::F32)
    }

    /// Returns `output`, whose gradient is recorded in `ledger` with `rows`.
    fn watch(
        output: FloatTensor<Self>,
        rows: FloatTensor<Self>,
        token: FloatTensor<Self>,
        ledger: Ledger,
        at: usize,
    ) -> FloatTensor<Self> {
        let _ = (rows, token, ledger, at);
        output
    }
}

impl<B: NativeBackend> LoopBackend for B {}

impl<B: NativeBackend, C: CheckpointStrategy> LoopBackend for Autodiff<B, C> {
    fn open_ledger(whole: FloatTensor<Self>, ledger: Ledger, kind: Whole) -> FloatTensor<Self> {
        let mut nodes = Vec::new();
        let whole = split::<B, C>(whole, &mut nodes);
        record::<B, C, _, 1>(Open, nodes, |keep| {
            let token = B::float_zeros([1].into(), &whole.device(), FloatDType::F32);
            (token, keep.then(|| (ledger, kind, whole.shape())))
        })
    }

    fn watch(
        output: FloatTensor<Self>,
        rows: FloatTensor<Self>,
        token: FloatTensor<Self>,
        ledger: Ledger,
        at: usize,
    ) -> FloatTensor<Self> {
        let mut nodes = Vec::new();
        let output = split::<B, C>(output, &mut nodes);
        nodes.push(token.node());
        record::<B, C, _, 2>(Watch, nodes, |keep| (output, keep.then(|| (ledger, at, rows.into_primitive()))))
    }
}

/// The backward pass of a step: writes to the ledger.
#[derive(Debug)]
struct Watch;

impl<B: Backend> Pass<B, 2> for Watch {
    type State = (Ledger, usize, FloatTensor<B>);

    fn differentiate(
        self,
        (ledger, at, rows): Self::State,
        gradient: FloatTensor<B>,
        [output, token]: [bool; 2],
    ) -> impl IntoIterator<Item = Option<FloatTensor<B>>> {
        let token = token.then(|| {
            // The token's own backward pass runs only if it has a gradient.
            let zero = B::float_zeros([1].into(), &gradient.device(), FloatDType::F32);
            ledger.write::<B>(Entry { at, rows, gradient: gradient.clone() });
            zero
        });
        [output.then_some(gradient), token]
    }
}

/// The backward pass of the token: reads the ledger.
#[derive(Debug)]
struct Open;

impl<B: NativeBackend> Pass<B, 1> for Open {
    type State = (Ledger, Whole, Shape);

    fn differentiate(
        self,
        (ledger, kind, shape): Self::State,
        _: FloatTensor<B>,
        [whole]: [bool; 1],
    ) -> impl IntoIterator<Item = Option<FloatTensor<B>>> {
        [whole.then(|| match kind {
            Whole::Factor => product(ledger.read::<B>()),
            Whole::Columns => columns(ledger.read::<B>(), [shape[0], shape[1]]),
            Whole::Sequence { time } => sequence(ledger.read::<B>(), time, shape),
            #[cfg(feature = "native-cpu")]
            Whole::Sum => ledger.sum::<B>(),
        })]
    }
}

/// `Xᵀ dY`, with the rows of all entries.
fn product<B: NativeBackend>(entries: Vec<Entry<B>>) -> FloatTensor<B> {
    let (rows, gradients) = entries.into_iter().map(|entry| (entry.rows, entry.gradient)).unzip();
    B::product_over_rows(rows, gradients)
}

/// `dYᵀ X` `[O, I]`, with the rows of all entries: each in the columns that they are multiplied by.
fn columns<B: NativeBackend>(entries: Vec<Entry<B>>, shape: [usize; 2]) -> FloatTensor<B> {
    let mut parts = Parts::<B>::new();
    for Entry { at, rows, gradient } in entries {
        let [x, y] = parts.entry(at).or_default();
        x.push(rows);
        y.push(gradient);
    }
    B::products_in_columns(parts, shape)
}

/// `[T, N, W]` of the entries, `[N, W]` each; 0 for steps without one.
fn sequence<B: Backend>(entries: Vec<Entry<B>>, time: usize, shape: Shape) -> FloatTensor<B> {
    let mut steps: Vec<Option<FloatTensor<B>>> = vec![None; time];
    let step = Shape::from([1, shape[1], shape[2]]);
    let (mut device, mut dtype) = (None, FloatDType::F32);
    for entry in entries {
        (device, dtype) = (Some(entry.gradient.device()), entry.gradient.dtype().into());
        steps[entry.at] = Some(B::float_reshape(entry.gradient, step.clone()));
    }
    let device = device.expect("a token has a gradient when a step has one");
    let zeros = |gradient: Option<_>| gradient.unwrap_or_else(|| B::float_zeros(step.clone(), &device, dtype));
    B::float_cat(steps.into_iter().map(zeros).collect(), 0)
}
