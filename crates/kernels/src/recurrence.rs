//! What a cell gives to be run as one operation on a backend: its two walks.

use std::fmt::Debug;

use burn::backend::{Backend, tensor::FloatTensor};

use crate::{Scan, backend::InputTensors};

/// A cell with `P` parameters, `weight_hh` first, and `S` tensors of state, the hidden
/// state first, on a backend that has code of its own for it.
pub(crate) trait Recurrence<B: Backend, const P: usize, const S: usize>: Copy + Debug + Send + 'static {
    /// What the forward walk leaves for the backward walk.
    type Saved: Clone + Debug + Send + 'static;

    /// Walks the sequence; `keep`s what the backward walk needs, or nothing.
    fn forward(
        self,
        input: InputTensors<B>,
        parameters: [FloatTensor<B>; P],
        scan: &Scan,
        keep: bool,
    ) -> (Walked<B, S>, Option<Self::Saved>);

    /// Back-propagation through time.
    fn backward(saved: Self::Saved, upstream: Upstream<B, S>, wanted: Wanted) -> Gradients<B, P>;
}

/// The outputs of a walk.
pub(crate) struct Walked<B: Backend, const S: usize> {
    /// `[T, B, H]`: the hidden states.
    pub hidden: FloatTensor<B>,
    /// `[B, H]` each: the final state.
    pub last: [FloatTensor<B>; S],
}

/// The gradients that reach the outputs, where a loss depends on them.
pub(crate) struct Upstream<B: Backend, const S: usize> {
    pub hidden: Option<FloatTensor<B>>,
    pub last: [Option<FloatTensor<B>>; S],
}

/// The gradients worth computing; those of the initial state cost nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub input: bool,
    pub weight_hh: bool,
}

/// The gradients of the arguments, where they were wanted.
pub(crate) struct Gradients<B: Backend, const P: usize> {
    /// Of the projection, or of the table.
    pub input: Option<FloatTensor<B>>,
    pub parameters: [Option<FloatTensor<B>>; P],
}

/// Walks a sequence forward only.
pub(crate) fn infer<B, R, const P: usize, const S: usize>(
    cell: R,
    input: InputTensors<B>,
    parameters: [FloatTensor<B>; P],
    scan: &Scan,
) -> Walked<B, S>
where
    B: Backend,
    R: Recurrence<B, P, S>,
{
    let (walked, _) = cell.forward(input, parameters, scan, false);
    walked
}
