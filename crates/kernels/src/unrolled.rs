//! Loops that must run step by step, because a step depends on the output of the previous one, as
//! in a decoder with attention.
//!
//! In a plain loop, automatic differentiation computes a gradient of the whole tensor at each step
//! that uses a part of it. Here it does so once per loop:
//!
//! - [`Repeated`]: a matrix that every step multiplies by. Its gradient is one product over all
//!   steps, `Xᵀ dY` over the rows of all of them, instead of a sum of one full matrix per step. On a CPU, it is packed
//!   once for all of them.
//! - [`LayerWeight`]: the weight of a layer, of whose columns some are multiplied by what is known before the loop, and
//!   others by what a step computes. Its gradient is computed whole, instead of a sum of whole weights, each zero
//!   except for a part.
//! - [`PackedOnce`]: the same for the recurrent weights, where a step is a walk over a sequence of one.
//! - [`unbind`]: the steps of a sequence. Their gradients are concatenated once, instead of a sum
//!   of whole sequences, each zero except for one step.
//!
//! Neither changes a value or a gradient except for the order of sums. In the backward pass, each
//! step records its gradient in a ledger. The steps depend on a token, whose own backward pass runs
//! after theirs and reads the ledger.

#[cfg(feature = "native-cpu")]
mod cpu;
#[cfg(feature = "native")]
mod node;

use std::ops::Range;
#[cfg(feature = "native-cpu")]
use std::sync::Arc;

use burn::tensor::Tensor;

use crate::layout::contiguous;
use crate::matmul::matmul;
#[cfg(feature = "native-cpu")]
use crate::{
    cpu::{forward::Weights, once::Once, operation::run, panels::Panels},
    device::is_native_on_cpu,
};

#[cfg(feature = "native")]
pub(crate) use self::node::Ledger;
#[cfg(feature = "native")]
use self::node::{LoopBackend, Whole};
#[cfg(feature = "native")]
use crate::device::is_known;

/// A matrix, or a batch of them, that every step of a loop multiplies by; create a new one for each
/// loop.
#[derive(Clone, Debug)]
pub struct Repeated<const D: usize> {
    /// `[.., I, O]`
    matrix: Tensor<D>,
    #[cfg(feature = "native-cpu")]
    packed: Arc<Once<Panels>>,
    #[cfg(feature = "native")]
    opened: Option<Opened>,
    /// The first of the columns of a [`LayerWeight`] that it is.
    #[cfg(feature = "native")]
    first: usize,
}

/// The weight `[O, I]` of a layer in a loop; create a new one for each loop.
#[derive(Clone, Debug)]
pub struct LayerWeight {
    weight: Tensor<2>,
    #[cfg(feature = "native")]
    opened: Option<Opened>,
}

impl LayerWeight {
    /// `weight` `[O, I]`.
    pub fn new(weight: Tensor<2>) -> Self {
        #[cfg(feature = "native")]
        {
            let opened = Opened::new(&weight, Whole::Columns);
            Self { weight, opened }
        }
        #[cfg(not(feature = "native"))]
        Self { weight }
    }

    /// The matrix `[I, O]` that the layer multiplies by.
    pub fn whole(&self) -> Repeated<2> {
        self.columns(0..self.weight.dims()[1])
    }

    /// The part of it `[columns, O]` for some columns of the input.
    ///
    /// # Panics
    /// If the weight has no such columns, or there is none among them.
    pub fn columns(&self, columns: Range<usize>) -> Repeated<2> {
        // A part of each row is contiguous only as a copy, and its transpose is free.
        let matrix = contiguous(self.weight.clone().narrow(1, columns.start, columns.len())).transpose();
        Repeated {
            #[cfg(feature = "native")]
            matrix: if self.opened.is_some() { matrix.detach() } else { matrix },
            #[cfg(not(feature = "native"))]
            matrix,
            #[cfg(feature = "native-cpu")]
            packed: Arc::default(),
            #[cfg(feature = "native")]
            opened: self.opened.clone(),
            #[cfg(feature = "native")]
            first: columns.start,
        }
    }
}

/// Recurrent weights that a [`Scan`](crate::Scan) keeps packed for the next walk by the same ones.
#[derive(Clone, Debug, Default)]
pub struct PackedOnce {
    #[cfg(feature = "native-cpu")]
    weights: Option<Arc<Once<Weights>>>,
}

impl PackedOnce {
    /// One that its clones share.
    pub fn shared() -> Self {
        Self {
            #[cfg(feature = "native-cpu")]
            weights: Some(Arc::default()),
        }
    }

    #[cfg(feature = "native-cpu")]
    pub(crate) fn weights(&self) -> Option<&Once<Weights>> {
        self.weights.as_deref()
    }
}

/// The token of a loop and its ledger.
#[cfg(feature = "native")]
#[derive(Clone, Debug)]
struct Opened {
    token: Tensor<1>,
    ledger: Ledger,
}

#[cfg(feature = "native")]
impl Opened {
    /// Opens a ledger for `whole`; none if there is nothing to differentiate, or the backend is not
    /// supported.
    fn new<const D: usize>(whole: &Tensor<D>, kind: Whole) -> Option<Self> {
        let device = whole.device();
        if !(device.is_autodiff() && is_known(&device)) {
            return None;
        }
        let ledger = Ledger::default();
        let whole = whole.clone().into_dispatch();
        let token = <burn::backend::Dispatch as LoopBackend>::open_ledger(whole, ledger.clone(), kind);
        Some(Self { token: Tensor::from_dispatch(token), ledger })
    }

