//! A recurrence over a sequence as a backend operation: the properties of a cell, the arguments,
//! the outputs and the gradients.

use std::fmt::Debug;

use burn::backend::{
    Backend, Dispatch, ExtensionType,
    tensor::{FloatTensor, IntTensor},
};

use crate::{Input, tensors::Tensors};

/// An operation that scans a sequence.
pub(crate) trait Recurrence: Copy + Debug + Send + 'static {}

impl<R: Copy + Debug + Send + 'static> Recurrence for R {}

/// The properties of a cell with a recurrent product, for the passes shared by all of them.
pub(crate) trait Cell: Recurrence {
    /// Gates of the cell: `G = GATES * H`.
    const GATES: usize;
    /// Cell states in addition to the hidden state: 0 or 1.
    #[cfg_attr(not(feature = "native-cpu"), allow(dead_code, reason = "GPUs take as many states as they are given"))]
    const CELL_STATES: usize = 0;
    /// Number of separate gates, the last ones, whose recurrent product with its bias is not added
    /// to the input, but combined with it by the cell: 0 or 1.
    const APART: usize = 0;
    /// Whether the only gate is the new hidden state itself: nothing else is saved for the backward
    /// pass.
    const GATE_IS_STATE: bool = false;
}

/// [`Input`] as tensors of a backend.
#[derive(ExtensionType)]
pub(crate) enum InputTensors<B: Backend> {
    Projected(FloatTensor<B>),
    Tokens { table: FloatTensor<B>, tokens: IntTensor<B> },
}

impl From<Input> for InputTensors<Dispatch> {
    fn from(input: Input) -> Self {
        match input {
            Input::Projected(projection) => InputTensors::Projected(projection.into_dispatch()),
            Input::Tokens { table, tokens } => {
                InputTensors::Tokens { table: table.into_dispatch(), tokens: tokens.into_dispatch() }
            }
        }
    }
}

/// The arguments of a recurrence.
#[derive(ExtensionType)]
pub(crate) struct Arguments<B: Backend> {
    #[extension_type]
    pub input: InputTensors<B>,
    /// Of a [`Cell`]: `weight_hh` `[G, H]`, and `bias_hh` `[G]` if it has a [separate](Cell::APART) gate.
    #[extension_type]
    pub weights: Tensors<B>,
    /// `[B, H]` each: `h0`, and `c0` of a cell with a [cell state](Cell::CELL_STATES).
    #[extension_type]
    pub initial: Tensors<B>,
}

impl<B: Backend> Arguments<B> {
    /// Converts the arguments to tensors of another backend, in the order of [`Gradients`].
    pub fn map<D: Backend>(
        self,
        mut float: impl FnMut(FloatTensor<B>) -> FloatTensor<D>,
        int: impl FnOnce(IntTensor<B>) -> IntTensor<D>,
    ) -> Arguments<D> {
        let input = match self.input {
            InputTensors::Projected(projection) => InputTensors::Projected(float(projection)),
            InputTensors::Tokens { table, tokens } => InputTensors::Tokens { table: float(table), tokens: int(tokens) },
        };
        let [weights, initial] =
            [self.weights, self.initial].map(|tensors| Tensors(tensors.0.into_iter().map(&mut float).collect()));
        Arguments { input, weights, initial }
    }
}

/// The outputs of a recurrence.
pub(crate) struct Walked<B: Backend> {
    /// `[T, B, H]`: the hidden states.
    pub hidden: FloatTensor<B>,
    /// `[B, H]` each: the final state, like the initial one.
    pub last: Vec<FloatTensor<B>>,
}

/// The outputs of a forward pass and, if requested, the state for the backward pass.
pub(crate) type Kept<B, S> = (Walked<B>, Option<S>);

/// The gradients of the outputs that a loss depends on.
pub(crate) struct Upstream<B: Backend> {
    pub hidden: Option<FloatTensor<B>>,
    pub last: Vec<Option<FloatTensor<B>>>,
}

/// The gradients to compute; those of the bias and of the initial state are free.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub input: bool,
    pub weight_hh: bool,
}

/// The gradients of the arguments, if wanted.
pub(crate) struct Gradients<B: Backend> {
    /// Of the projection, or of the table.
    pub input: Option<FloatTensor<B>>,
    pub weights: Vec<Option<FloatTensor<B>>>,
    pub initial: Vec<FloatTensor<B>>,
}

impl<B: Backend> Gradients<B> {
    /// The gradients in the order of the arguments.
    pub fn in_order(self) -> impl Iterator<Item = Option<FloatTensor<B>>> {
        [self.input].into_iter().chain(self.weights).chain(self.initial.into_iter().map(Some))
    }
}