    /// Returns `output`; its backward pass records the gradient with `rows`, as those of a step, or of a first column.
    fn watch<const D: usize>(&self, output: Tensor<D>, rows: Tensor<D>, at: usize) -> Tensor<D> {
        Tensor::from_dispatch(<burn::backend::Dispatch as LoopBackend>::watch(
            output.into_dispatch(),
            rows.into_dispatch(),
            self.token.clone().into_dispatch(),
            self.ledger.clone(),
            at,
        ))
    }
}

/// A tensor that operations of a loop read, and add its gradient up for in a [`Ledger`].
#[cfg(feature = "native-cpu")]
#[derive(Clone, Debug)]
pub(crate) struct Summed<const D: usize> {
    whole: Tensor<D>,
    token: Tensor<1>,
    ledger: Ledger,
}

#[cfg(feature = "native-cpu")]
impl<const D: usize> Summed<D> {
    pub fn new(whole: Tensor<D>) -> Self {
        match Opened::new(&whole, Whole::Sum) {
            Some(Opened { token, ledger }) => Self { whole: whole.detach(), token, ledger },
            None => {
                let token = Tensor::zeros([1], (&whole.device(), whole.dtype()));
                Self { whole, token, ledger: Ledger::default() }
            }
        }
    }

    /// The tensor without its history.
    pub fn whole(&self) -> Tensor<D> {
        self.whole.clone()
    }

    /// `[1]`: has a gradient when something was added to the ledger.
    pub fn token(&self) -> Tensor<1> {
        self.token.clone()
    }

    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }
}

impl<const D: usize> Repeated<D> {
    /// `matrix` `[.., I, O]`, of two dimensions or more.
    pub fn new(matrix: Tensor<D>) -> Self {
        #[cfg(feature = "native")]
        {
            let opened = Opened::new(&matrix, Whole::Factor);
            let matrix = if opened.is_some() { matrix.detach() } else { matrix };
            Self {
                matrix,
                #[cfg(feature = "native-cpu")]
                packed: Arc::default(),
                opened,
                first: 0,
            }
        }
        #[cfg(not(feature = "native"))]
        Self { matrix }
    }

    /// `rows` `[.., N, I]` times the matrix: `[.., N, O]`.
    pub fn product(&self, rows: Tensor<D>) -> Tensor<D> {
        #[cfg(feature = "native-cpu")]
        if self.is_packed() {
            let inputs = [rows.clone().into_dispatch(), self.matrix.clone().into_dispatch()];
            let product = Tensor::from_dispatch(run(cpu::Product(self.packed.clone()), inputs));
            return self.credit(rows, product);
        }
        self.credit(rows.clone(), matmul(rows, self.matrix.clone()))
    }

    /// `sum` `[.., N, O]`, or one row `[.., 1, O]` for all, plus the product of `rows` `[.., N, I]` and the matrix.
    pub fn add_product(&self, sum: Tensor<D>, rows: Tensor<D>) -> Tensor<D> {
        #[cfg(feature = "native-cpu")]
        if self.is_packed() {
            let inputs = [sum.into_dispatch(), rows.clone().into_dispatch(), self.matrix.clone().into_dispatch()];
            let sum = Tensor::from_dispatch(run(cpu::AddProduct(self.packed.clone()), inputs));
            return self.credit(rows, sum);
        }
        sum + self.product(rows)
    }

    /// Whether [`add_product`](Self::add_product) reads one row for all as fast as one for each. A GPU needs a kernel
    /// more for the gradient of such a row, at every step.
    pub fn shares_a_row(&self) -> bool {
        #[cfg(feature = "native-cpu")]
        return self.is_packed();
        #[cfg(not(feature = "native-cpu"))]
        false
    }

    /// Whether native code covers the products.
    #[cfg(feature = "native-cpu")]
    fn is_packed(&self) -> bool {
        D == 2 && is_native_on_cpu(&self.matrix) && self.matrix.shape().num_elements() > 0
    }

    /// The matrix without its history, for an operation that multiplies by it itself;
    /// [`product`](Self::product) and [`credit`](Self::credit) account for its gradient.
    pub fn matrix(&self) -> Tensor<D> {
        self.matrix.clone()
    }

    /// Returns `sum` `[.., N, O]`, to which an operation is about to add `rows` times the matrix:
    /// the gradient of `sum` is that of the product too.
    pub fn credit(&self, rows: Tensor<D>, sum: Tensor<D>) -> Tensor<D> {
        #[cfg(feature = "native")]
        if let Some(opened) = &self.opened {
            return opened.watch(sum, rows, self.first);
        }
        let _ = rows;
        sum
    }
}

/// The steps of a time-major sequence: `[T, N, W]` to `T` times `[N, W]`.
pub fn unbind(sequence: Tensor<3>) -> Vec<Tensor<2>> {
    let time = sequence.dims()[0];
    #[cfg(feature = "native")]
    if let Some(opened) = Opened::new(&sequence, Whole::Sequence { time }) {
        let sequence = sequence.detach();
        let step = |t| sequence.clone().narrow(0, t, 1).squeeze_dim::<2>(0);
        return (0..time).map(|t| opened.watch(step(t), step(t), t)).collect();
    }
    (0..time).map(|t| sequence.clone().narrow(0, t, 1).squeeze_dim(0)).collect()
}
